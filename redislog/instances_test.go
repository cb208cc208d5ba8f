package redislog_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/redislog"
)

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

// Names of streams come and go. Those that have nothing any more are let go of in the end,
// and who was behind is told all the same.
func TestNamesOfWhatIsGoneDoNotPileUp(t *testing.T) {
	t.Parallel()
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "user.*", Keep: streamgauge.Keep{Age: time.Minute}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10}})
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, "--save", "")
	var now atomic.Int64
	now.Store(time.Now().UnixMilli())
	options := redislog.Options{Rules: rules, Now: func() time.Time { return time.UnixMilli(now.Load()) }}
	log := open(t, server.URL("x"), options)
	start := add(t, log, event("stays", 0)).Position
	for i := range 30 {
		add(t, log, event(fmt.Sprint("user.", i), i))
	}
	gone := add(t, log, event("forgotten", 1), event("stays", 1)).Position
	if err := log.Forget(t.Context(), "forgotten"); err != nil {
		t.Fatal(err)
	}
	now.Add(2 * time.Minute.Milliseconds())
	add(t, log, event("user.7", 7)) // it is there again
	kept := func(i int) string { return server.Ask("XLEN", fmt.Sprint("{x}:s:user.", i)) }
	eventually(t, 10*time.Second, "what is not kept is gone from Redis", func() bool {
		for i := range 30 {
			if i != 7 && !strings.Contains(kept(i), `"Value":0,`) {
				return false
			}
		}
		return true
	})
	names := func() string { return server.Ask("HKEYS", "{x}:names") }
	log.Sweep(t.Context(), 5)
	if n := strings.Count(names(), "user."); n != 30 {
		t.Fatalf("%d names are left of which it is still known what was trimmed, want all", n)
	}
	server.Do("DEL", "{x}:ring") // as after a million events
	log.Sweep(t.Context(), 1000)
	if n := strings.Count(names(), "user."); n != 30 {
		t.Fatalf("%d of few names are left", n)
	}
	log.Sweep(t.Context(), 5)
	if got := names(); strings.Count(got, "user.") != 1 || !strings.Contains(got, "user.7") || !strings.Contains(got, "stays") || strings.Contains(got, "forgotten") {
		t.Errorf("names are left: %s", got)
	}
	if got := server.Ask("KEYS", "{x}:s:*"); strings.Count(got, "{x}:s:") != 2 {
		t.Errorf("histories are left: %s", got)
	}
	if got := server.Ask("EXISTS", "{x}:forgotten"); !strings.Contains(got, `"Value":0,`) {
		t.Errorf("streams are left that were forgotten: %s", got)
	}
	later := open(t, server.URL("x"), options)
	told := func(stream streamgauge.Selector, after streamgauge.Position) bool {
		page, err := later.Read(t.Context(), streamgauge.Query{After: after, Select: streamgauge.Selection{stream}})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Gaps) > 0
	}
	for _, stream := range []streamgauge.Selector{"user.3", "forgotten", "user.*"} {
		if !told(stream, start) {
			t.Errorf("whoever was at the beginning is not told of a gap in %s", stream)
		}
	}
	add(t, log, event("user.3", 3))
	eventually(t, 5*time.Second, "it comes", func() bool {
		page, err := later.Read(t.Context(), streamgauge.Query{After: gone, Select: streamgauge.Selection{"user.3"}})
		return err == nil && len(page.Events) == 1
	})
	if told("user.3", add(t, log, event("stays", 2)).Position) {
		t.Error("who has seen everything is told of a gap")
	}
}

// Who deletes may end before all is deleted: another instance takes over.
func TestWhatNobodyDeletedIsDeletedByAnother(t *testing.T) {
	t.Parallel()
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "latest", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10}})
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, "--save", "")
	log := open(t, server.URL("x"), redislog.Options{Rules: rules})
	server.Do("SET", "{x}:cleaner", "one that has ended", "PX", "4000")
	for i := range 50 {
		add(t, log, streamgauge.Event{Stream: "latest", Key: fmt.Sprint(i % 5), Data: fmt.Append(nil, i)})
	}
	eventually(t, 15*time.Second, "superseded events are deleted", func() bool {
		return strings.Contains(server.Ask("XLEN", "{x}:s:latest"), `"Value":5,`)
	})
}

func TestAnEmptiedRedisIsAnotherLog(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--save", "")
	logs := []*redislog.Log{open(t, server.URL("x"), redislog.Options{}), open(t, server.URL("x"), redislog.Options{})}
	before := add(t, logs[0], event("a", 1), event("a", 2)).Position
	var tails []*tailtest.Follower
	for _, l := range logs {
		tails = append(tails, follow(t, l, streamgauge.Position{}))
		eventually(t, 5*time.Second, "both have all", func() bool { return len(tails[len(tails)-1].Events()) == 2 })
	}
	server.Do("FLUSHALL")
	for i, f := range tails {
		if err := f.Ended(t, 5*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
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
	t.Parallel()
	server := redistest.Start(t, "--save", "", "--appendonly", "yes", "--appendfsync", "no")
	logs := []*redislog.Log{open(t, server.URL("x"), redislog.Options{}), open(t, server.URL("x"), redislog.Options{})}
	tail := follow(t, logs[0], streamgauge.Position{})
	p := tailtest.Publish(t, logs...)
	for range 3 {
		p.GoOn(t, tail)
		server.Kill()
		server.Run()
	}
	p.GoOn(t, tail)
	p.End()
	p.Check(t, tail, false)
	if level := add(t, logs[0], event("a", 1)).Level; level != streamgauge.LevelOS {
		t.Errorf("level %s of a Redis with an append-only file", level)
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
			eventually(t, 5*time.Second, "it has all", func() bool { return len(tail.Events()) == 3 })
			server.Kill()
			server.Run()
			if more > 0 { // an instance that knows nothing of what was lost
				other := open(t, server.URL("x"), redislog.Options{})
				for i := range more {
					// The first may have noticed meanwhile.
					add(t, other, event("b", i))
				}
			}
			if err := tail.Ended(t, 5*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
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
	t.Parallel()
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
		got := tail.Events()
		return len(got) > 1 && string(got[len(got)-1].Data) == "3"
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
	t.Parallel()
	address := redistest.Start(t, "--save", "").URL("x")
	tailtest.Announce(t, open(t, address, redislog.Options{}), open(t, address, redislog.Options{}))
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
