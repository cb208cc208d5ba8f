package logtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/streamgauge/streamgauge"
)

var lifeCases = []testCase{
	{name: "a reopened log goes on where it was, before anything new is appended", needs: needs{reopen: true}, run: reopen},
	{name: "every log has an epoch of its own", run: epochs},
	{name: "a closed log refuses everything", run: closed},
	{name: "what was acknowledged while the log was closed is there", needs: needs{reopen: true}, run: closeWhileAppending},
	{name: "a context that has ended is honoured", run: endedContext},
}

func reopen(b *bench) {
	b.open(streamgauge.Rule{Match: "few", Keep: streamgauge.Keep{Events: 3}})
	for i := 1; i <= 10; i++ {
		b.append(event("few", "0"), event("all", "0"))
	}
	head := b.head()
	want := b.read(streamgauge.Query{Select: everything, After: b.at(4)})
	b.restarts(func(after string) {
		if b.head() != head {
			b.Fatalf("%s: head %v, want %v", after, b.head(), head)
		}
		got := b.read(streamgauge.Query{Select: everything, After: b.at(4)})
		b.wantSame(after, got.Events, want.Events)
		if len(got.Gaps) != 1 || got.Gaps[0] != want.Gaps[0] {
			b.Fatalf("%s: gaps %+v, want %+v", after, got.Gaps, want.Gaps)
		}
	})
	if r := b.append(event("few", "0")); r.Position != b.at(head.Seq+1) {
		b.Fatalf("the next event is at %v, want %d", r.Position, head.Seq+1)
	}
	b.restarts(func(after string) {
		if b.head() != b.at(head.Seq+1) {
			b.Fatalf("%s and one more event: head %v", after, b.head())
		}
	})
}

func epochs(b *bench) {
	seen := make(map[streamgauge.Epoch]bool)
	for range 5 {
		b.open()
		e := b.head().Epoch
		if e == 0 || seen[e] {
			b.Fatalf("epoch %v is zero or was there before", e)
		}
		seen[e] = true
		b.log.Close()
	}
}

func closed(b *bench) {
	b.open()
	b.append(event("a", "1"))
	after := b.at(0)
	if err := b.log.Close(); err != nil {
		b.Fatalf("Close: %v", err)
	}
	if err := b.log.Close(); err != nil {
		b.Errorf("Close again: %v", err)
	}
	ctx := b.Context()
	for name, call := range map[string]func() error{
		"Append": func() error {
			_, err := b.log.Append(ctx, streamgauge.Batch{Events: []streamgauge.Event{event("a", "1")}})
			return err
		},
		"Head":    func() error { _, err := b.log.Head(ctx); return err },
		"Read":    func() error { _, err := b.log.Read(ctx, streamgauge.Query{Select: everything}); return err },
		"Streams": func() error { _, err := b.log.Streams(ctx); return err },
		"Forget":  func() error { return b.log.Forget(ctx, "a") },
		"Tail": func() error {
			return b.log.Tail(ctx, after, func([]streamgauge.Event) error { return nil })
		},
	} {
		if err := call(); !errors.Is(err, streamgauge.ErrClosed) {
			b.Errorf("%s: got error %v, want ErrClosed", name, err)
		}
	}
}

func closeWhileAppending(b *bench) {
	b.open()
	var acked atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				_, err := b.log.Append(b.Context(), streamgauge.Batch{Events: []streamgauge.Event{event("a", "1")}})
				if errors.Is(err, streamgauge.ErrClosed) {
					return
				}
				if err != nil {
					b.Errorf("Append: %v", err)
					return
				}
				acked.Add(1)
			}
		})
	}
	b.eventually("50 appends", func() bool { return acked.Load() > 50 })
	if err := b.log.Close(); err != nil {
		b.Errorf("Close: %v", err)
	}
	wg.Wait()
	b.log = b.h.Reopen(b.T, b.log)
	if got := int64(b.head().Seq); got != acked.Load() {
		b.Errorf("the head is %d after %d acknowledged appends", got, acked.Load())
	}
}

func endedContext(b *bench) {
	b.open()
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(b.Context())
	cancel(why)
	if _, err := b.log.Append(ctx, streamgauge.Batch{Events: []streamgauge.Event{event("a", "1")}}); !errors.Is(err, why) {
		b.Errorf("Append: got error %v, want the cause", err)
	}
	if _, err := b.log.Read(ctx, streamgauge.Query{Select: everything}); !errors.Is(err, why) {
		b.Errorf("Read: got error %v, want the cause", err)
	}
	if b.head().Seq != 0 {
		b.Errorf("head %v, want an empty log", b.head())
	}
}
