// Package logtest is the conformance suite of Streamgauge's logs. An engine's
// own tests call [Run] with a [Harness], which opens logs of that engine; every
// [streamgauge.Log] must pass it. [Bench] measures an engine the same way as
// the others.
package logtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Harness opens logs of one engine. What is nil the engine cannot do, and the
// cases about it are left out.
type Harness struct {
	// Name is the engine's; every failure has it in the name of its test.
	Name string

	// Open returns a new empty log under the rules. The suite closes it.
	Open func(t *testing.T, rules streamgauge.Rules) streamgauge.Log

	// Reopen closes the log and opens what it stored again.
	Reopen func(t *testing.T, log streamgauge.Log) streamgauge.Log

	// Kill abandons the log without closing it, as if its process had been
	// killed, and opens what it stored again. It must be nil where that may
	// lose acknowledged events.
	Kill func(t *testing.T, log streamgauge.Log) streamgauge.Log

	// Join opens another instance of a log that several share, whose own stays
	// open.
	Join func(t *testing.T, log streamgauge.Log) streamgauge.Log

	// Quick leaves out what appends 100,000 batches.
	Quick bool

	// MaxBatch is the most events that one Append takes, at least 1000; 0 is no bound.
	MaxBatch int

	// Advance moves the log's wall clock, which otherwise must stand still.
	Advance func(t *testing.T, log streamgauge.Log, d time.Duration)
}

// Run runs every case of the suite.
func Run(t *testing.T, h Harness) {
	t.Run(h.Name, func(t *testing.T) {
		for _, group := range [][]testCase{orderCases, retentionCases, gapCases, tailCases, keyCases, lifeCases, modelCases, sharedCases} {
			for _, c := range group {
				t.Run(c.name, func(t *testing.T) {
					switch {
					case c.needs.reopen && h.Reopen == nil:
						t.Skipf("%s logs end with their process", h.Name)
					case c.needs.advance && h.Advance == nil:
						t.Skipf("the clock of %s logs can't be moved", h.Name)
					case c.needs.join && h.Join == nil:
						t.Skipf("nobody shares %s logs", h.Name)
					}
					c.run(&bench{T: t, h: h})
				})
			}
		}
	})
}

type testCase struct {
	name  string
	needs needs
	run   func(*bench)
}

type needs struct{ reopen, advance, join bool }

// bench is where one case is tried.
type bench struct {
	*testing.T
	h   Harness
	log streamgauge.Log
}

// open opens the case's log. All rules have age and byte bounds too wide to
// matter unless they say otherwise.
func (b *bench) open(rules ...streamgauge.Rule) {
	b.Helper()
	wide := streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1 << 20, Age: 1e6 * time.Hour, Bytes: 1 << 40}}
	complete, err := streamgauge.NewRules(append(rules, wide)...)
	if err != nil {
		b.Fatal(err)
	}
	b.log = b.h.Open(b.T, complete)
	b.Cleanup(func() { b.log.Close() })
}

// restarts calls f for the log as it is, and again after every kind of restart
// that the engine survives.
func (b *bench) restarts(f func(after string)) {
	f("at once")
	if b.h.Reopen != nil {
		b.log = b.h.Reopen(b.T, b.log)
		f("after closing and opening again")
	}
	if b.h.Kill != nil {
		b.log = b.h.Kill(b.T, b.log)
		f("after being killed")
	}
}

func event(stream, data string) streamgauge.Event {
	return streamgauge.Event{Stream: stream, Data: []byte(data)}
}

func keyed(stream, key, data string) streamgauge.Event {
	return streamgauge.Event{Stream: stream, Key: key, Data: []byte(data)}
}

// append stores the events as one batch.
func (b *bench) append(events ...streamgauge.Event) streamgauge.Receipt {
	b.Helper()
	r, err := b.log.Append(b.Context(), streamgauge.Batch{Events: events})
	if err != nil {
		b.Fatalf("Append: %v", err)
	}
	return r
}

// appendAll stores the events as one batch, or as few as the engine can.
func (b *bench) appendAll(events []streamgauge.Event) {
	b.Helper()
	most := len(events)
	if b.h.MaxBatch > 0 {
		most = min(most, b.h.MaxBatch)
	}
	for some := range slices.Chunk(events, most) {
		b.append(some...)
	}
}

// number appends one event each with the numbers from first to last as data.
func (b *bench) number(stream string, first, last int) {
	b.Helper()
	for i := first; i <= last; i++ {
		b.append(event(stream, fmt.Sprint(i)))
	}
}

func (b *bench) head() streamgauge.Position {
	b.Helper()
	p, err := b.log.Head(b.Context())
	if err != nil {
		b.Fatalf("Head: %v", err)
	}
	return p
}

// at returns the position with this sequence number.
func (b *bench) at(seq uint64) streamgauge.Position {
	b.Helper()
	return streamgauge.Position{Epoch: b.head().Epoch, Seq: seq}
}

func (b *bench) read(q streamgauge.Query) streamgauge.Page {
	b.Helper()
	p, err := b.log.Read(b.Context(), q)
	if err != nil {
		b.Fatalf("Read(%+v): %v", q, err)
	}
	return p
}

// readAll reads page after page up to the head. The gaps are those of all
// pages, each told once.
func (b *bench) readAll(q streamgauge.Query) (events []streamgauge.Event, gaps []streamgauge.Gap) {
	b.Helper()
	told := make(map[string]uint64)
	for {
		q.Told = told
		p := b.read(q)
		events = append(events, p.Events...)
		gaps = append(gaps, p.Gaps...)
		for _, g := range p.Gaps {
			told[g.Stream] = g.Through
		}
		if p.Next == p.Head {
			return events, gaps
		}
		if p.Next.Seq <= q.After.Seq && !q.After.IsZero() || len(p.Events) == 0 {
			b.Fatalf("a page of %+v does not get on: it ends at %v, the head is %v", q, p.Next, p.Head)
		}
		q.After, q.Last, q.Since = p.Next, 0, time.Time{}
	}
}

func selection(selectors ...string) streamgauge.Selection {
	s, err := streamgauge.NewSelection(selectors...)
	if err != nil {
		panic(err) // a mistake in this package
	}
	return s
}

var everything = selection(">")

// data returns the data of the events, for comparing and printing.
func data(events []streamgauge.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e.Data)
	}
	return out
}

// numbers returns first to last as data.
func numbers(first, last int) []string {
	var out []string
	for i := first; i <= last; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func (b *bench) want(what string, got, want []string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Fatalf("%s: got %s, want %s", what, brief(got), brief(want))
	}
}

func brief(list []string) string {
	const most = 40
	if len(list) <= most {
		return fmt.Sprint(list)
	}
	return fmt.Sprintf("%v... (%d)", list[:most], len(list))
}

// wantSame fails unless the events are the same in every member.
func (b *bench) wantSame(what string, got, want []streamgauge.Event) {
	b.Helper()
	if len(got) != len(want) {
		b.Fatalf("%s: got %d events %s, want %d %s", what, len(got), brief(data(got)), len(want), brief(data(want)))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			b.Fatalf("%s: event %d: got %s, want %s", what, i, show(got[i]), show(want[i]))
		}
	}
}

func same(a, b streamgauge.Event) bool {
	return a.Stream == b.Stream && a.ID == b.ID && a.Type == b.Type && a.Key == b.Key && a.Text == b.Text &&
		string(a.Data) == string(b.Data) && a.Time.Equal(b.Time) && a.Appended.Equal(b.Appended)
}

func show(e streamgauge.Event) string {
	if len(e.Data) > 100 {
		e.Data = append(slices.Clone(e.Data[:100]), "..."...)
	}
	return fmt.Sprintf("%+v data=%q", e, e.Data)
}

// eventually polls until f holds.
func (b *bench) eventually(what string, f func() bool) {
	b.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); !f(); {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("%s: not within 10 s", what)
		}
	}
}

// withCancel is the context of a call that the case itself ends.
func (b *bench) withCancel() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(b.Context())
	b.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}
