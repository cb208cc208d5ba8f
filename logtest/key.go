package logtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

var keyCases = []testCase{
	{name: "a batch with a known key is answered with the first receipt", run: duplicate},
	{name: "a key that was used for other events is refused", run: keyReused},
	{name: "of concurrent batches with one key one is stored", run: concurrentKey},
	{name: "a refused batch does not use its key up", run: refusedKey},
	{name: "a key is forgotten after ten minutes", needs: needs{advance: true}, run: keyAge},
	{name: "100,000 keys are remembered, no more", run: keyCount},
}

func (b *bench) appendKey(key string, events ...streamgauge.Event) streamgauge.Receipt {
	b.Helper()
	r, err := b.log.Append(b.Context(), streamgauge.Batch{Events: events, Key: key})
	if err != nil {
		b.Fatalf("Append with key %q: %v", key, err)
	}
	return r
}

func duplicate(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 1}})
	first := b.appendKey("k", event("a", "1"), event("b", "2"))
	if first.Duplicate {
		b.Fatal("the first is a duplicate")
	}
	b.number("a", 3, 5) // the first's events need not be kept any more
	b.restarts(func(after string) {
		head := b.head()
		want := first
		want.Duplicate = true
		if got := b.appendKey("k", event("a", "1"), event("b", "2")); got != want {
			b.Errorf("%s: got receipt %+v, want %+v", after, got, want)
		}
		if b.head() != head {
			b.Errorf("%s: a duplicate moved the head from %v to %v", after, head, b.head())
		}
	})
	if r := b.appendKey("another", event("a", "1"), event("b", "2")); r.Duplicate {
		b.Error("the same events with another key are a duplicate")
	}
	if r := b.append(event("a", "1"), event("b", "2")); r.Duplicate {
		b.Error("the same events without a key are a duplicate")
	}
}

func keyReused(b *bench) {
	b.open()
	b.appendKey("k", event("a", "1"))
	b.restarts(func(after string) {
		head := b.head()
		for _, other := range [][]streamgauge.Event{
			{event("a", "2")}, {event("b", "1")}, {keyed("a", "x", "1")}, {event("a", "1"), event("a", "1")},
		} {
			_, err := b.log.Append(b.Context(), streamgauge.Batch{Events: other, Key: "k"})
			if !errors.Is(err, streamgauge.ErrKeyReused) {
				b.Errorf("%s: %s: got error %v, want ErrKeyReused", after, show(other[0]), err)
			}
		}
		if b.head() != head {
			b.Errorf("%s: a refused batch moved the head", after)
		}
	})
}

func concurrentKey(b *bench) {
	b.open()
	for round := range 20 {
		var wg sync.WaitGroup
		receipts := make([]streamgauge.Receipt, 8)
		for i := range receipts {
			wg.Go(func() {
				events := []streamgauge.Event{event("a", fmt.Sprint(round))}
				if _, err := b.log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil { // keeps the log busy
					b.Errorf("Append: %v", err)
				}
				var err error
				if receipts[i], err = b.log.Append(b.Context(), streamgauge.Batch{Events: events, Key: fmt.Sprint(round)}); err != nil {
					b.Errorf("Append: %v", err)
				}
			})
		}
		wg.Wait()
		firsts := 0
		for _, r := range receipts {
			if !r.Duplicate {
				firsts++
			}
			if r.Position != receipts[0].Position {
				b.Fatalf("round %d: positions %v and %v", round, r.Position, receipts[0].Position)
			}
		}
		if want := uint64((round + 1) * (len(receipts) + 1)); firsts != 1 || b.head().Seq != want {
			b.Fatalf("round %d: %d batches were stored, the head is %v, want %d", round, firsts, b.head(), want)
		}
	}
}

func refusedKey(b *bench) {
	b.open()
	if _, err := b.log.Append(b.Context(), streamgauge.Batch{Events: []streamgauge.Event{event("a", "{")}, Key: "k"}); err == nil {
		b.Fatal("an invalid event was taken")
	}
	if r := b.appendKey("k", event("a", "1")); r.Duplicate || r.Position.Seq != 1 {
		b.Fatalf("the corrected batch: %+v", r)
	}
}

func keyAge(b *bench) {
	b.open()
	b.appendKey("k", event("a", "1"))
	b.h.Advance(b.T, b.log, streamgauge.IdempotencyAge-time.Second)
	b.restarts(func(after string) {
		if r := b.appendKey("k", event("a", "1")); !r.Duplicate {
			b.Errorf("%s: forgotten a second too early", after)
		}
	})
	b.h.Advance(b.T, b.log, 2*time.Second)
	if r := b.appendKey("k", event("a", "1")); r.Duplicate || r.Position.Seq != 2 {
		b.Errorf("a second too late: %+v, want it stored anew", r)
	}
}

func keyCount(b *bench) {
	if b.h.Quick || testing.Short() {
		b.Skip("appends 100,000 batches")
	}
	b.open(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1}})
	b.appendKey("first", event("a", "1"))
	b.appendKey("second", event("a", "1"))
	var wg sync.WaitGroup
	const workers = 8
	for w := range workers {
		wg.Go(func() {
			for i := w; i < streamgauge.IdempotencyKeys-1; i += workers {
				batch := streamgauge.Batch{Events: []streamgauge.Event{event("a", "1")}, Key: fmt.Sprint("k", i)}
				if _, err := b.log.Append(b.Context(), batch); err != nil {
					b.Errorf("Append: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if r := b.appendKey("second", event("a", "1")); !r.Duplicate {
		b.Error("the 100,000th last key is forgotten")
	}
	if r := b.appendKey("first", event("a", "1")); r.Duplicate {
		b.Error("the 100,001st last key is remembered")
	}
}
