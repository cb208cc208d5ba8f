package natslog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/natslog"
)

func event(stream string, n int) streamgauge.Event {
	return streamgauge.Event{Stream: stream, Data: fmt.Append(nil, n)}
}

func add(tb testing.TB, log streamgauge.Log, events ...streamgauge.Event) streamgauge.Receipt {
	tb.Helper()
	r, err := log.Append(tb.Context(), streamgauge.Batch{Events: events})
	if err != nil {
		tb.Fatalf("Append: %v", err)
	}
	return r
}

// eventually polls until f holds.
func eventually(tb testing.TB, within time.Duration, what string, f func() bool) {
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

// follower keeps what a tail has delivered.
type follower struct {
	mu     sync.Mutex
	events []streamgauge.Event
	err    error
	done   chan struct{}
}

// follow follows the log from a position until the test ends.
func follow(tb testing.TB, log streamgauge.Log, after streamgauge.Position) *follower {
	tb.Helper()
	f := &follower{done: make(chan struct{})}
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

func (f *follower) data() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]string, len(f.events))
	for i, e := range f.events {
		out[i] = e.ID.String() + " " + e.Stream + " " + string(e.Data)
	}
	return out
}

// ended returns why the tail ended, which it must soon.
func (f *follower) ended(tb testing.TB, within time.Duration) error {
	tb.Helper()
	select {
	case <-f.done:
		return f.err
	case <-time.After(within):
		tb.Fatalf("the tail has not ended within %v", within)
		return nil
	}
}

func TestAllInstancesSeeTheSame(t *testing.T) {
	const instances, publishers, batches = 3, 4, 150
	address := natsServer(t).url(newName())
	logs := make([]*natslog.Log, instances)
	tails := make([]*follower, instances)
	for i := range logs {
		logs[i] = open(t, address, natslog.Options{})
		tails[i] = follow(t, logs[i], streamgauge.Position{})
	}
	var want atomic.Int64
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for n := range batches {
				events := make([]streamgauge.Event, 1+rand.IntN(5))
				for i := range events {
					events[i] = event(fmt.Sprint("s", p), n*10+i)
				}
				r, err := logs[rand.IntN(instances)].Append(t.Context(), streamgauge.Batch{Events: events})
				if err != nil || r.Count != len(events) {
					t.Errorf("Append: %+v, %v", r, err)
					return
				}
				want.Add(int64(len(events)))
			}
		})
	}
	wg.Wait()
	for i, f := range tails {
		eventually(t, 10*time.Second, fmt.Sprint("instance ", i, " has all"), func() bool { return len(f.data()) == int(want.Load()) })
	}
	first := tails[0].data()
	last := make(map[string]int)
	for i, e := range tails[0].events {
		if e.ID.Seq != uint64(i+1) {
			t.Fatalf("event %d has the number %d", i, e.ID.Seq)
		}
		var n int
		fmt.Sscan(string(e.Data), &n)
		if before, ok := last[e.Stream]; ok && n <= before {
			t.Fatalf("%s: %d comes after %d", e.Stream, n, before)
		}
		last[e.Stream] = n
	}
	for i, f := range tails {
		if got := f.data(); strings.Join(got, "\n") != strings.Join(first, "\n") {
			t.Errorf("instance %d has other events than the first", i)
		}
	}
	// Who knows only a part asks the broker before it calls a position unknown.
	head := add(t, logs[0], event("s0", 1<<20)).Position
	if page, err := logs[1].Read(t.Context(), streamgauge.Query{After: head, Select: streamgauge.Selection{">"}}); err != nil || page.Head.Seq < head.Seq {
		t.Errorf("another instance's newest position: %+v, %v", page.Head, err)
	}
	beyond := streamgauge.Position{Epoch: head.Epoch, Seq: head.Seq + 1}
	if _, err := logs[1].Read(t.Context(), streamgauge.Query{After: beyond}); !errors.Is(err, streamgauge.ErrAhead) {
		t.Errorf("a position that nobody gave: %v, want ErrAhead", err)
	}
}

func TestAnInstanceThatComesLaterKnowsWhatIsGone(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "short", Keep: streamgauge.Keep{Events: 10}},
		streamgauge.Rule{Match: "latest", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	address := natsServer(t).url(newName())
	first := open(t, address, natslog.Options{Rules: rules})
	for i := range 30 {
		add(t, first, event("short", i), event("long", i),
			streamgauge.Event{Stream: "latest", Key: fmt.Sprint("k", i%7), Data: fmt.Append(nil, i)})
	}
	if err := first.Forget(t.Context(), "long"); err != nil {
		t.Fatal(err)
	}
	head := add(t, first, event("long", 99)).Position
	second := open(t, address, natslog.Options{Rules: rules})
	for after := range head.Seq {
		q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: head.Epoch, Seq: after}}
		a, err := first.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := second.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
			t.Fatalf("after %d the first reads\n%+v\nand the second\n%+v", after, a, b)
		}
	}
}

func TestAnInstanceThatComesWhenAllIsDeletedKnowsWhatIsGone(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "short", Keep: streamgauge.Keep{Events: 10}},
		streamgauge.Rule{Match: "keyed", Keep: streamgauge.Keep{Events: 1}},
		streamgauge.Rule{Match: "latest", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	server := natsServer(t)
	name := newName()
	stored := func() (n int) {
		info, err := server.stream(t, name).Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(info.State.Msgs)
	}
	options := natslog.Options{Rules: rules}
	first := open(t, server.url(name), options)
	var last *natslog.Log
	var head streamgauge.Position
	var keys []streamgauge.Receipt
	for round := range 3 { // so that there are several records, and they are written anew
		for i := range 30 {
			add(t, first, event("short", i), event("long", i),
				streamgauge.Event{Stream: "latest", Key: fmt.Sprint("k", i%7), Data: fmt.Append(nil, i)})
		}
		if round < 2 {
			if err := first.Forget(t.Context(), "long"); err != nil {
				t.Fatal(err)
			}
		}
		keyed := streamgauge.Batch{Key: fmt.Sprint("key", round), Events: []streamgauge.Event{event("keyed", 99)}}
		r, err := first.Append(t.Context(), keyed)
		if err != nil {
			t.Fatal(err)
		}
		head = r.Position
		kept := 10 + 7 + 30*(round/2) + 1
		eventually(t, 15*time.Second, "what is trimmed is deleted", func() bool { return stored() == kept })
		last = open(t, server.url(name), options)
		keys = append(keys, r)
		for i, r := range keys { // though the events of the first are deleted
			keyed.Key, r.Duplicate = fmt.Sprint("key", i), true
			if again, err := last.Append(t.Context(), keyed); err != nil || again != r {
				t.Errorf("key %d again: %+v, %v, want %+v", i, again, err, r)
			}
			other := streamgauge.Batch{Key: keyed.Key, Events: []streamgauge.Event{event("keyed", 1)}}
			if _, err := last.Append(t.Context(), other); !errors.Is(err, streamgauge.ErrKeyReused) {
				t.Errorf("key %d for another event: %v, want ErrKeyReused", i, err)
			}
		}
	}
	for after := range head.Seq {
		q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: head.Epoch, Seq: after}}
		a, err := first.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := last.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
			t.Fatalf("after %d the first reads\n%+v\nand the last\n%+v", after, a, b)
		}
	}
}

func TestTwoInstancesStoreAKeyOnce(t *testing.T) {
	address := natsServer(t).url(newName())
	logs := []*natslog.Log{open(t, address, natslog.Options{}), open(t, address, natslog.Options{}), open(t, address, natslog.Options{})}
	const rounds = 50
	stored := 0
	for n := range rounds {
		receipts := make([]streamgauge.Receipt, len(logs))
		errs := make([]error, len(logs))
		var wg sync.WaitGroup
		for i, l := range logs {
			wg.Go(func() {
				batch := streamgauge.Batch{Key: fmt.Sprint("k", n), Events: []streamgauge.Event{event("a", n), event("b", n)}}
				if n%5 == 4 { // other events under the key
					batch.Events[0] = event("a", i)
				}
				receipts[i], errs[i] = l.Append(t.Context(), batch)
			})
		}
		wg.Wait()
		var first streamgauge.Position
		for i, r := range receipts {
			switch {
			case errors.Is(errs[i], streamgauge.ErrKeyReused) && n%5 == 4:
			case errs[i] != nil:
				t.Fatalf("round %d: %v", n, errs[i])
			case first.IsZero():
				first = r.Position
				fallthrough
			default:
				if r.Position != first || r.Count != 2 {
					t.Fatalf("round %d: %+v, another was stored at %v", n, r, first)
				}
				if !r.Duplicate {
					stored++
				}
			}
		}
	}
	if head := add(t, logs[0], event("c", 1)).Position; stored != rounds || head.Seq != 2*rounds+1 {
		t.Errorf("%d batches were stored, the head is %v", stored, head)
	}
}

// What instances know of a log is the same in the end, whichever of them did something and
// whether they were there or came later.
func TestInstancesAgreeWhateverHappens(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "latest.*", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 3}},
		streamgauge.Rule{Match: "bytes", Keep: streamgauge.Keep{Bytes: 40}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 20}})
	if err != nil {
		t.Fatal(err)
	}
	address := natsServer(t).url(newName())
	options := natslog.Options{Rules: rules}
	logs := []*natslog.Log{open(t, address, options), open(t, address, options)}
	streams := []string{"latest.a", "latest.b", "bytes", "few", "more"}
	for range 3 {
		var wg sync.WaitGroup
		for i, log := range logs {
			wg.Go(func() {
				for n := range 80 {
					if rand.IntN(20) == 0 {
						if err := log.Forget(t.Context(), streams[rand.IntN(len(streams))]); err != nil {
							t.Errorf("Forget: %v", err)
						}
						continue
					}
					events := make([]streamgauge.Event, 1+rand.IntN(3)*rand.IntN(2))
					for j := range events {
						events[j] = event(streams[rand.IntN(len(streams))], n)
						events[j].Key = fmt.Sprint("k", rand.IntN(6))
					}
					batch := streamgauge.Batch{Events: events}
					if rand.IntN(3) == 0 {
						batch.Key = fmt.Sprint(len(logs), " ", i, " ", n)
					}
					if _, err := log.Append(t.Context(), batch); err != nil {
						t.Errorf("Append: %v", err)
					}
				}
			})
		}
		wg.Wait()
		logs = append(logs, open(t, address, options)) // while some is deleted, and some not yet
	}
	var head streamgauge.Position
	for _, l := range logs {
		at, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if at.Seq > head.Seq {
			head = at
		}
	}
	read := func(l *natslog.Log, after uint64) string {
		page, err := l.Read(t.Context(), streamgauge.Query{Limit: 1000,
			Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: head.Epoch, Seq: after}})
		return fmt.Sprintf("%+v %v", page, err)
	}
	for i, l := range logs { // who was there hears of what was forgotten last
		eventually(t, 5*time.Second, fmt.Sprint("instance ", i, " agrees"), func() bool { return read(l, 0) == read(logs[0], 0) })
	}
	for after := range head.Seq {
		want := read(logs[0], after)
		for i, l := range logs {
			if got := read(l, after); got != want {
				t.Fatalf("after %d instance %d reads\n%s\nand the first\n%s", after, i, got, want)
			}
		}
	}
}
