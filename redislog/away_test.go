package redislog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/redislog"
)

func TestABlackHoleBeforeRedisIsSaid(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--save", "")
	way := tailtest.NewHole(t, server.Addr)
	log := open(t, "redis://"+way.Addr+"/?log=x", redislog.Options{})
	other := open(t, server.URL("x"), redislog.Options{})
	add(t, log, event("a", 1))
	tail := follow(t, log, streamgauge.Position{})
	way.Swallow(true)
	began := time.Now()
	_, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{event("a", 2)}})
	if !errors.Is(err, streamgauge.ErrUnavailable) || time.Since(began) > 12*time.Second {
		t.Errorf("Append: %v after %v, want ErrUnavailable soon", err, time.Since(began))
	}
	eventually(t, 10*time.Second-time.Since(began), "it is not ready", func() bool { return log.Ready() != nil })
	for i := range 10 {
		add(t, other, event("b", i)) // they are well
	}
	way.Swallow(false)
	eventually(t, 10*time.Second, "it is ready again", func() bool { return log.Ready() == nil })
	eventually(t, 10*time.Second, "it has what came meanwhile", func() bool {
		n := 0
		for _, e := range tail.Events() {
			if e.Stream == "b" {
				n++
			}
		}
		return n == 10
	})
}

// Longer away than the ordered log reaches back, an instance begins anew, and says exactly
// what was trimmed.
func TestWhatWasTrimmedWhileAnInstanceWasAwayIsSaid(t *testing.T) {
	t.Parallel()
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 500}})
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, "--save", "")
	way := tailtest.NewHole(t, server.Addr)
	log := open(t, "redis://"+way.Addr+"/?log=x", redislog.Options{Rules: rules})
	other := open(t, server.URL("x"), redislog.Options{Rules: rules})
	before := add(t, log, event("a", 1), event("quiet", 1)).Position
	tail := follow(t, log, streamgauge.Position{})
	eventually(t, 5*time.Second, "it has the first", func() bool { return len(tail.Events()) == 2 })
	way.Swallow(true)
	const batches, each = 80, 1000 // more than the ordered log has
	events := make([]streamgauge.Event, each)
	for i := range batches {
		for j := range events {
			events[j] = event("a", i*each+j)
		}
		add(t, other, events...)
	}
	way.Swallow(false)
	if err := tail.Ended(t, 15*time.Second); !errors.Is(err, streamgauge.ErrTrimmed) {
		t.Errorf("tail: %v, want ErrTrimmed", err)
	}
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}, After: before})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Gaps) != 1 || page.Gaps[0].Stream != "a" || page.Gaps[0].Lost != batches*each-500 || page.Gaps[0].Reason != streamgauge.ReasonEvicted {
		t.Errorf("gaps are %+v", page.Gaps)
	}
	if len(page.Events) != 500 || string(page.Events[499].Data) != fmt.Sprint(batches*each-1) {
		t.Errorf("there are %d events", len(page.Events))
	}
}
