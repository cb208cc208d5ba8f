package server

import (
	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

// HubLimits returns those of the limits that are the hub's.
func HubLimits(l config.Limits) streamgauge.Limits {
	return streamgauge.Limits{
		EventBytes:           int(l.EventBytes),
		BatchEvents:          l.BatchEvents,
		BatchBytes:           int(l.BatchBytes),
		Streams:              l.Streams,
		Feeds:                l.Feeds,
		Views:                l.Views,
		Subscribers:          l.Subscribers,
		SubscribersPerIP:     l.SubscribersPerIP,
		SubscribersPerToken:  l.SubscribersPerToken,
		ReplayBytesPerToken:  l.ReplayBytesPerToken,
		ReplayBytesPerSecond: l.ReplayBytesPerSecond,
	}
}
