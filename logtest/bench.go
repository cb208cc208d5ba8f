package logtest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/streamgauge/streamgauge"
)

// Bench measures what an engine's users wait for. It calls open for an empty
// log under the rules.
func Bench(b *testing.B, open func(b *testing.B, rules streamgauge.Rules) streamgauge.Log) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10_000}})
	if err != nil {
		b.Fatal(err)
	}
	start := func(b *testing.B) streamgauge.Log {
		log := open(b, rules)
		b.Cleanup(func() { log.Close() })
		b.ReportAllocs()
		return log
	}
	for _, size := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("append %d events of 200 bytes", size), func(b *testing.B) { benchAppend(b, start(b), size) })
	}
	b.Run("append single events from 64 goroutines", func(b *testing.B) { benchParallel(b, start(b)) })
	b.Run("append single events to a tail", func(b *testing.B) { benchTail(b, start(b)) })
	b.Run("read 256 events at random depths", func(b *testing.B) { benchRead(b, start(b)) })
	b.Run("resume at the head with 10000 streams", func(b *testing.B) { benchResume(b, start(b)) })
}

func benchBatch(size int) []streamgauge.Event {
	payload := []byte(`{"v": "` + strings.Repeat("x", 190) + `"}`)
	events := make([]streamgauge.Event, size)
	for i := range events {
		events[i] = streamgauge.Event{Stream: fmt.Sprintf("bench.%d", i%100), Data: payload}
	}
	return events
}

func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

func benchAppend(b *testing.B, log streamgauge.Log, size int) {
	events := benchBatch(size)
	n := 0
	for b.Loop() {
		if _, err := log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil {
			b.Fatal(err)
		}
		n += size
	}
	perEvent(b, n)
}

func benchParallel(b *testing.B, log streamgauge.Log) {
	events := benchBatch(1)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil {
				b.Error(err)
				return
			}
		}
	})
	perEvent(b, b.N)
}

func benchTail(b *testing.B, log streamgauge.Log) {
	events := benchBatch(1)
	var delivered atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- log.Tail(b.Context(), streamgauge.Position{}, func(events []streamgauge.Event) error {
			delivered.Add(int64(len(events)))
			return nil
		})
	}()
	for b.Loop() {
		if _, err := log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil {
			b.Fatal(err)
		}
	}
	log.Close()
	if err := <-ended; !errors.Is(err, streamgauge.ErrClosed) && !errors.Is(err, streamgauge.ErrTrimmed) {
		b.Fatal(err)
	}
	b.ReportMetric(float64(delivered.Load())/float64(b.N), "delivered/op")
}

func benchRead(b *testing.B, log streamgauge.Log) {
	events := benchBatch(1000)
	for range 200 {
		if _, err := log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil {
			b.Fatal(err)
		}
	}
	head, err := log.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: head, Limit: 256}
	for i := uint64(0); b.Loop(); i++ {
		q.After.Seq = i * 7919 % (head.Seq - 256)
		if p, err := log.Read(b.Context(), q); err != nil || len(p.Events) != q.Limit {
			b.Fatalf("%d events, error %v", len(p.Events), err)
		}
	}
}

func benchResume(b *testing.B, log streamgauge.Log) {
	for i := range 100 {
		var events []streamgauge.Event
		for j := range 100 {
			events = append(events, event(fmt.Sprintf("s.%d", 100*i+j), "1"))
		}
		if _, err := log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil {
			b.Fatal(err)
		}
	}
	head, err := log.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	head.Seq -= 10
	for b.Loop() {
		p, err := log.Read(b.Context(), streamgauge.Query{Select: streamgauge.Selection{"s.*"}, After: head})
		if err != nil || len(p.Events) != 10 {
			b.Fatalf("%d events, error %v", len(p.Events), err)
		}
	}
}
