package natslog_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/logtest"
	"github.com/streamgauge/streamgauge/natslog"
)

var names atomic.Int64

// newName returns the name of a log that nobody else has.
func newName() string { return fmt.Sprint("test", names.Add(1)) }

func open(tb testing.TB, address string, options natslog.Options) *natslog.Log {
	tb.Helper()
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	log, err := natslog.Open(tb.Context(), address, &options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { log.Close() })
	return log
}

func TestNatsLog(t *testing.T) {
	server := natsServer(t)
	type place struct {
		address string
		options natslog.Options
		now     *atomic.Int64
	}
	places := make(map[streamgauge.Log]*place)
	openAt := func(t *testing.T, p *place) streamgauge.Log {
		log := open(t, p.address, p.options)
		places[log] = p
		return log
	}
	logtest.Run(t, logtest.Harness{
		Name: "nats",
		Open: func(t *testing.T, rules streamgauge.Rules) streamgauge.Log {
			p := &place{address: server.url(newName()), now: new(atomic.Int64)}
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
		// Another instance, while the first is there still.
		Kill:     func(t *testing.T, log streamgauge.Log) streamgauge.Log { return openAt(t, places[log]) },
		Advance:  func(_ *testing.T, log streamgauge.Log, d time.Duration) { places[log].now.Add(d.Milliseconds()) },
		MaxBatch: 1000,
		Quick:    true,
	})
}

func BenchmarkNatsLog(b *testing.B) {
	server := natsServer(b)
	logtest.Bench(b, func(b *testing.B, rules streamgauge.Rules) streamgauge.Log {
		return open(b, server.url(newName()), natslog.Options{Rules: rules})
	})
}
