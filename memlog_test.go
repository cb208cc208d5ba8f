package streamgauge_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/logtest"
)

// memoryHarness gives every log a clock that stands still unless it is moved.
func memoryHarness() logtest.Harness {
	clocks := make(map[streamgauge.Log]*atomic.Int64)
	return logtest.Harness{
		Name: "memory",
		Open: func(t *testing.T, rules streamgauge.Rules) streamgauge.Log {
			now := new(atomic.Int64)
			now.Store(time.Now().UnixMilli())
			log := streamgauge.NewMemoryLog(rules)
			log.Now = func() time.Time { return time.UnixMilli(now.Load()) }
			clocks[log] = now
			return log
		},
		Advance: func(_ *testing.T, log streamgauge.Log, d time.Duration) { clocks[log].Add(d.Milliseconds()) },
	}
}

func TestMemoryLog(t *testing.T) { logtest.Run(t, memoryHarness()) }

func BenchmarkMemoryLog(b *testing.B) {
	logtest.Bench(b, func(_ *testing.B, rules streamgauge.Rules) streamgauge.Log { return streamgauge.NewMemoryLog(rules) })
}
