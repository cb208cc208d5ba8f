package filelog_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filelog"
	"github.com/streamgauge/streamgauge/logtest"
)

// place is where a log of the harness lives.
type place struct {
	dir     string
	options filelog.Options
	now     *atomic.Int64
}

// harness opens logs with a clock that stands still unless it is moved.
func harness(name string, options filelog.Options) logtest.Harness {
	places := make(map[streamgauge.Log]*place)
	open := func(t *testing.T, p *place) streamgauge.Log {
		open := func() (*filelog.Log, error) { return filelog.OpenUnsynced(p.dir, &p.options, "boot") }
		if p.options.Level == streamgauge.LevelFsync {
			open = func() (*filelog.Log, error) { return filelog.Open(p.dir, &p.options) }
		}
		log, err := open()
		if err != nil {
			t.Fatal(err)
		}
		places[log] = p
		return log
	}
	h := logtest.Harness{
		Name:  name,
		Quick: options.Level != "" || options.SegmentBytes != 0, // once is enough
		Open: func(t *testing.T, rules streamgauge.Rules) streamgauge.Log {
			p := &place{dir: t.TempDir(), options: options, now: new(atomic.Int64)}
			p.now.Store(time.Now().UnixMilli())
			p.options.Rules = rules
			p.options.Now = func() time.Time { return time.UnixMilli(p.now.Load()) }
			return open(t, p)
		},
		Reopen: func(t *testing.T, log streamgauge.Log) streamgauge.Log {
			if err := filelog.Clean(log.(*filelog.Log)); err != nil {
				t.Fatal(err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, places[log])
		},
		Kill: func(t *testing.T, log streamgauge.Log) streamgauge.Log {
			filelog.Abandon(log)
			return open(t, places[log])
		},
		Advance: func(_ *testing.T, log streamgauge.Log, d time.Duration) { places[log].now.Add(d.Milliseconds()) },
	}
	if options.Level == streamgauge.LevelMemory {
		h.Kill = nil
	}
	return h
}

func TestFileLog(t *testing.T) {
	for name, options := range map[string]filelog.Options{
		"file at level os":       {},
		"file at level fsync":    {Level: streamgauge.LevelFsync},
		"file at level memory":   {Level: streamgauge.LevelMemory},
		"file in tiny segments":  {SegmentBytes: 1_000},
		"file in small segments": {SegmentBytes: 20_000},
	} {
		logtest.Run(t, harness(name, options))
	}
}

func BenchmarkFileLog(b *testing.B) {
	for _, level := range []streamgauge.Level{streamgauge.LevelOS, streamgauge.LevelFsync, streamgauge.LevelMemory} {
		b.Run(string(level), func(b *testing.B) {
			logtest.Bench(b, func(b *testing.B, rules streamgauge.Rules) streamgauge.Log {
				log, err := filelog.Open(b.TempDir(), &filelog.Options{Rules: rules, Level: level})
				if err != nil {
					b.Fatal(err)
				}
				return log
			})
		})
	}
}
