package natslog_test

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/logtest"
	"github.com/streamgauge/streamgauge/natslog"
)

var (
	event, add         = tailtest.Event, tailtest.Add
	eventually, follow = tailtest.Eventually, tailtest.Follow
)

func TestMain(m *testing.M) {
	natslog.Hurry()
	os.Exit(m.Run())
}

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
	server := natstest.Start(t)
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
		Kill:     func(t *testing.T, log streamgauge.Log) streamgauge.Log { return openAt(t, places[log]) },
		Advance:  func(_ *testing.T, log streamgauge.Log, d time.Duration) { places[log].now.Add(d.Milliseconds()) },
		MaxBatch: 1000,
		Quick:    true,
	})
}

func BenchmarkNatsLog(b *testing.B) {
	server := natstest.Start(b)
	logtest.Bench(b, func(b *testing.B, rules streamgauge.Rules) streamgauge.Log {
		return open(b, server.URL(newName()), natslog.Options{Rules: rules})
	})
}

// BenchmarkToAnotherInstance measures from before an append to its delivery by a tail of
// another instance.
func BenchmarkToAnotherInstance(b *testing.B) {
	address := natstest.Start(b).URL("x")
	from, to := open(b, address, natslog.Options{}), open(b, address, natslog.Options{})
	came := make(chan struct{}, 1)
	go func() {
		_ = to.Tail(b.Context(), streamgauge.Position{}, func(events []streamgauge.Event) error {
			came <- struct{}{}
			return nil
		})
	}()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		add(b, from, event("a", 1))
		<-came
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}

func BenchmarkBatchesOf100(b *testing.B) {
	for _, at := range []int{1, 16} { // appenders
		b.Run(fmt.Sprint(at, " at once"), func(b *testing.B) {
			log := open(b, natstest.Start(b).URL("x"), natslog.Options{})
			events := make([]streamgauge.Event, 100)
			for i := range events {
				events[i] = streamgauge.Event{Stream: fmt.Sprint("s", i%10), Data: fmt.Appendf(nil, "%200d", i+1)}
				events[i].Data[0], events[i].Data[199] = '"', '"'
			}
			b.SetParallelism(max(1, at/2))
			if at == 1 {
				for b.Loop() {
					add(b, log, events...)
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						add(b, log, events...)
					}
				})
			}
			b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
