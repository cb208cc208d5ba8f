package main

import (
	"fmt"
	"math"
	"time"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// A measurement is runs of several servers, ours first.
type measurement struct {
	name    string
	once    bool // one run of each says enough: it is long, or made of many
	sides   []side
	figures []figure
}

// A side is one server's part.
type side struct {
	*server
	options bench.Options
	name    string // another one than the server's, if there is one
}

// A figure is what is compared.
type figure struct {
	name  string // with its unit
	value func(*bench.Result) float64
	// judge says in words whether ours is as it should be, given the others by name; nil if
	// nothing is wanted.
	judge func(ours float64, others map[string]float64) (string, bool)
}

func (f figure) wanted(judge func(float64, map[string]float64) (string, bool)) figure {
	f.judge = judge
	return f
}

var (
	memory = figure{name: "kB for each", value: func(r *bench.Result) float64 { return r.IdleBytesPerSubscriber / 1e3 }}

	cpu     = figure{name: "CPU s per million", value: func(r *bench.Result) float64 { return r.CPUPerMillionDeliveries }}
	rate    = figure{name: "deliveries/s", value: func(r *bench.Result) float64 { return r.DeliveriesPerSecond }}
	wire    = figure{name: "bytes for each", value: func(r *bench.Result) float64 { return r.BytesPerDelivery }}
	p50     = figure{name: "p50 ms", value: func(r *bench.Result) float64 { return r.Latency.P50 }}
	p99     = figure{name: "p99 ms", value: p99Of}
	slowest = figure{name: "slowest ms", value: func(r *bench.Result) float64 { return r.Latency.Max }}

	acked    = figure{name: "acknowledged/s", value: func(r *bench.Result) float64 { return r.AckedPerSecond }}
	ackedCPU = figure{name: "CPU s per million", value: func(r *bench.Result) float64 { return r.CPUPerMillionAcked }}
)

// p99Of is endless if no event of the measured time has come.
func p99Of(r *bench.Result) float64 {
	if r.Latency.Max == 0 {
		return math.Inf(1)
	}
	return r.Latency.P99
}

// A plan says how everything is measured.
type plan struct {
	servers  *servers
	duration time.Duration
	pin      bool
}

// options are of a run of the mode.
func (p plan) options(s *server, mode bench.Mode, change func(*bench.Options)) bench.Options {
	o := bench.Defaults(mode)
	o.Duration = p.duration
	if p.pin {
		o.ServerCPU, o.ClientCPU = 0, 1
	}
	o.Server, o.Peer, o.WebSocket = s.command, s.dialect, s.webSocket
	change(&o)
	return o
}

// sides has all of the servers do the same.
func (p plan) sides(mode bench.Mode, change func(*bench.Options), all ...*server) (sides []side) {
	for _, s := range all {
		sides = append(sides, side{s, p.options(s, mode, change), s.name})
	}
	return sides
}

// variant is ours with a line more in its configuration.
func (p plan) variant(line string, mode bench.Mode, change func(*bench.Options)) side {
	s := *p.servers.ours
	s.command = withLine(s.command, line)
	return side{&s, p.options(&s, mode, change), line}
}

// with returns the servers and those of the others that have one of the names.
func (p plan) with(first []*server, names ...string) []*server {
	for _, name := range names {
		for _, s := range p.servers.others {
			if s.name == name {
				first = append(first, s)
			}
		}
	}
	return first
}

func (p plan) measurements() []measurement {
	s := p.servers
	both := []*server{s.ours, s.plain}
	everybody := p.with([]*server{s.ours, s.goroutines, s.plain}, nchanName, mercureName, centrifugoName, nodeName, nextName, webSocketName)
	const noAttempt = time.Second // of a ceiling: how long one takes at least
	ceiling := func(o *bench.Options) { o.Duration = max(p.duration/2, noAttempt) }
	many := func(o *bench.Options) { ceiling(o); o.Subscribers, o.Rate = 10_000, 1 }
	slow := func(o *bench.Options) { o.Subscribers, o.Rate, o.Payload = 900, 20, 4096 }
	stalled := func(o *bench.Options) { slow(o); o.Stalled = 100 }
	// It takes so little of a CPU that a short run would not show how much.
	twenty := func(o *bench.Options) { o.Rate, o.Batch, o.Duration = 20, 20, 4*p.duration }
	packed := func(o *bench.Options) { twenty(o); o.Gzip = true }
	return []measurement{
		{
			name: "18,000 idle subscribers", once: true,
			sides:   p.sides(bench.Idle, func(o *bench.Options) { o.Subscribers = 18_000 }, everybody...),
			figures: []figure{memory.wanted(atMost(2))},
		},
		{
			name: "1,000 subscribers, the most that comes within 250 ms, nothing lost", once: true,
			sides: p.sides(bench.Ceiling, ceiling, everybody...),
			figures: []figure{
				rate.wanted(atLeast(5_000_000)), p99,
				cpu.wanted(atMostOf(1./3, webSocketName)), memory.wanted(atMostOf(1./3, webSocketName)),
			},
		},
		{
			name: "10,000 subscribers, the most that comes within 250 ms, nothing lost", once: true,
			sides:   p.sides(bench.Ceiling, many, p.with(both, nchanName, mercureName, centrifugoName, nodeName)...),
			figures: []figure{rate.wanted(atLeastOf(1.3, nchanName)), p99, cpu},
		},
		{
			name:    "10,000 subscribers, 1 event/s",
			sides:   p.sides(bench.FanOut, func(o *bench.Options) { o.Subscribers, o.Rate = 10_000, 1 }, p.with(both, nchanName, mercureName, centrifugoName, nodeName)...),
			figures: []figure{p50, p99.wanted(atMostOf(1.2, nchanName)), cpu},
		},
		{
			name:    "1,000 subscribers, 10 events/s",
			sides:   p.sides(bench.FanOut, func(*bench.Options) {}, everybody...),
			figures: []figure{cpu.wanted(atMostOf(1, nodeName)), p50, p99},
		},
		{
			name: "1,000 subscribers, 100 events/s, which may wait for others",
			sides: append(p.sides(bench.FanOut, func(o *bench.Options) { o.Rate = 100 }, s.ours),
				p.variant("flush_interval: 50ms", bench.FanOut, func(o *bench.Options) { o.Rate = 100 })),
			figures: []figure{cpu, p50, p99},
		},
		{
			name:    "single events, pipelined on 16 connections, file log at level os",
			sides:   p.sides(bench.Publish, func(o *bench.Options) { o.Publishers = 16 }, p.with([]*server{s.ours, s.nothing}, nchanName, mercureName, centrifugoName, nodeName)...),
			figures: []figure{acked.wanted(atLeastOf(0.75, nothingName)), ackedCPU},
		},
		{
			name:    "single events, pipelined on 1 connection, file log at level os",
			sides:   p.sides(bench.Publish, func(*bench.Options) {}, s.ours, s.nothing),
			figures: []figure{acked, ackedCPU},
		},
		{
			name: "batches of 100 events, 4 connections, file log at level os",
			sides: p.sides(bench.Publish, func(o *bench.Options) {
				o.Batch, o.Publishers, o.Pipeline = 100, 4, 8
			}, s.ours),
			figures: []figure{acked.wanted(atLeast(300_000)), ackedCPU},
		},
		{
			name: "10,000 subscribers resume 100 events back at once", once: true,
			sides:   p.sides(bench.Replay, func(o *bench.Options) { o.Subscribers = 10_000 }, p.with([]*server{s.ours}, nchanName, mercureName)...),
			figures: []figure{slowest.wanted(atMost(1000)), p50, cpu},
		},
		{
			name: "1,000 subscribers, 20 events together each second",
			sides: []side{
				{s.ours, p.options(s.ours, bench.FanOut, packed), "Streamgauge with gzip"},
				{s.ours, p.options(s.ours, bench.FanOut, twenty), unpackedName},
			},
			figures: []figure{wire.wanted(atMostOf(0.35, unpackedName)), cpu.wanted(atMostOf(1.1, unpackedName)), p99},
		},
		{
			name: "1,000 subscribers, 100 of them stalled or missing",
			sides: append(p.sides(bench.FanOut, stalled, s.ours),
				side{s.ours, p.options(s.ours, bench.FanOut, slow), missingName}),
			figures: []figure{p99.wanted(notSlower)},
		},
	}
}

const (
	missingName  = "those 100 missing"
	unpackedName = "without compression"
)

// notSlower is the judge of others' latency beside subscribers that have stalled.
func notSlower(ours float64, others map[string]float64) (string, bool) {
	none := others[missingName]
	ok := ours <= 1.5*none+5
	return fmt.Sprintf("%.2f times, wanted: at most 1.5 times and 5 ms more%s", ours/none, missed(ok)), ok
}

func atMost(limit float64) func(float64, map[string]float64) (string, bool) {
	return func(ours float64, _ map[string]float64) (string, bool) {
		return fmt.Sprintf("%s, wanted: at most %s%s", short(ours), short(limit), missed(ours <= limit)), ours <= limit
	}
}

func atLeast(limit float64) func(float64, map[string]float64) (string, bool) {
	return func(ours float64, _ map[string]float64) (string, bool) {
		return fmt.Sprintf("%s, wanted: at least %s%s", short(ours), short(limit), missed(ours >= limit)), ours >= limit
	}
}

func atMostOf(limit float64, name string) func(float64, map[string]float64) (string, bool) {
	return ofOther("at most", limit, name, func(ratio float64) bool { return ratio <= limit })
}

func atLeastOf(limit float64, name string) func(float64, map[string]float64) (string, bool) {
	return ofOther("at least", limit, name, func(ratio float64) bool { return ratio >= limit })
}

func ofOther(bound string, limit float64, name string, ok func(float64) bool) func(float64, map[string]float64) (string, bool) {
	return func(ours float64, others map[string]float64) (string, bool) {
		other, known := others[name]
		if !known {
			return fmt.Sprintf("%s has no figure to compare with", name), true
		}
		ratio := ours / other
		return fmt.Sprintf("%.2f of %s, wanted: %s %.2f%s", ratio, name, bound, limit, missed(ok(ratio))), ok(ratio)
	}
}

func missed(ok bool) string {
	if ok {
		return ""
	}
	return ": MISSED"
}
