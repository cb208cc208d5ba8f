package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source"
)

const (
	defaultEvery = time.Second
	minEvery     = 100 * time.Millisecond

	// firstEvery is how soon the first batch comes, which needs two samples.
	firstEvery = 200 * time.Millisecond

	diskEvery        = 10 * time.Second
	temperatureEvery = 5 * time.Second

	// A reading that took d isn't repeated before costShare*d, but a reading that
	// was merely interrupted doesn't stay away for longer than a few turns.
	costShare = 200
	maxWait   = 3
)

// Options are what a source may be told. The zero value is fine.
type Options struct {
	// Every is the time between samples: 1 second if zero, at least 100 ms.
	// Samples are taken when the wall clock shows a multiple of it.
	Every time.Duration
	// Logger is told what can't be read or published, once. Nil discards it.
	Logger *slog.Logger
}

// Source samples the machine that the process runs on.
type Source struct {
	every  time.Duration
	logger *slog.Logger
}

var _ source.Source = (*Source)(nil)

// New returns a source. Nil options are the defaults.
func New(o *Options) *Source {
	s := &Source{every: defaultEvery, logger: slog.New(slog.DiscardHandler)}
	if o == nil {
		return s
	}
	if o.Every != 0 {
		s.every = max(o.Every, minEvery)
	}
	if o.Logger != nil {
		s.logger = o.Logger
	}
	return s
}

// Name returns "host".
func (s *Source) Name() string { return "host" }

// Run publishes a batch at once (after 200 ms, since usage is measured between
// two samples) and then one after each sample, until the context ends. A sample
// that is due while the publisher blocks is left out. See [source.Source].
func (s *Source) Run(ctx context.Context, p source.Publisher) error {
	collectors := newCollectors(s.every)
	previous := s.sample(ctx, collectors)
	wait := min(firstEvery, s.every)
	failed := 0
	for pause(ctx, wait) {
		current := s.sample(ctx, collectors)
		if ctx.Err() != nil {
			return nil // what was cut short is no sample
		}
		failed = s.publish(ctx, p, events(&previous, &current), failed)
		previous = current.orElse(&previous)
		wait = untilNext(time.Now(), s.every)
	}
	return nil
}

// pause waits and reports whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// untilNext returns the time until the wall clock shows a multiple of every,
// which never drifts and lets no ticks pile up. It is at least half of every, so
// that no two samples are too close to measure anything.
func untilNext(now time.Time, every time.Duration) time.Duration {
	d := now.Truncate(every).Add(every).Sub(now)
	if d < every/2 {
		d += every
	}
	return d
}

// sample takes a sample of what is due. Failures are logged when they begin.
func (s *Source) sample(ctx context.Context, collectors []*collector) sample {
	current := sample{at: time.Now()}
	for _, c := range collectors {
		if current.at.Before(c.due) {
			continue
		}
		start := time.Now()
		err := c.collect(ctx, &current)
		if c.begun { // the second sample follows the first at once, for usage to show
			c.due = current.at.Add(max(c.every, min(costShare*time.Since(start), maxWait*c.every)) - s.every/2)
		}
		c.begun = true
		if err != nil && !c.failed && ctx.Err() == nil {
			s.logger.Warn("host: can't read", "what", c.name, "error", err)
		}
		c.failed = err != nil
	}
	return current
}

// publish returns how many publishes in a row have failed.
func (s *Source) publish(ctx context.Context, p source.Publisher, events []streamgauge.Event, failed int) int {
	if len(events) == 0 {
		return failed
	}
	switch _, err := p.Publish(ctx, events...); {
	case err == nil && failed > 0:
		s.logger.Info("host: publishing again", "batches_lost", failed)
		return 0
	case err == nil || ctx.Err() != nil:
		return 0
	case failed == 0:
		s.logger.Warn("host: can't publish", "error", err)
	}
	return failed + 1
}
