package redislog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/redislog"
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

// all returns what has come.
func (f *follower) all() []streamgauge.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
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
	address := redistest.Start(t, "--save", "").URL("x")
	logs := make([]*redislog.Log, instances)
	tails := make([]*follower, instances)
	for i := range logs {
		logs[i] = open(t, address, redislog.Options{})
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
	address := redistest.Start(t, "--save", "").URL("x")
	first := open(t, address, redislog.Options{Rules: rules})
	for i := range 30 {
		add(t, first, event("short", i), event("long", i),
			streamgauge.Event{Stream: "latest", Key: fmt.Sprint("k", i%7), Data: fmt.Append(nil, i)})
	}
	if err := first.Forget(t.Context(), "long"); err != nil {
		t.Fatal(err)
	}
	head := add(t, first, event("long", 99)).Position
	second := open(t, address, redislog.Options{Rules: rules})
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

// At the end where a stream is trimmed, an instance is always a little behind Redis.
func TestReadingWhileItIsTrimmedIsNoLossOfTheLog(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 40}})
	if err != nil {
		t.Fatal(err)
	}
	address := redistest.Start(t, "--save", "").URL("x")
	writer := open(t, address, redislog.Options{Rules: rules})
	reader := open(t, address, redislog.Options{Rules: rules})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for range 2 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if _, err := writer.Append(ctx, streamgauge.Batch{Events: []streamgauge.Event{event("a", n)}}); err != nil && ctx.Err() == nil {
					t.Errorf("Append: %v", err)
				}
			}
		})
	}
	epoch := add(t, writer, event("a", 0)).Position.Epoch
	// What has come lately is known here; an instance that begins has to ask for all.
	for range 40 {
		fresh := open(t, address, redislog.Options{Rules: rules})
		for _, log := range []*redislog.Log{reader, fresh} {
			page, err := log.Read(ctx, streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: epoch, Seq: 0}})
			if err != nil {
				t.Fatalf("Read: %v", err)
			}
			for _, g := range page.Gaps {
				if g.Reason != streamgauge.ReasonEvicted {
					t.Errorf("there is a gap %+v", g)
				}
			}
		}
		fresh.Close()
	}
}

func TestRedisKeepsNoMoreThanTheRulesWant(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "latest", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}},
		streamgauge.Rule{Match: "small", Keep: streamgauge.Keep{Bytes: 30}},
		streamgauge.Rule{Match: "short", Keep: streamgauge.Keep{Age: time.Minute}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10}})
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, "--save", "")
	var now atomic.Int64
	now.Store(time.Now().UnixMilli())
	options := redislog.Options{Rules: rules, Now: func() time.Time { return time.UnixMilli(now.Load()) }}
	logs := []*redislog.Log{open(t, server.URL("x"), options), open(t, server.URL("x"), options)}
	for i := range 50 {
		add(t, logs[i%2], event("many", i), event("small", 1_000_000_000+i), event("short", i),
			streamgauge.Event{Stream: "latest", Key: fmt.Sprint(i % 5), Data: fmt.Append(nil, i)})
	}
	now.Add(2 * time.Minute.Milliseconds())
	for stream, want := range map[string]string{"many": "10", "small": "3", "short": "0", "latest": "5"} {
		eventually(t, 10*time.Second, stream+" is trimmed in Redis", func() bool {
			return strings.Contains(server.Ask("XLEN", "{x}:s:"+stream), `"Value":`+want+`,`)
		})
	}
	for i, log := range logs {
		page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
		if err != nil || len(page.Events) != 10+3+0+5 {
			t.Errorf("instance %d reads %d events, %v", i, len(page.Events), err)
		}
	}
}

func TestAnEmptiedRedisIsAnotherLog(t *testing.T) {
	server := redistest.Start(t, "--save", "")
	logs := []*redislog.Log{open(t, server.URL("x"), redislog.Options{}), open(t, server.URL("x"), redislog.Options{})}
	before := add(t, logs[0], event("a", 1), event("a", 2)).Position
	var tails []*follower
	for _, l := range logs {
		tails = append(tails, follow(t, l, streamgauge.Position{}))
		eventually(t, 5*time.Second, "both have all", func() bool { return len(tails[len(tails)-1].data()) == 2 })
	}
	server.Do("FLUSHALL")
	for i, f := range tails {
		if err := f.ended(t, 5*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
			t.Errorf("tail of instance %d: %v, want ErrEpoch", i, err)
		}
	}
	after := add(t, logs[1], event("a", 3)).Position
	if after.Epoch == before.Epoch || after.Seq != 1 {
		t.Errorf("position %v after %v, want the first of another epoch", after, before)
	}
	for i, l := range logs {
		if _, err := l.Read(t.Context(), streamgauge.Query{After: before}); !errors.Is(err, streamgauge.ErrEpoch) {
			t.Errorf("instance %d: a position of before: %v, want ErrEpoch", i, err)
		}
		eventually(t, 5*time.Second, "the new epoch", func() bool {
			head, err := l.Head(t.Context())
			return err == nil && head == after
		})
	}
}

func TestARestartedRedisWithItsFileHasNoGap(t *testing.T) {
	server := redistest.Start(t, "--save", "", "--appendonly", "yes", "--appendfsync", "no")
	logs := []*redislog.Log{open(t, server.URL("x"), redislog.Options{}), open(t, server.URL("x"), redislog.Options{})}
	tail := follow(t, logs[0], streamgauge.Position{})
	acked := 0
	var mu sync.Mutex
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for i, l := range logs {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r, err := l.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{event(fmt.Sprint("p", i), n)}})
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				if r.Level != streamgauge.LevelOS {
					t.Errorf("level %s of a Redis with an append-only file", r.Level)
				}
				mu.Lock()
				acked++
				mu.Unlock()
			}
		})
	}
	for range 3 {
		n := len(tail.all())
		eventually(t, time.Minute, "it goes on", func() bool { return len(tail.all()) > n+50 })
		server.Kill()
		server.Run()
	}
	n := len(tail.all())
	eventually(t, time.Minute, "it goes on", func() bool { return len(tail.all()) > n+50 })
	stop()
	wg.Wait()
	eventually(t, time.Minute, "all has come", func() bool { return len(tail.all()) >= acked })
	seen := make(map[string]int)
	for i, e := range tail.events {
		if e.ID.Seq != uint64(i+1) {
			t.Fatalf("event %d has the number %d", i, e.ID.Seq)
		}
		if want := fmt.Sprint(seen[e.Stream]); string(e.Data) != want {
			t.Fatalf("%s: %s comes, want %s", e.Stream, e.Data, want)
		}
		seen[e.Stream]++
	}
}

func TestARedisThatHasLostTheTailBeginsAnEpoch(t *testing.T) {
	for name, more := range map[string]int{"and nothing came since": 0, "and others came since": 20} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, "--save", "")
			log := open(t, server.URL("x"), redislog.Options{})
			add(t, log, event("a", 1))
			server.Do("SAVE")
			before := add(t, log, event("a", 2), event("a", 3)).Position
			tail := follow(t, log, streamgauge.Position{})
			eventually(t, 5*time.Second, "it has all", func() bool { return len(tail.data()) == 3 })
			server.Kill()
			server.Run()
			if more > 0 { // an instance that knows nothing of what was lost
				other := open(t, server.URL("x"), redislog.Options{})
				for i := range more {
					// The first may have noticed meanwhile.
					add(t, other, event("b", i))
				}
			}
			if err := tail.ended(t, 5*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
				t.Errorf("tail: %v, want ErrEpoch", err)
			}
			if _, err := log.Read(t.Context(), streamgauge.Query{After: before}); !errors.Is(err, streamgauge.ErrEpoch) {
				t.Errorf("a position of before: %v, want ErrEpoch", err)
			}
			after := add(t, log, event("a", 4)).Position
			page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
			if err != nil || len(page.Events) != 2+more || after.Seq != uint64(2+more) {
				t.Errorf("kept are %d events up to %v, %v", len(page.Events), after, err)
			}
		})
	}
}

func TestARedisThatHangsIsSaid(t *testing.T) {
	server := redistest.Start(t, "--save", "")
	log := open(t, server.URL("x"), redislog.Options{})
	add(t, log, event("a", 1))
	tail := follow(t, log, streamgauge.Position{})
	if err := log.Ready(); err != nil {
		t.Fatalf("Ready: %v", err)
	}
	signal := func(s syscall.Signal) {
		if err := server.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT)
	began := time.Now()
	_, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{event("a", 2)}})
	if !errors.Is(err, streamgauge.ErrUnavailable) || time.Since(began) > 12*time.Second {
		t.Errorf("Append: %v after %v, want ErrUnavailable soon", err, time.Since(began))
	}
	eventually(t, 10*time.Second-time.Since(began), "it is not ready", func() bool { return log.Ready() != nil })
	if err := log.Ready(); !errors.Is(err, streamgauge.ErrUnavailable) || !strings.Contains(err.Error(), "Redis") {
		t.Errorf("Ready: %v", err)
	}
	// What is known here can be read all the same.
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
	if err != nil || len(page.Events) != 1 {
		t.Errorf("Read: %d events, %v", len(page.Events), err)
	}
	signal(syscall.SIGCONT)
	eventually(t, 10*time.Second, "it is ready again", func() bool { return log.Ready() == nil })
	add(t, log, event("a", 3))
	eventually(t, 5*time.Second, "it goes on", func() bool {
		got := tail.data()
		return len(got) > 1 && strings.HasSuffix(got[len(got)-1], "a 3")
	})
}

func TestARedisThatMayForgetIsRefused(t *testing.T) {
	server := redistest.Start(t, "--save", "", "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	_, err := redislog.Open(t.Context(), server.URL("x"), nil)
	if err == nil || !strings.Contains(err.Error(), "maxmemory-policy allkeys-lru") {
		t.Errorf("got %v", err)
	}
}

func TestWhatInstancesSayOfThemselvesIsForgottenSoon(t *testing.T) {
	address := redistest.Start(t, "--save", "").URL("x")
	one, two := open(t, address, redislog.Options{}), open(t, address, redislog.Options{})
	if all, err := one.Announced(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("at first: %v, %v", all, err)
	}
	for name, log := range map[string]*redislog.Log{"one": one, "two": two} {
		if err := log.Announce(t.Context(), name, []byte("I am "+name)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := one.Announced(t.Context())
	if err != nil || len(all) != 2 || string(all["one"]) != "I am one" || string(all["two"]) != "I am two" {
		t.Fatalf("got %q, %v", all, err)
	}
	eventually(t, 10*time.Second, "who says nothing is not there any more", func() bool {
		if err := one.Announce(t.Context(), "one", []byte("still")); err != nil {
			t.Fatal(err)
		}
		all, err := two.Announced(t.Context())
		return err == nil && len(all) == 1 && string(all["one"]) == "still"
	})
}

func TestNoErrorTellsThePassword(t *testing.T) {
	const secret = "open-sesame"
	server := redistest.Start(t, "--save", "")
	server.Do("CONFIG", "SET", "requirepass", "another")
	for _, address := range []string{
		"redis://user:" + secret + "@" + server.Addr,
		"redis://:" + secret + "@127.0.0.1:1",
		"redis://:" + secret + "@127.0.0.1:1/x",
		"redis://:" + secret + "@127.0.0.1:x",
		"redis://:" + secret + "@127.0.0.1:1?nothing=1",
		"redis://:" + secret + "%@127.0.0.1:1",
		"rediss://:" + secret + "@" + server.Addr,
	} {
		_, err := redislog.Open(t.Context(), address, nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", strings.ReplaceAll(address, secret, "***"), err)
		}
	}
}
