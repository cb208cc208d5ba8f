package streamgauge

import (
	"context"
	"strings"
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

// Whoever waits for the replay budget is asked to read the log when there is some again, and not
// before: it would be asked again at once.
func TestWhoWaitsForTheReplayBudgetIsNotBehind(t *testing.T) {
	hub, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	event := Event{Stream: "s", Data: []byte(`"` + strings.Repeat("x", 1000) + `"`)}
	for range 3 {
		if _, err := hub.Publish(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	hub.delivered.Store(3) // so that a feed that begins now has none of them
	s, err := hub.Subscribe(t.Context(), Subscription{Select: Selection{"s"}, Cursor: Position{hub.life(), 1}.String()}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	next := func() (p []byte, behind bool) {
		t.Helper()
		p, behind, err := s.next(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		return p, behind
	}
	next() // what it begins with
	left := hub.replay.left.Swap(-1)
	if p, behind := next(); len(p) > 0 || behind {
		t.Errorf("without a budget it has %q, is behind: %v", p, behind)
	}
	hub.replay.left.Store(left)
	if p, behind := next(); len(p) > 0 || !behind {
		t.Errorf("with a budget it has %q, is behind: %v", p, behind)
	}
}

// Gaps of no stream are known by one number to a log that is told what was said,
// and don't come in its order.
func TestHolesOfTheLogAreSaidOnceEachInWhateverPieces(t *testing.T) {
	const events = 4000
	log := NewMemoryLog(nil)
	for i := range events {
		if _, err := log.Append(t.Context(), Batch{Events: []Event{{Stream: "s", Data: []byte("1")}}}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			log.index.Lose("s", uint64(i+1))
		}
	}
	log.index.AddGone(Gone{Through: events / 2})
	hub, err := New(&Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	first := Position{hub.life(), 1}
	s, err := hub.Subscribe(t.Context(), Subscription{Select: Selection{"s"}, Cursor: first.String()}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	said, received, blocks := map[string]int{}, 0, 0
	for {
		p, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			break
		}
		blocks++
		for block := range strings.SplitSeq(string(p), "\n\n") {
			switch {
			case strings.HasPrefix(block, "event: hub.gap"):
				said[block]++
			case strings.Contains(block, "data: {\"stream\""):
				received++
			}
		}
	}
	for gap, n := range said {
		if n != 1 {
			t.Errorf("said %d times: %s", n, gap)
		}
	}
	if len(said) != events/2+1 || received != events/2-1 || blocks < 6 {
		t.Errorf("got %d gaps, %d events and %d blocks", len(said), received, blocks)
	}
}

// Delivery waits for the hub's mutex: what takes streams times feeds must not be
// done under it, and routes are made under it.
func TestListingStreamsCountsTheirSubscribersAndMakesNoRoutes(t *testing.T) {
	hub, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, stream := range []string{"a", "a.b", "b", "c.d"} {
		if _, err := hub.Publish(ctx, Event{Stream: stream, Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []Subscription{
		{Select: Selection{"a"}},
		{Select: Selection{"a"}, Encoding: EncodeBare},
		{Select: Selection{"a", "a", "b"}},
		{Select: Selection{"a", "a.*"}},
		{Select: Selection{"a.*", "*.b"}},
		{Select: Selection{"a.*", "*.b"}, Rate: 1},
		{Select: Selection{">"}},
		{Select: Selection{">"}},
	} {
		s, err := hub.Subscribe(ctx, want, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	for range 2 {
		streams, err := hub.Streams(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"a": 6, "a.b": 5, "b": 3, "c.d": 2}
		for _, s := range streams {
			if s.Subscribers != want[s.Name] {
				t.Errorf("%s: got %d subscribers, want %d", s.Name, s.Subscribers, want[s.Name])
			}
		}
		if len(streams) != len(want) || len(hub.routes) != 0 {
			t.Errorf("got %d streams and %d routes, want %d and none", len(streams), len(hub.routes), len(want))
		}
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
