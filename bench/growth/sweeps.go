package main

import (
	"fmt"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// A sweep measures with growing values of one option.
type sweep struct {
	name, title string
	axis        string // what grows, with its unit
	unit        string // of a value, in a sentence
	values      []int
	set         func(*bench.Options, int)
	at          func(*bench.Result) float64 // the value that a result is of
	charts      []chart
	note        string // for below the figure
}

// A chart is a plot of a sweep's figures that have the same unit.
type chart struct {
	title, unit string
	lines       []line // at most two
}

type line struct {
	name   string
	value  func(*bench.Result) float64 // not positive if there is none
	from   float64                     // what is measured with less is noise
	second bool                        // drawn the other way
}

var (
	latency = chart{"Latency from due to read", "ms", []line{
		{name: "p50", value: func(r *bench.Result) float64 { return r.Latency.P50 }},
		{name: "p99", second: true, value: func(r *bench.Result) float64 { return r.Latency.P99 }},
	}}
	highLatency = chart{"Latency from due to read", "ms", latency.lines[1:]}

	cpuOfDeliveries = line{name: "CPU", value: func(r *bench.Result) float64 { return r.CPUPerMillionDeliveries }}
	cpu             = chart{"Server CPU for a million deliveries", "s", []line{cpuOfDeliveries}}
)

func sweeps() []sweep {
	return []sweep{
		{
			name: "subscribers", title: "1 event/s to more and more subscribers",
			axis: "subscribers", unit: "subscribers",
			values: []int{10, 30, 100, 300, 1000, 3000, 10_000, 18_000},
			set:    func(o *bench.Options, n int) { o.Subscribers, o.Rate = n, 1 },
			at:     func(r *bench.Result) float64 { return float64(r.Subscribers) },
			charts: []chart{{"Server memory for an idle subscriber", "kB", []line{
				{name: "memory", value: func(r *bench.Result) float64 { return r.IdleBytesPerSubscriber / 1e3 }, from: 300},
			}}, latency},
			note: "Memory is from 300 subscribers on: what the server takes for itself meanwhile hides that of fewer.",
		},
		{
			name: "events", title: "More and more events to 1,000 subscribers",
			axis: "events published in a second, each delivered 1,000 times", unit: "events/s",
			values: []int{1, 3, 10, 30, 100, 300, 1000, 3000, 5000, 10_000},
			set:    func(o *bench.Options, n int) { o.Rate, o.Publishers = float64(n), 16 },
			at:     func(r *bench.Result) float64 { return r.Rate },
			charts: []chart{cpu, latency},
		},
		{
			name: "streams", title: "1,000 events/s on more and more streams",
			axis: "streams, among which events and subscribers are divided", unit: "streams",
			values: []int{1, 10, 100, 1000, 10_000},
			// The one publisher goes from stream to stream. Those without a subscriber
			// would get all that is measured, so every stream has at least one.
			set: func(o *bench.Options, n int) { o.Streams, o.Rate, o.Subscribers = n, 1000, max(1000, n) },
			at:  func(r *bench.Result) float64 { return float64(r.Streams) },
			// The more streams, the fewer deliveries an event has to share its cost, so
			// that alone would look like a cost of streams.
			charts: []chart{{"Server CPU for a million deliveries, or events", "s", []line{
				{name: "deliveries", value: cpuOfDeliveries.value},
				{name: "events", second: true, value: func(r *bench.Result) float64 {
					return r.CPUSeconds / float64(max(1, r.Acked)) * 1e6
				}},
			}}, highLatency},
			note: "1,000 subscribers, but 10,000 with 10,000 streams, so that each is followed.",
		},
		{
			name: "payload", title: "10 events/s to 1,000 subscribers, larger and larger",
			axis: "bytes of an event's data", unit: "bytes",
			values: []int{100, 1000, 10_000, 100_000},
			set:    func(o *bench.Options, n int) { o.Payload, o.Rate = n, 10 },
			at:     func(r *bench.Result) float64 { return float64(r.Payload) },
			charts: []chart{cpu, highLatency, {"Data delivered in a second", "MB", []line{
				{name: "data", value: func(r *bench.Result) float64 { return r.DeliveriesPerSecond * float64(r.Payload) / 1e6 }},
			}}},
		},
	}
}

// figure returns what a sweep's plots show.
func (s *sweep) figure(m *measured) *figure {
	f := &figure{title: s.title, axis: s.axis}
	if s.note != "" {
		f.foot = append(f.foot, s.note)
	}
	doubtful := false
	for _, r := range m.Points {
		f.xs = append(f.xs, s.at(r))
		doubtful = doubtful || len(r.Notes) > 0
	}
	for _, c := range s.charts {
		p := panel{title: c.title, unit: c.unit}
		for _, l := range c.lines {
			shown := series{name: l.name, second: l.second}
			for _, r := range m.Points {
				if x := s.at(r); x >= l.from {
					shown.points = append(shown.points, point{x, l.value(r), len(r.Notes) > 0})
				}
			}
			p.series = append(p.series, shown)
		}
		f.panels = append(f.panels, p)
	}
	if doubtful {
		f.foot = append(f.foot, fmt.Sprintf("Hollow: the run has a note, in %s, about why not to trust the figure.", dataFile))
	}
	f.foot = append(f.foot, m.Machine.String())
	return f
}
