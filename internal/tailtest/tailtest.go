// Package tailtest is what the tests of logs that several instances share have in common.
package tailtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Event returns an event whose data is a number.
func Event(stream string, n int) streamgauge.Event {
	return streamgauge.Event{Stream: stream, Data: fmt.Append(nil, n)}
}

// Add appends the events, which must be taken, as one batch.
func Add(tb testing.TB, log streamgauge.Log, events ...streamgauge.Event) streamgauge.Receipt {
	tb.Helper()
	r, err := log.Append(tb.Context(), streamgauge.Batch{Events: events})
	if err != nil {
		tb.Fatalf("Append: %v", err)
	}
	return r
}

// Eventually polls until f holds.
func Eventually(tb testing.TB, within time.Duration, what string, f func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(within); !f(); {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("%s: not within %v", what, within)
		}
	}
}

// A Follower keeps what a tail has delivered.
type Follower struct {
	mu     sync.Mutex
	events []streamgauge.Event
	err    error
	done   chan struct{}
}

// Follow follows the log from a position until the test ends.
func Follow(tb testing.TB, log streamgauge.Log, after streamgauge.Position) *Follower {
	tb.Helper()
	f := &Follower{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(tb.Context())
	go func() {
		defer close(f.done)
		err := log.Tail(ctx, after, func(events []streamgauge.Event) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, events...)
			return nil
		})
		f.mu.Lock()
		defer f.mu.Unlock()
		f.err = err
	}()
	tb.Cleanup(func() { cancel(); <-f.done })
	return f
}

// Events returns what has come.
func (f *Follower) Events() []streamgauge.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// count returns how many have come.
func (f *Follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// Ended returns why the tail ended, which it must soon.
func (f *Follower) Ended(tb testing.TB, within time.Duration) error {
	tb.Helper()
	select {
	case <-f.done:
		return f.err
	case <-time.After(within):
		tb.Fatalf("the tail has not ended within %v", within)
		return nil
	}
}

// Publishers append single events until they are ended, each to one log.
type Publishers struct {
	stop   func()
	wg     sync.WaitGroup
	mu     sync.Mutex
	acked  map[streamgauge.Position]string
	failed int           // appends
	newest time.Time     // when one was acknowledged last
	pause  time.Duration // the longest between two
}

// Publish begins a publisher for each of the logs. An append may be refused with
// [streamgauge.ErrUnavailable].
func Publish[L streamgauge.Log](tb testing.TB, logs ...L) *Publishers {
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	p := &Publishers{stop: stop, acked: make(map[streamgauge.Position]string)}
	for i, log := range logs {
		p.wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				e := Event(fmt.Sprint("p", i), n)
				r, err := log.Append(context.WithoutCancel(ctx), streamgauge.Batch{Events: []streamgauge.Event{e}})
				p.mu.Lock()
				switch {
				case errors.Is(err, streamgauge.ErrUnavailable):
					p.failed++
				case err != nil:
					tb.Errorf("Append: %v", err)
				default:
					p.acked[r.Position] = what(&e)
					now := time.Now()
					if !p.newest.IsZero() {
						p.pause = max(p.pause, now.Sub(p.newest))
					}
					p.newest = now
				}
				p.mu.Unlock()
			}
		})
	}
	tb.Cleanup(p.End)
	return p
}

// GoOn waits until the follower has more of what is published.
func (p *Publishers) GoOn(tb testing.TB, f *Follower) {
	tb.Helper()
	n := f.count()
	Eventually(tb, time.Minute, "it goes on", func() bool { return f.count() > n+50 })
}

// End ends them.
func (p *Publishers) End() {
	p.stop()
	p.wg.Wait()
}

// Acked returns, after End, how many events were acknowledged.
func (p *Publishers) Acked() int { return len(p.acked) }

// Missing returns, after End, how many acknowledged events are not among these, wherever.
func (p *Publishers) Missing(events []streamgauge.Event) (n int) {
	there := make(map[string]bool)
	for i := range events {
		there[what(&events[i])] = true
	}
	for _, one := range p.acked {
		if !there[one] {
			n++
		}
	}
	return n
}

func what(e *streamgauge.Event) string { return e.Stream + " " + string(e.Data) }

// Check checks, after End, that the follower has all that was acknowledged where it was
// said to be, none twice, and, unless appends may have failed, nothing else.
func (p *Publishers) Check(tb testing.TB, f *Follower, mayFail bool) {
	tb.Helper()
	newest := uint64(0)
	for id := range p.acked {
		newest = max(newest, id.Seq)
	}
	Eventually(tb, time.Minute, "all has come", func() bool { return uint64(f.count()) >= newest })
	events := f.Events()
	if !mayFail && (p.failed > 0 || len(events) != len(p.acked)) {
		tb.Errorf("%d were acknowledged, %d failed, %d came", len(p.acked), p.failed, len(events))
	}
	seen := make(map[string]bool)
	at := make(map[streamgauge.Position]string)
	for i, e := range events {
		if e.ID.Seq != uint64(i+1) {
			tb.Fatalf("event %d has the number %d", i, e.ID.Seq)
		}
		one := what(&e)
		if seen[one] {
			tb.Fatalf("%s comes twice", one)
		}
		seen[one], at[e.ID] = true, one
	}
	missing := 0
	for id, one := range p.acked {
		if at[id] != one {
			missing++
		}
	}
	if missing > 0 {
		tb.Errorf("%d acknowledged events are not where they were", missing)
	}
	tb.Logf("%d acknowledged, %d missing, %d failed, %d came; the longest pause was %.1f s",
		len(p.acked), missing, p.failed, len(events), p.pause.Seconds())
}

// Announcer is a log through which instances tell each other of themselves.
type Announcer interface {
	Announce(ctx context.Context, name string, said []byte) error
	Announced(ctx context.Context) (map[string][]byte, error)
}

// Announce checks that two instances hear of each other, and that who says nothing any more
// is forgotten.
func Announce(t *testing.T, one, two Announcer) {
	t.Helper()
	hear := func(log Announcer) map[string][]byte {
		all, err := log.Announced(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := hear(one); len(all) != 0 {
		t.Fatalf("at first %q", all)
	}
	say := func(log Announcer, name, what string) {
		if err := log.Announce(t.Context(), name, []byte(what)); err != nil {
			t.Fatal(err)
		}
	}
	say(one, "one", "I am one")
	say(two, "two", "I am two")
	for _, log := range []Announcer{one, two} {
		Eventually(t, 5*time.Second, "both are heard", func() bool {
			all := hear(log)
			return len(all) == 2 && string(all["one"]) == "I am one" && string(all["two"]) == "I am two"
		})
	}
	Eventually(t, 15*time.Second, "who says nothing is not there any more", func() bool {
		say(one, "one", "still")
		all := hear(two)
		return len(all) == 1 && string(all["one"]) == "still"
	})
}
