package streamgauge

import (
	"context"
	"testing"
	"time"
)

// A quiet feed outlives many of its subscribers; what it knows of them must go
// with them.
func TestAFeedForgetsThoseWhoLeft(t *testing.T) {
	hub, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	subscribe := func() *Subscriber {
		s, err := hub.Subscribe(ctx, Subscription{Select: Selection{"quiet"}, Since: hub.wheel.start}, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		for p := []byte{0}; p != nil; {
			if p, err = s.Next(ctx); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	stays := subscribe()
	for range 1000 {
		subscribe().Close()
	}
	f := stays.feed
	if len(f.parked) != 1 || f.subscribers != 1 {
		t.Errorf("%d parked and %d subscribers, want 1 and 1", len(f.parked), f.subscribers)
	}
	scheduled := 0
	hub.wheel.each(func(*Subscriber) { scheduled++ })
	if scheduled != 1 {
		t.Errorf("%d are on the wheel, want 1", scheduled)
	}
	stays.Close()
	if len(hub.feeds) != 0 || len(hub.gated) != 0 || hub.total != 0 || len(hub.clients) != 0 {
		t.Errorf("left over: %d feeds, %d gated, %d subscribers, %d clients", len(hub.feeds), len(hub.gated), hub.total, len(hub.clients))
	}
}

func TestARateIsTrueFromTheStartAndForgets(t *testing.T) {
	var r rate
	now := time.Unix(1e9, 0)
	for i := range 300 {
		r.observe(now)
		if got := r.at(now); i > 1 && (got < 1.5 || got > 2.5) {
			t.Fatalf("after %d events at 2 per second: %.2f", i+1, got)
		}
		now = now.Add(time.Second / 2)
	}
	if got := r.at(now.Add(time.Minute)); got > 0.01 {
		t.Errorf("a minute later: %.2f", got)
	}
}
