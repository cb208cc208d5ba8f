package demo

import (
	"context"
	"log/slog"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source"
)

// How far back a source goes to begin with, and how much it publishes at once
// while it catches up.
const (
	maxPast   = 15 * time.Minute
	batchSize = 500
)

// Options are what a source may be told. The zero value is fine.
type Options struct {
	// Seed chooses the shop. The same seed plays the same one.
	Seed uint64
	// Since is the time of what is there already, if anything is: the source goes
	// on from there. It goes back 15 minutes at most.
	Since time.Time
	// Logger is told what can't be published, once. Nil discards it.
	Logger *slog.Logger
}

// Source plays a web shop.
type Source struct {
	shop   shop
	since  time.Time
	logger *slog.Logger
}

var _ source.Source = (*Source)(nil)

// New returns a source. Nil options are the defaults.
func New(o *Options) *Source {
	s := &Source{logger: slog.New(slog.DiscardHandler)}
	if o == nil {
		return s
	}
	s.shop, s.since = shop{o.Seed}, o.Since
	if o.Logger != nil {
		s.logger = o.Logger
	}
	return s
}

// Name returns "demo".
func (s *Source) Name() string { return "demo" }

// Run publishes what has happened lately, at once, and then what happens, once a
// second, until the context ends. See [source.Source].
func (s *Source) Run(ctx context.Context, p source.Publisher) error {
	var events []streamgauge.Event
	failed := 0
	flush := func() {
		if len(events) > 0 {
			failed = s.publish(ctx, p, events, failed)
			events = events[:0:0]
		}
	}
	done := max(s.since.Unix(), time.Now().Add(-maxPast).Unix())
	for {
		// A second is played when it is over, so that no event is of the future.
		for now := time.Now().Unix(); done+1 < now && ctx.Err() == nil; {
			done++
			if events = append(events, s.shop.second(done)...); len(events) >= batchSize {
				flush()
			}
		}
		flush()
		timer := time.NewTimer(time.Until(time.Unix(done+2, 0)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		done = max(done, time.Now().Add(-maxPast).Unix()) // the machine may have slept
	}
}

// publish returns how many publishes in a row have failed.
func (s *Source) publish(ctx context.Context, p source.Publisher, events []streamgauge.Event, failed int) int {
	_, err := p.Publish(ctx, events...)
	switch {
	case err == nil && failed > 0:
		s.logger.Info("demo: publishing again", "batches_lost", failed)
		return 0
	case err == nil || ctx.Err() != nil:
		return 0
	case failed == 0:
		s.logger.Warn("demo: can't publish", "error", err)
	}
	return failed + 1
}
