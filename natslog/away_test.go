package natslog_test

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/natslog"
)

// It runs alone: what others have in memory would be counted.
func TestABlackHoleBeforeNATSIsSaid(t *testing.T) {
	server := natstest.Start(t)
	way := tailtest.NewHole(t, server.Addr)
	log := open(t, "nats://"+way.Addr+"/?log=x", natslog.Options{})
	other := open(t, server.URL("x"), natslog.Options{})
	add(t, log, event("a", 1))
	tail := follow(t, log, streamgauge.Position{})
	eventually(t, 5*time.Second, "it has the first", func() bool { return len(tail.Events()) == 1 })
	before := heap()
	way.Swallow(true)
	began := time.Now()
	soon := func(what string, within time.Duration, err error) {
		if took := time.Since(began); err != nil && !errors.Is(err, streamgauge.ErrUnavailable) || took > within {
			t.Errorf("%s: %v after %v, want ErrUnavailable soon", what, err, took)
		}
	}
	// More than the kernel takes, so that writing blocks.
	big := streamgauge.Event{Stream: "big", Data: append(append([]byte{'"'}, bytes.Repeat([]byte("x"), 200<<10)...), '"')}
	var publishers sync.WaitGroup
	for range 64 {
		publishers.Go(func() {
			_, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{big}})
			if soon("Append", 12*time.Second, err); err == nil {
				t.Error("Append: no error")
			}
		})
	}
	eventually(t, 10*time.Second, "it is not ready", func() bool { return log.Ready() != nil })
	_, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
	soon("Read", 12*time.Second, err)
	if more := heap() - before; more > 64<<20 {
		t.Errorf("%d MB more are in memory", more>>20)
	}
	publishers.Wait()
	for i := range 10 {
		add(t, other, event("b", i)) // they are well
	}
	way.Swallow(false)
	eventually(t, 10*time.Second, "it is ready again", func() bool { return log.Ready() == nil })
	head := add(t, log, event("a", 2)).Position
	eventually(t, 10*time.Second, "it has all", func() bool {
		events := tail.Events()
		return events[len(events)-1].ID == head
	})
	for i, e := range tail.Events() {
		if e.ID.Seq != uint64(i+1) {
			t.Fatalf("event %d has the number %d", i, e.ID.Seq)
		}
	}
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
