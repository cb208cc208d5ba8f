package streamgauge

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkViewFold is what an event costs each view that selects it.
func BenchmarkViewFold(b *testing.B) {
	data := []byte(`{"route":"/cart","method":"GET","status":200,"ms":12.75,"bytes":5120,"user":"u-1234","host":"web-1"}`)
	for _, text := range []string{"count(s)", "avg(s /ms)", "p95(s /ms) by /route", "p50,p95,count(s /ms) by /route over 5m every 10s", "sum(s /bytes) by key"} {
		b.Run(text, func(b *testing.B) {
			v, err := ParseView(text)
			if err != nil {
				b.Fatal(err)
			}
			tally := newTally(&v, nil)
			at := time.Now()
			e := Event{Stream: "s", Key: "k", Time: at, Appended: at, Data: data, ID: Position{1, 1}}
			b.ReportAllocs()
			for b.Loop() {
				tally.add(&e)
				e.ID.Seq++
			}
		})
	}
}

// BenchmarkViewFlush lets an event change a view's row and every subscriber take
// it.
func BenchmarkViewFlush(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("%d subscribers", n), func(b *testing.B) {
			flush := viewFlusher(b, n, Subscription{Views: []string{"count(s) every 1h"}})
			b.ReportAllocs()
			for b.Loop() {
				flush()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/delivery")
		})
	}
}

// viewFlusher returns a function that appends an event, flushes, and has so many
// subscribers take the row that has changed.
func viewFlusher(t testing.TB, n int, want Subscription) func() {
	t.Helper()
	log := NewMemoryLog(nil)
	hub := instance(t, log)
	subscribers := make([]*Subscriber, n)
	ctx := context.Background()
	woken := 0
	for i := range subscribers {
		s, err := hub.Subscribe(ctx, want, func() { woken++ }, func() {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		subscribers[i] = s
	}
	batch := Batch{Events: []Event{{Stream: "s", Data: []byte("1")}}}
	flush := func(least int) {
		if _, err := log.Append(ctx, batch); err != nil {
			t.Fatal(err)
		}
		for _, f := range hub.views.folds {
			if err := f.step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range subscribers {
			blocks := 0
			for {
				p, err := s.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if p == nil {
					break
				}
				blocks++
			}
			if blocks < least {
				t.Fatalf("a subscriber got %d blocks", blocks)
			}
		}
		if woken < n {
			t.Fatalf("only %d were woken of %d", woken, n)
		}
		woken = 0
	}
	woken = n // nobody waits yet
	flush(2)
	return func() { flush(1) }
}

func TestNothingIsAllocatedPerViewerPerFlush(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector a sync.Pool forgets")
	}
	for name, want := range map[string]Subscription{
		"views only":    {Views: []string{"count(s) every 1h", "sum(s) by key every 1h"}},
		"with a stream": {Views: []string{"count(s) every 1h"}, Select: Selection{"other"}},
	} {
		few, many := testing.AllocsPerRun(100, viewFlusher(t, 10, want)), testing.AllocsPerRun(100, viewFlusher(t, 510, want))
		if many > few+5 {
			t.Errorf("%s: a flush allocates %v times with 10 viewers and %v times with 510", name, few, many)
		}
	}
}

// BenchmarkManyNewViews opens a page of many new views over a long log, and has
// somebody else follow a stream meanwhile.
func BenchmarkManyNewViews(b *testing.B) {
	const events, views = 200_000, 64
	log := NewMemoryLog(keepMuch)
	fillWithRequests(b, log, events)
	hub := instance(b, log)
	ctx, cancel := context.WithCancel(b.Context())
	running := make(chan error, 1)
	go func() { running <- hub.Run(ctx) }()
	defer func() { cancel(); <-running }()

	more := make(chan struct{}, 1)
	live := liveSubscriber(b, hub, Subscription{Select: Selection{"live"}}, more)
	awaitBlock(b, live, more)
	var all, first time.Duration
	var delays []time.Duration
	for round := 0; b.Loop(); round++ {
		done := make(chan time.Duration, views)
		began := time.Now()
		for i := range views {
			want := Subscription{Views: []string{fmt.Sprintf("avg,p95(s /ms) by /route every %ds where %d", i+1, round)}}
			go func() {
				more := make(chan struct{}, 1)
				s := liveSubscriber(b, hub, want, more)
				defer s.Close()
				awaitBlock(b, s, more) // the preface
				awaitBlock(b, s, more)
				done <- time.Since(began)
			}()
		}
		for n := 0; n < views; {
			sent := time.Now()
			if _, err := hub.Publish(ctx, Event{Stream: "live", Data: []byte("1")}); err != nil {
				b.Fatal(err)
			}
			awaitBlock(b, live, more)
			delays = append(delays, time.Since(sent))
			select {
			case took := <-done:
				if n++; n == 1 {
					first += took
				}
				all += took * time.Duration(n/views) // of the last one
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	slices.Sort(delays)
	b.ReportMetric(first.Seconds()/float64(b.N), "s/first")
	b.ReportMetric(all.Seconds()/float64(b.N), "s/all")
	for name, i := range map[string]int{"ms/live-p50": len(delays) / 2, "ms/live-p99": len(delays) * 99 / 100, "ms/live-max": len(delays) - 1} {
		b.ReportMetric(float64(delays[i].Microseconds())/1000, name)
	}
}

// fillWithRequests appends what a web server would say in so many requests.
func fillWithRequests(t testing.TB, log Log, n int) {
	t.Helper()
	for i := 0; i < n; {
		events := make([]Event, min(1000, n-i))
		for j := range events {
			events[j] = Event{Stream: "s", Data: fmt.Appendf(nil, `{"route":"/%d","method":"GET","status":200,"ms":%d.75,"user":"u-%d"}`, i%20, i%997, i)}
			i++
		}
		if _, err := log.Append(t.Context(), Batch{Events: events}); err != nil {
			t.Fatal(err)
		}
	}
}

func liveSubscriber(t testing.TB, hub *Hub, want Subscription, more chan struct{}) *Subscriber {
	s, err := hub.Subscribe(t.Context(), want, func() {
		select {
		case more <- struct{}{}:
		default:
		}
	}, func() {})
	if err != nil {
		t.Error(err)
		panic(err)
	}
	return s
}

// awaitBlock returns the next block that is no heartbeat.
func awaitBlock(t testing.TB, s *Subscriber, more <-chan struct{}) string {
	for {
		p, err := s.Next(t.Context())
		switch {
		case err != nil:
			t.Error(err)
			return ""
		case p != nil && !bytes.Contains(p, []byte("hub.heartbeat")):
			return string(p)
		case p == nil:
			<-more
		}
	}
}
