package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/streamgauge/streamgauge"
)

var tailCases = []testCase{
	{name: "a tail gets every event after its start once and in order", run: tailAll},
	{name: "a tail that starts anywhere while appending misses nothing", run: tailSeam},
	{name: "a tail that lags far behind catches up", run: tailLags},
	{name: "a tail that needs trimmed events ends with ErrTrimmed", run: tailTrimmed},
	{name: "a tail ends with the cause of its context, with deliver's error, and on Close", run: tailEnds},
}

// tailInto tails in the background and returns what Tail returns.
func (b *bench) tailInto(after streamgauge.Position, deliver func([]streamgauge.Event) error) <-chan error {
	ended := make(chan error, 1)
	log := b.log
	ctx, cancel := b.withCancel()
	go func() { ended <- log.Tail(ctx, after, deliver) }()
	b.Cleanup(func() { cancel(nil); log.Close() })
	return ended
}

// collector checks that it is delivered everything from one position on.
type collector struct {
	mu   sync.Mutex
	next uint64
	got  []streamgauge.Event
}

func (c *collector) deliver(events []streamgauge.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		if e.ID.Seq != c.next {
			return fmt.Errorf("delivered %v, want sequence number %d", e.ID, c.next)
		}
		c.next++
		e.Data = append([]byte(nil), e.Data...)
		c.got = append(c.got, e)
	}
	return nil
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got)
}

func (b *bench) collect(after streamgauge.Position, n int, during func()) []streamgauge.Event {
	b.Helper()
	c := &collector{next: after.Seq + 1}
	ended := b.tailInto(after, c.deliver)
	during()
	b.eventually(fmt.Sprintf("delivery of %d events after %v", n, after), func() bool {
		select {
		case err := <-ended:
			b.Fatalf("the tail ended after %d events: %v", c.count(), err)
		default:
		}
		return c.count() >= n
	})
	return c.got
}

func tailAll(b *bench) {
	b.open()
	b.number("a", 1, 20)
	for _, from := range []uint64{0, 1, 19, 20} {
		n := 40 - int(from) + int(b.head().Seq) - 20
		first := int(b.head().Seq) + 1
		got := b.collect(b.at(from), n, func() { b.number("a", first, first+19) })
		stored, _ := b.readAll(streamgauge.Query{Select: everything, After: b.at(from)})
		b.wantSame(fmt.Sprintf("tail from %d", from), got, stored)
	}
	b.restarts(func(after string) {
		n := int(b.head().Seq)
		got := b.collect(b.at(0), n, func() {})
		b.want(after, data(got), numbers(1, n))
	})
}

func tailSeam(b *bench) {
	const appenders, each = 4, 150
	b.open()
	var tails, wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := range each {
				_, err := b.log.Append(b.Context(), streamgauge.Batch{Events: []streamgauge.Event{event(fmt.Sprint("s", a), fmt.Sprint(i))}})
				if err != nil {
					b.Errorf("Append: %v", err)
				}
			}
		})
	}
	for range 10 { // each begins wherever the appenders have got to
		start := b.head()
		tails.Go(func() {
			done := errors.New("done")
			c := &collector{next: start.Seq + 1}
			err := b.log.Tail(b.Context(), start, func(events []streamgauge.Event) error {
				if err := c.deliver(events); err != nil || c.next <= appenders*each {
					return err
				}
				return done
			})
			if start.Seq < appenders*each && !errors.Is(err, done) {
				b.Errorf("tail from %v: %v", start, err)
			}
		})
		if start.Seq == appenders*each {
			b.append(event("more", "1")) // lets a tail from the very end see something
		}
	}
	wg.Wait()
	b.append(event("more", "1"))
	tails.Wait()
}

func tailLags(b *bench) {
	const batches, size = 80, 500
	b.open()
	c := &collector{next: 1}
	release := make(chan struct{})
	ended := b.tailInto(b.at(0), func(events []streamgauge.Event) error {
		<-release
		return c.deliver(events)
	})
	batch := make([]streamgauge.Event, size)
	for i := range batch {
		batch[i] = event("a", "1")
	}
	for range batches {
		b.append(batch...) // never waits for the tail
	}
	close(release)
	b.eventually("catching up", func() bool {
		select {
		case err := <-ended:
			b.Fatalf("the tail ended after %d events: %v", c.count(), err)
		default:
		}
		return c.count() == batches*size
	})
}

func tailTrimmed(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 10}})
	batch := make([]streamgauge.Event, 1000)
	for i := range batch {
		batch[i] = event("a", "1")
	}
	for range 80 {
		b.append(batch...)
	}
	c := &collector{next: 2} // fails when it is delivered what comes after a gap
	err := b.log.Tail(b.Context(), b.at(1), c.deliver)
	if !errors.Is(err, streamgauge.ErrTrimmed) {
		b.Fatalf("got error %v, want ErrTrimmed", err)
	}
}

func tailEnds(b *bench) {
	b.open()
	nothing := func([]streamgauge.Event) error { return nil }

	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.log.Tail(ctx, b.at(0), nothing) }()
	b.append(event("a", "1"))
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		b.Errorf("its context ended: got error %v, want the cause", err)
	}
	if err := b.log.Tail(b.Context(), b.at(0), func([]streamgauge.Event) error { return why }); !errors.Is(err, why) {
		b.Errorf("deliver failed: got error %v, want deliver's", err)
	}
	closed := b.tailInto(b.head(), nothing)
	b.log.Close()
	if err := <-closed; !errors.Is(err, streamgauge.ErrClosed) {
		b.Errorf("the log was closed: got error %v, want ErrClosed", err)
	}
}
