package main

import (
	"fmt"
	"math"
	"time"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// A measurement is a run of us, and of what we compare with.
type measurement struct {
	name    string
	sides   [2]side // ours first; without a name there is none
	figures []figure
}

type side struct {
	name    string
	options bench.Options
	mayLose bool // the plain server drops what a subscriber does not take
}

// A figure is what is compared.
type figure struct {
	name  string // with its unit
	value func(*bench.Result) float64
	// judge says in words how both sides compare and whether that is as it
	// should be.
	judge func(ours, other float64) (string, bool)
}

var (
	memory = figure{name: "kB each", judge: atMost(1), value: func(r *bench.Result) float64 { return r.IdleBytesPerSubscriber / 1e3 }}
	cpu    = figure{name: "s of CPU per million deliveries", judge: atMost(1), value: func(r *bench.Result) float64 { return r.CPUPerMillionDeliveries }}
	rate   = figure{name: "deliveries per second", judge: atLeast(1), value: func(r *bench.Result) float64 { return r.DeliveriesPerSecond }}
	p99    = figure{name: "ms p99 latency", judge: told, value: p99Of}

	acked    = figure{name: "events acknowledged per second", judge: atLeast(0.7), value: func(r *bench.Result) float64 { return r.AckedPerSecond }}
	ackedCPU = figure{name: "s of CPU per million events", judge: told, value: func(r *bench.Result) float64 { return r.CPUPerMillionAcked }}
)

// p99Of is endless if no event of the measured time has come.
func p99Of(r *bench.Result) float64 {
	if r.Latency.Max == 0 {
		return math.Inf(1)
	}
	return r.Latency.P99
}

// servers are the programs.
type servers struct{ ours, baseline string }

func (s servers) plain(args ...string) *bench.Command {
	return &bench.Command{Path: s.baseline, Args: func(addr, _ string) ([]string, error) {
		return append([]string{"-listen", addr}, args...), nil
	}}
}

func (s servers) measurements(duration time.Duration, pin bool) []measurement {
	streamgauge := bench.Streamgauge(s.ours, "os", 0)
	options := func(mode bench.Mode, server *bench.Command, change func(*bench.Options)) bench.Options {
		o := bench.Defaults(mode)
		o.Server, o.Duration = server, duration
		if pin {
			o.ServerCPU, o.ClientCPU = 0, 1
		}
		change(&o)
		return o
	}
	pair := func(mode bench.Mode, name string, plain *bench.Command, change func(*bench.Options)) [2]side {
		return [2]side{
			{name: "streamgauge", options: options(mode, streamgauge, change)},
			{name: name, options: options(mode, plain, change), mayLose: true},
		}
	}
	all := []measurement{
		{
			name:    "5,000 idle subscribers",
			sides:   pair(bench.Idle, "plain net/http", s.plain(), func(o *bench.Options) { o.Subscribers = 5000 }),
			figures: []figure{memory},
		},
		{
			name:    "1,000 subscribers, 50 events/s",
			sides:   pair(bench.FanOut, "plain net/http", s.plain(), func(o *bench.Options) { o.Rate = 50 }),
			figures: []figure{cpu, p99},
		},
		{
			name:    "1,000 subscribers, 400 events/s: more than the plain server can do",
			sides:   pair(bench.FanOut, "plain net/http", s.plain(), func(o *bench.Options) { o.Rate = 400 }),
			figures: []figure{rate, cpu, p99},
		},
	}
	// The requests of a single connection come one after another, so each has a
	// write of its own; those of several share one.
	alone := acked
	alone.judge = told
	for _, single := range []struct {
		connections int
		acked       figure
	}{{1, alone}, {16, acked}} {
		all = append(all, measurement{
			name:    fmt.Sprintf("single events, pipelined on %d connections, file log at level os", single.connections),
			sides:   pair(bench.Publish, "a handler that does nothing", s.plain("-nothing"), func(o *bench.Options) { o.Publishers = single.connections }),
			figures: []figure{single.acked, ackedCPU},
		})
	}
	batches := acked
	batches.judge = func(ours, _ float64) (string, bool) {
		return fmt.Sprintf("wanted: at least 300,000%s", missed(ours >= 300_000)), ours >= 300_000
	}
	stalled := p99
	stalled.judge = func(ours, none float64) (string, bool) {
		ok := ours <= 1.5*none+5
		return fmt.Sprintf("ratio %.2f, wanted: at most 1.5 times and 5 ms more%s", ours/none, missed(ok)), ok
	}
	slow := func(o *bench.Options) { o.Subscribers, o.Rate, o.Payload = 900, 20, 4096 }
	return append(all, measurement{
		name: "batches of 100 events, 4 connections, file log at level os",
		sides: [2]side{{name: "streamgauge", options: options(bench.Publish, streamgauge, func(o *bench.Options) {
			o.Batch, o.Publishers, o.Pipeline = 100, 4, 8
		})}},
		figures: []figure{batches, ackedCPU},
	}, measurement{
		name: "1,000 subscribers, 100 of them stalled or missing",
		sides: [2]side{
			{name: "100 stalled", options: options(bench.FanOut, streamgauge, func(o *bench.Options) { slow(o); o.Stalled = 100 })},
			{name: "100 missing", options: options(bench.FanOut, streamgauge, slow)},
		},
		figures: []figure{stalled},
	})
}

// told is the judge of figures that have no target.
func told(ours, other float64) (string, bool) {
	if other == 0 || math.IsInf(other, 0) {
		return "no target", true
	}
	return fmt.Sprintf("ratio %.2f, no target", ours/other), true
}

func atMost(limit float64) func(ours, other float64) (string, bool) {
	return func(ours, other float64) (string, bool) {
		ok := ours <= limit*other
		return fmt.Sprintf("ratio %.2f, wanted: at most %.2f%s", ours/other, limit, missed(ok)), ok
	}
}

func atLeast(limit float64) func(ours, other float64) (string, bool) {
	return func(ours, other float64) (string, bool) {
		ok := ours >= limit*other
		return fmt.Sprintf("ratio %.2f, wanted: at least %.2f%s", ours/other, limit, missed(ok)), ok
	}
}

func missed(ok bool) string {
	if ok {
		return ""
	}
	return ": MISSED"
}
