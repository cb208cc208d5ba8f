// Package self is the source that publishes what the server itself is doing:
//
//	hub.stats  events_in_per_second, events_out_per_second, subscribers, feeds,
//	           streams, lag_ms, gaps, write_timeouts, log_bytes, goroutines, heap_bytes
//	hub.log    the server's own log: severity, body, attributes; type "log"
//
// Where several instances share a log, each has a stream of its own, hub.stats.NAME, and
// hub.stats is about all of them: one publishes it for all.
//
// gaps and write_timeouts count from the server's start. The log arrives through
// a [Log], which every logger of the server writes to.
package self

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"runtime/metrics"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source"
)

// Names of the streams.
const (
	StatsStream = "hub.stats"
	LogStream   = "hub.log"
)

const (
	flushEvery   = 250 * time.Millisecond // how long a log record waits at most
	measureEvery = 5 * time.Second        // the log's size, which takes a look at every stream
)

// Options configures a [Source].
type Options struct {
	// Hub is what is measured. Required.
	Hub *streamgauge.Hub
	// Every is the time between measurements. Default: 1 second.
	Every time.Duration
	// Log is where log records come from. Nil is none.
	Log *Log
}

// Source publishes what a hub is doing. Its publisher must be one that may use
// streams of the hub's: [streamgauge.Hub.PublishOwn].
type Source struct {
	hub   *streamgauge.Hub
	every time.Duration
	log   *Log

	// Of the measurement before.
	at       time.Time
	stats    streamgauge.Stats
	ready    time.Time // when delivery had last caught up
	sized    time.Time // when logBytes was measured
	logBytes int64
	samples  [2]metrics.Sample
}

var _ source.Source = (*Source)(nil)

// New returns the source. It does nothing before Run.
func New(o *Options) *Source {
	s := &Source{hub: o.Hub, every: o.Every, log: o.Log}
	if s.every <= 0 {
		s.every = time.Second
	}
	s.samples[0].Name = "/sched/goroutines:goroutines"
	s.samples[1].Name = "/memory/classes/heap/objects:bytes"
	return s
}

// Name returns "self".
func (s *Source) Name() string { return "self" }

// Run publishes until the context ends, and then returns nil. A publish that
// fails is not logged, since that would be another record to publish; its
// records count as dropped.
func (s *Source) Run(ctx context.Context, p source.Publisher) error {
	s.at, s.ready, s.stats = time.Now(), time.Now(), s.hub.Stats()
	measure, flush := time.NewTicker(s.every), time.NewTicker(flushEvery)
	defer measure.Stop()
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-measure.C:
			events, err := s.events(s.measure(ctx))
			if err != nil {
				return err
			}
			// The next measurement says more than a retry would.
			_, _ = p.Publish(ctx, events...)
		case <-flush.C:
			s.log.flush(ctx, p)
		}
	}
}

// events are what is to be said of a measurement.
func (s *Source) events(own measurement) (events []streamgauge.Event, err error) {
	say := func(stream string, what any) {
		data, failed := json.Marshal(what)
		err = errors.Join(err, failed)
		events = append(events, streamgauge.Event{Stream: stream, Data: data})
	}
	if !s.hub.Shared() {
		say(StatsStream, own)
		return events, err
	}
	say(StatsStream+"."+s.hub.Name(), own)
	instances := s.hub.Instances()
	for _, i := range instances[1:] {
		if i.Name < instances[0].Name {
			return events, err // that one speaks for all
		}
	}
	say(StatsStream, inAll(own, instances))
	return events, err
}

// inAll makes the measurement of one instance that of all: what each has for itself is
// added up, what they share is as it is.
func inAll(m measurement, instances []streamgauge.Instance) total {
	t := total{measurement: m, Instances: len(instances)}
	for _, i := range instances[1:] {
		t.EventsOut = round(t.EventsOut + i.EventsOut)
		t.Subscribers += i.Stats.Subscribers
		t.Feeds += i.Stats.Feeds
		t.Views += i.Stats.Views
		t.Gaps += i.Stats.Gaps
		t.WriteTimeouts += i.Stats.WriteTimeouts
	}
	return t
}

type total struct {
	measurement
	Instances int `json:"instances"`
	// Left out: a process has them.
	Goroutines *uint64 `json:"goroutines,omitempty"`
	HeapBytes  *uint64 `json:"heap_bytes,omitempty"`
}

type measurement struct {
	EventsIn      float64 `json:"events_in_per_second"`
	EventsOut     float64 `json:"events_out_per_second"`
	Subscribers   int     `json:"subscribers"`
	Feeds         int     `json:"feeds"`
	Views         int     `json:"views"`
	Streams       int     `json:"streams"`
	LagMS         float64 `json:"lag_ms"`
	Gaps          uint64  `json:"gaps"`
	WriteTimeouts uint64  `json:"write_timeouts"`
	LogBytes      int64   `json:"log_bytes"`
	Goroutines    uint64  `json:"goroutines"`
	HeapBytes     uint64  `json:"heap_bytes"`
}

func (s *Source) measure(ctx context.Context) measurement {
	lag := s.lag(ctx)
	now, stats := time.Now(), s.hub.Stats()
	seconds := max(now.Sub(s.at).Seconds(), 1e-3)
	if now.Sub(s.sized) >= measureEvery {
		s.sized = now
		s.logBytes = s.size(ctx)
	}
	metrics.Read(s.samples[:])
	m := measurement{
		EventsIn:      round(float64(stats.EventsIn-s.stats.EventsIn) / seconds),
		EventsOut:     round(float64(stats.EventsOut-s.stats.EventsOut) / seconds),
		Subscribers:   stats.Subscribers,
		Feeds:         stats.Feeds,
		Views:         stats.Views,
		Streams:       stats.Streams,
		LagMS:         round(float64(lag) / float64(time.Millisecond)),
		Gaps:          stats.Gaps,
		WriteTimeouts: stats.WriteTimeouts,
		LogBytes:      s.logBytes,
		Goroutines:    s.samples[0].Value.Uint64(),
		HeapBytes:     s.samples[1].Value.Uint64(),
	}
	s.at, s.stats = now, stats
	return m
}

// lag returns how long delivery takes to have what the log has now, or, if
// that is too long to wait for, how long it has not caught up.
func (s *Source) lag(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, s.every/2)
	defer cancel()
	start := time.Now()
	if err := s.hub.Ready(ctx); err != nil {
		return time.Since(s.ready)
	}
	s.ready = time.Now()
	return s.ready.Sub(start)
}

// size returns how much data the log has. While it can't say, it is as before.
func (s *Source) size(ctx context.Context) int64 {
	streams, err := s.hub.Streams(ctx)
	if err != nil {
		return s.logBytes
	}
	var n int64
	for _, one := range streams {
		n += one.Bytes
	}
	return n
}

func round(x float64) float64 { return math.Round(x*100) / 100 }
