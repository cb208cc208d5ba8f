package logtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/streamgauge/streamgauge"
)

var sharedCases = []testCase{
	{name: "all instances see the same", needs: needs{join: true}, run: seeTheSame},
	{name: "an instance that comes later knows what is gone", needs: needs{join: true}, run: comesLater},
	{name: "reading what is being trimmed is no loss of the log", needs: needs{join: true}, run: readingTheEnd},
	{name: "of several instances one stores a key", needs: needs{join: true}, run: sharedKey},
	{name: "instances agree whatever happens", needs: needs{join: true}, run: agree},
}

// join opens another instance of the case's log.
func (b *bench) join() streamgauge.Log {
	b.Helper()
	log := b.h.Join(b.T, b.log)
	b.Cleanup(func() { log.Close() })
	return log
}

// instances opens the case's log so many times.
func (b *bench) instances(n int, rules ...streamgauge.Rule) []streamgauge.Log {
	b.Helper()
	b.open(rules...)
	logs := []streamgauge.Log{b.log}
	for range n - 1 {
		logs = append(logs, b.join())
	}
	return logs
}

func seeTheSame(b *bench) {
	const publishers, batches = 4, 150
	logs := b.instances(3)
	var collected []*collector
	for _, log := range logs {
		c := &collector{next: 1}
		b.log = log
		b.tailInto(streamgauge.Position{}, c.deliver)
		collected = append(collected, c)
	}
	var want atomic.Int64
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for n := range batches {
				events := make([]streamgauge.Event, 1+rand.IntN(5))
				for i := range events {
					events[i] = event(fmt.Sprint("s", p), fmt.Sprint(n*10+i))
				}
				r, err := logs[rand.IntN(len(logs))].Append(b.Context(), streamgauge.Batch{Events: events})
				if err != nil || r.Count != len(events) {
					b.Errorf("Append: %+v, %v", r, err)
					return
				}
				want.Add(int64(len(events)))
			}
		})
	}
	wg.Wait()
	for i, c := range collected {
		b.eventually(fmt.Sprintf("instance %d has all", i), func() bool { return c.count() == int(want.Load()) })
		b.wantSame(fmt.Sprintf("instance %d and the first", i), c.got, collected[0].got)
	}
	last := make(map[string]int)
	for _, e := range collected[0].got {
		var n int
		fmt.Sscan(string(e.Data), &n)
		if before, ok := last[e.Stream]; ok && n <= before {
			b.Fatalf("%s: %d comes after %d", e.Stream, n, before)
		}
		last[e.Stream] = n
	}
	// Who knows only a part asks the broker before it calls a position unknown.
	b.log = logs[0]
	head := b.append(event("s0", "0")).Position
	b.log = logs[1]
	if page := b.read(streamgauge.Query{After: head, Select: everything}); page.Head.Seq < head.Seq {
		b.Errorf("another instance reads after %v and is at %v", head, page.Head)
	}
	head.Seq++
	if _, err := b.log.Read(b.Context(), streamgauge.Query{After: head}); !errors.Is(err, streamgauge.ErrAhead) {
		b.Errorf("a position that nobody gave: %v, want ErrAhead", err)
	}
}

// text is all that an instance says after a position.
func (b *bench) text(log streamgauge.Log, epoch streamgauge.Epoch, after uint64) string {
	q := streamgauge.Query{Select: everything, Limit: 1000, After: streamgauge.Position{Epoch: epoch, Seq: after}}
	page, err := log.Read(b.Context(), q)
	return fmt.Sprintf("%+v %v", page, err)
}

func comesLater(b *bench) {
	b.open(
		streamgauge.Rule{Match: "short", Keep: streamgauge.Keep{Events: 10}},
		streamgauge.Rule{Match: "latest", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}})
	for i := range 30 {
		data := fmt.Sprint(i)
		b.append(event("short", data), event("long", data), keyed("latest", fmt.Sprint("k", i%7), data))
	}
	if err := b.log.Forget(b.Context(), "long"); err != nil {
		b.Fatal(err)
	}
	head := b.append(event("long", "99")).Position
	later := b.join()
	for after := range head.Seq {
		if got, want := b.text(later, head.Epoch, after), b.text(b.log, head.Epoch, after); got != want {
			b.Fatalf("after %d who came later reads\n%s\nand the first\n%s", after, got, want)
		}
	}
}

// At the end where a stream is trimmed, an instance is always a little behind.
func readingTheEnd(b *bench) {
	logs := b.instances(2, streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 40}})
	epoch := b.append(event("a", "0")).Position.Epoch
	ctx, stop := b.withCancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := logs[0].Append(ctx, streamgauge.Batch{Events: []streamgauge.Event{event("a", "1")}})
				if err != nil && ctx.Err() == nil {
					b.Errorf("Append: %v", err)
				}
			}
		})
	}
	for range 20 {
		fresh := b.h.Join(b.T, logs[0]) // it has to ask for all that it is asked
		for _, log := range []streamgauge.Log{logs[1], fresh} {
			q := streamgauge.Query{Select: everything, After: streamgauge.Position{Epoch: epoch}}
			page, err := log.Read(b.Context(), q)
			if err != nil {
				b.Fatalf("Read: %v", err)
			}
			for _, g := range page.Gaps {
				if g.Reason != streamgauge.ReasonEvicted {
					b.Errorf("there is a gap %+v", g)
				}
			}
		}
		fresh.Close()
	}
}

func sharedKey(b *bench) {
	const rounds = 50
	logs := b.instances(3)
	stored := 0
	for n := range rounds {
		receipts := make([]streamgauge.Receipt, len(logs))
		errs := make([]error, len(logs))
		var wg sync.WaitGroup
		for i, log := range logs {
			wg.Go(func() {
				events := []streamgauge.Event{event("a", fmt.Sprint(n)), event("b", fmt.Sprint(n))}
				if n%5 == 4 { // other events under the key
					events[0] = event("a", fmt.Sprint(i))
				}
				receipts[i], errs[i] = log.Append(b.Context(), streamgauge.Batch{Key: fmt.Sprint("k", n), Events: events})
			})
		}
		wg.Wait()
		var first streamgauge.Position
		for i, r := range receipts {
			if errs[i] != nil {
				if n%5 != 4 || !errors.Is(errs[i], streamgauge.ErrKeyReused) {
					b.Fatalf("round %d: %v", n, errs[i])
				}
				continue
			}
			if first.IsZero() {
				first = r.Position
			}
			if r.Position != first || r.Count != 2 {
				b.Fatalf("round %d: %+v, another was stored at %v", n, r, first)
			}
			if !r.Duplicate {
				stored++
			}
		}
	}
	if head := b.append(event("c", "1")).Position; stored != rounds || head.Seq != 2*rounds+1 {
		b.Errorf("%d batches were stored, the head is %v", stored, head)
	}
}

// What instances know of a log is the same in the end, whichever of them did something and
// whether they were there or came later.
func agree(b *bench) {
	logs := b.instances(2,
		streamgauge.Rule{Match: "latest.*", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 3}},
		streamgauge.Rule{Match: "bytes", Keep: streamgauge.Keep{Bytes: 40}},
		streamgauge.Rule{Match: "few", Keep: streamgauge.Keep{Events: 5}},
		streamgauge.Rule{Match: "more", Keep: streamgauge.Keep{Events: 20}})
	streams := []string{"latest.a", "latest.b", "bytes", "few", "more"}
	for range 3 {
		var wg sync.WaitGroup
		for i, log := range logs {
			wg.Go(func() {
				for n := range 80 {
					if rand.IntN(20) == 0 {
						if err := log.Forget(b.Context(), streams[rand.IntN(len(streams))]); err != nil {
							b.Errorf("Forget: %v", err)
						}
						continue
					}
					batch := streamgauge.Batch{Events: make([]streamgauge.Event, 1+rand.IntN(3)*rand.IntN(2))}
					for j := range batch.Events {
						batch.Events[j] = keyed(streams[rand.IntN(len(streams))], fmt.Sprint("k", rand.IntN(6)), fmt.Sprint(n))
					}
					if rand.IntN(3) == 0 {
						batch.Key = fmt.Sprint(len(logs), " ", i, " ", n)
					}
					if _, err := log.Append(b.Context(), batch); err != nil {
						b.Errorf("Append: %v", err)
					}
				}
			})
		}
		wg.Wait()
		logs = append(logs, b.join()) // while some is deleted, and some not yet
	}
	head := b.append(event("more", "1")).Position
	for i, log := range logs { // who was there hears of what came last
		b.eventually(fmt.Sprintf("instance %d is at the head", i), func() bool {
			at, err := log.Head(b.Context())
			return err == nil && at == head
		})
	}
	for after := range head.Seq {
		want := b.text(logs[0], head.Epoch, after)
		for i, log := range logs {
			if got := b.text(log, head.Epoch, after); got != want {
				b.Fatalf("after %d instance %d reads\n%s\nand the first\n%s", after, i, got, want)
			}
		}
	}
}
