package redislog_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/logtest"
	"github.com/streamgauge/streamgauge/redislog"
)

var (
	event, add         = tailtest.Event, tailtest.Add
	eventually, follow = tailtest.Eventually, tailtest.Follow
)

var names atomic.Int64

// newName returns the name of a log that nobody else has.
func newName() string { return fmt.Sprint("test", names.Add(1)) }

func open(tb testing.TB, address string, options redislog.Options) *redislog.Log {
	tb.Helper()
	log, err := redislog.Open(tb.Context(), address, &options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { log.Close() })
	return log
}

func TestRedisLog(t *testing.T) {
	server := redistest.Start(t, "--save", "")
	type place struct {
		address string
		options redislog.Options
		now     *atomic.Int64
	}
	places := make(map[streamgauge.Log]*place)
	openAt := func(t *testing.T, p *place) streamgauge.Log {
		log := open(t, p.address, p.options)
		places[log] = p
		return log
	}
	logtest.Run(t, logtest.Harness{
		Name: "redis",
		Open: func(t *testing.T, rules streamgauge.Rules) streamgauge.Log {
			p := &place{address: server.URL(newName()), now: new(atomic.Int64)}
			p.now.Store(time.Now().UnixMilli())
			p.options.Rules = rules
			p.options.Now = func() time.Time { return time.UnixMilli(p.now.Load()) }
			return openAt(t, p)
		},
		Reopen: func(t *testing.T, log streamgauge.Log) streamgauge.Log {
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			return openAt(t, places[log])
		},
		Join: func(t *testing.T, log streamgauge.Log) streamgauge.Log { return openAt(t, places[log]) },
		// Another instance, while the first is there still.
		Kill:    func(t *testing.T, log streamgauge.Log) streamgauge.Log { return openAt(t, places[log]) },
		Advance: func(_ *testing.T, log streamgauge.Log, d time.Duration) { places[log].now.Add(d.Milliseconds()) },
		Quick:   true,
	})
}
