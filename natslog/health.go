package natslog

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/streamgauge/streamgauge"
)

const patience = 5 * time.Second

// health is when an instance was last seen to do what it is there for, in nanoseconds of
// Unix time. A connection that stands says little: it may be to a server that hangs.
type health struct {
	read, written, heard atomic.Int64
	followed             atomic.Int64 // when it was last known to have all that there is
	refused              atomic.Int64 // when an append was given up, or zero if another one has succeeded since
}

func (h *health) begin() {
	now := time.Now().UnixNano()
	for _, at := range [...]*atomic.Int64{&h.read, &h.written, &h.heard, &h.followed} {
		at.Store(now)
	}
}

func (h *health) touch() { h.followed.Store(time.Now().UnixNano()) }

func (h *health) touched() time.Time { return time.Unix(0, h.followed.Load()) }

// Ready returns nil if NATS was written to and read, and what was written came to this
// instance, within the last five seconds; or else what fails.
func (l *Log) Ready() error {
	h := &l.health
	oldest := time.Now().Add(-patience).UnixNano()
	bad := func(what string, since int64) error {
		return fmt.Errorf("%w: NATS %s since %s", streamgauge.ErrUnavailable, what, time.Unix(0, since).UTC().Format(time.RFC3339))
	}
	if at := h.refused.Load(); at > oldest {
		return bad("takes no events", at)
	}
	for _, c := range [...]struct {
		what string
		at   int64
	}{
		{"can't be read", h.read.Load()}, {"takes no writes", h.written.Load()},
		{"delivers no messages", h.heard.Load()}, {"delivers no events", h.followed.Load()},
	} {
		if c.at < oldest {
			return bad(c.what, c.at)
		}
	}
	return nil
}

// probe writes what has to come back to this instance.
func (l *Log) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	m := nats.NewMsg(l.controlSubject("probe", l.instance))
	m.Header.Set(headerTTL, "60s")
	if _, err := l.send(ctx, m); err == nil {
		l.health.written.Store(time.Now().UnixNano())
	}
}
