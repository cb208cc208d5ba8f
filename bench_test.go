package streamgauge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// benchHub runs a hub whose log can hand events to its tail at the benchmark's
// pace.
func benchHub(b *testing.B) *streamgauge.Hub {
	b.Helper()
	hub, err := streamgauge.New(&streamgauge.Options{CompileFilter: everything})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); hub.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	return hub
}

var payload = []byte(`{"cpu":12.5,"user":8.25,"system":3.5,"iowait":0.75,"host":"web-1","zone":"eu-central-1a","pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}`)

func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch of %d", n), func(b *testing.B) {
			hub := benchHub(b)
			events := make([]streamgauge.Event, n)
			for i := range events {
				events[i] = streamgauge.Event{Stream: "host.cpu", Data: payload}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hub.Publish(b.Context(), events...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}

// BenchmarkDeliver publishes one event and lets every subscriber take it. What
// it allocates does not depend on how many there are.
func BenchmarkDeliver(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("%d subscribers", n), func(b *testing.B) { benchDeliver(b, n, nil) })
	}
}

// BenchmarkDeliverWithAccess is what delivery costs where everybody has to show who they are:
// nobody, all may see all of it, and all may see some of it.
func BenchmarkDeliverWithAccess(b *testing.B) {
	x := streamgauge.Selection{"x"}
	expires := time.Now().Add(time.Hour)
	for name, access := range map[string]*streamgauge.Access{
		"open":     nil,
		"granted":  {ID: "a", Read: []streamgauge.Grant{{Select: x}}, Expires: expires},
		"filtered": {ID: "a", Read: []streamgauge.Grant{{Select: x, Filter: "all"}}, Expires: expires},
	} {
		b.Run(name, func(b *testing.B) { benchDeliver(b, 1000, access) })
	}
}

func benchDeliver(b *testing.B, n int, access *streamgauge.Access) {
	hub := benchHub(b)
	deliver := deliverer(b, hub, n, access)
	b.ReportAllocs()
	for b.Loop() {
		deliver()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/delivery")
}

func everything(string) (streamgauge.Filter, error) {
	return filterFunc(func(*streamgauge.Event) bool { return true }), nil
}

// deliverer returns a function that publishes an event and takes it as every
// one of n subscribers.
func deliverer(tb testing.TB, hub *streamgauge.Hub, n int, access *streamgauge.Access) func() {
	tb.Helper()
	ctx := context.Background()
	subscribers := make([]*streamgauge.Subscriber, n)
	for i := range subscribers {
		s, err := hub.Subscribe(ctx, streamgauge.Subscription{Select: streamgauge.Selection{"x"}, Delivery: streamgauge.DeliverAll, Access: access}, func() {}, func() {})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(s.Close)
		for {
			if p, err := s.Next(ctx); err != nil {
				tb.Fatal(err)
			} else if p == nil {
				break
			}
		}
		subscribers[i] = s
	}
	return func() {
		if _, err := hub.Publish(ctx, streamgauge.Event{Stream: "x", Data: payload}); err != nil {
			tb.Fatal(err)
		}
		if err := hub.Ready(ctx); err != nil {
			tb.Fatal(err)
		}
		for _, s := range subscribers {
			p, err := s.Next(ctx)
			if err != nil || len(p) == 0 {
				tb.Fatalf("a subscriber got %q, %v", p, err)
			}
			if p, err := s.Next(ctx); err != nil || p != nil {
				tb.Fatalf("a subscriber got %q, %v, want nothing", p, err)
			}
		}
	}
}

func TestNothingIsAllocatedPerSubscriberPerEvent(t *testing.T) {
	perEvent := func(subscribers int) float64 {
		hub, err := streamgauge.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); hub.Run(ctx) }()
		defer func() { cancel(); <-done }()
		deliver := deliverer(t, hub, subscribers, nil)
		return testing.AllocsPerRun(200, deliver)
	}
	one, many := perEvent(1), perEvent(1000)
	if extra := (many - one) / 999; extra > 0.01 {
		t.Errorf("%.0f allocations with one subscriber, %.0f with 1,000: %.2f for each", one, many, extra)
	}
}
