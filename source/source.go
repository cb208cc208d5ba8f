// Package source declares what a source is: something that brings events in.
// The sources themselves are the packages below it. They know no hub, only a
// [Publisher].
package source

import (
	"context"

	"github.com/streamgauge/streamgauge"
)

// Publisher takes events. A hub is one.
type Publisher interface {
	// Publish stores the events, all or none, and returns when they are
	// acknowledged. While the log can't keep up it blocks: that is the
	// backpressure, and a source passes it on to where its events come from or
	// takes fewer.
	Publish(ctx context.Context, events ...streamgauge.Event) (streamgauge.Receipt, error)
}

// Source brings events in.
type Source interface {
	// Name says what the source is, in one word, for logs and configuration.
	Name() string

	// Run publishes events on the caller's goroutine until the context ends,
	// and then returns nil, having left nothing running. An error means that
	// the source can't go on. What can be got over is no reason to return: a
	// refused or failed publish, or something to read that is missing for a
	// while, is logged once, until it works again, and the source goes on. Run
	// is called once.
	Run(ctx context.Context, p Publisher) error
}
