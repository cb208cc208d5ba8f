package server

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

// rates bound how much each publisher may publish.
type rates struct {
	limits config.Limits

	mu         sync.Mutex // protects following
	publishers map[string]*publisherRate
	swept      time.Time
}

// publisherRate is what one publisher has left.
type publisherRate struct {
	events, bytes, streams *rate.Limiter
	used                   time.Time
}

const (
	rateBurst = 5 * time.Second // what may come at once
	rateIdle  = 2 * time.Minute // after which nothing of a publisher need be known: all is there again
)

func newRates(limits config.Limits) *rates {
	return &rates{limits: limits, publishers: map[string]*publisherRate{}}
}

// publisherKey returns what a publisher is counted by: the token or the user, or else the
// address. Loopback without a token is a proxy or the machine's owner.
func publisherKey(r *http.Request) string {
	if access := streamgauge.AccessOf(r.Context()); access != nil && access.ID != "" {
		return access.ID
	}
	if strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") { // what nearly all are, without parsing it
		return ""
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if addr, counted := streamgauge.ClientAddr(at.Addr()); err == nil && counted {
		return addr.String()
	}
	return ""
}

// of returns what the publisher of a request has left, or nil for one that has no bounds.
func (l *rates) of(r *http.Request, now time.Time) *publisherRate {
	key := publisherKey(r)
	if key == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > rateIdle {
		for key, p := range l.publishers {
			if now.Sub(p.used) > rateIdle {
				delete(l.publishers, key)
			}
		}
		l.swept = now
	}
	p := l.publishers[key]
	if p == nil {
		seconds := rateBurst.Seconds()
		perSecond := float64(l.limits.PublishEventsPerSecond)
		bytes := float64(l.limits.PublishBytesPerSecond)
		streams := l.limits.NewStreamsPerMinute
		p = &publisherRate{
			// What one request may have fits in any case.
			events:  rate.NewLimiter(rate.Limit(perSecond), max(int(min(perSecond*seconds, math.MaxInt32)), l.limits.BatchEvents)),
			bytes:   rate.NewLimiter(rate.Limit(bytes), max(int(min(bytes*seconds, math.MaxInt32)), int(min(l.limits.RequestBytes, math.MaxInt32)))),
			streams: rate.NewLimiter(rate.Limit(float64(streams)/60), max(streams, l.limits.BatchEvents)),
		}
		l.publishers[key] = p
	}
	p.used = now
	return p
}

// rateError says that a publisher has to wait.
type rateError struct {
	what, setting string
	wait          time.Duration
}

func (e *rateError) Error() string {
	return fmt.Sprintf("you publish %s than one may (%s); nothing of the request was stored, come back in %d s", e.what, e.setting, e.seconds())
}

func (e *rateError) seconds() int { return max(1, int(math.Ceil(e.wait.Seconds()))) }

// take takes n of what there is, or says when that will be there.
func take(l *rate.Limiter, n int, now time.Time, what, setting string) error {
	if l.AllowN(now, n) {
		return nil
	}
	r := l.ReserveN(now, n)
	wait := time.Second
	if r.OK() {
		wait = r.DelayFrom(now)
		r.CancelAt(now)
	}
	return &rateError{what, setting, wait}
}

// ready says when a publisher who has nothing left can come back, before its body is read.
func (p *publisherRate) ready(now time.Time) error {
	if p == nil || p.events.TokensAt(now) >= 1 && p.bytes.TokensAt(now) >= 1 {
		return nil
	}
	return &rateError{"more", "limits.publish_events_per_second, limits.publish_bytes_per_second", time.Second}
}

// admit takes what the request's events and body are, or says when they can come.
func (p *publisherRate) admit(hub *streamgauge.Hub, events []streamgauge.Event, body int, now time.Time) error {
	if p == nil {
		return nil
	}
	fresh, last := 0, ""
	for i := range events {
		if s := events[i].Stream; s != last {
			if last = s; !hub.Knows(s) {
				fresh++
			}
		}
	}
	if fresh > 0 {
		if err := take(p.streams, fresh, now, "to more new streams", "limits.new_streams_per_minute"); err != nil {
			return err
		}
	}
	if err := take(p.events, len(events), now, "more events", "limits.publish_events_per_second"); err != nil {
		return err
	}
	return take(p.bytes, body, now, "more bytes", "limits.publish_bytes_per_second")
}

// tooFast answers one who has to wait.
func tooFast(w http.ResponseWriter, e *rateError) (status int, detail string) {
	w.Header().Set("Retry-After", strconv.Itoa(e.seconds()))
	return http.StatusTooManyRequests, e.Error()
}
