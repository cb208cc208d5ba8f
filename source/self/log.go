package self

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source"
)

const (
	maxRecords     = 1000    // that wait to be published
	maxRecordBytes = 8 << 10 // of one record
)

// Log is a [slog.Handler] that passes records on to another one, and keeps
// those of level Info and above for a [Source] to publish. It never blocks on
// the hub: when records come faster than they are published, the new ones are
// dropped from the stream, and the stream says how many.
//
// Values of attributes that are called like a secret are replaced, see
// [Redact].
type Log struct {
	next   slog.Handler
	stream slog.Handler // writes to records
	*records
}

var _ slog.Handler = (*Log)(nil)

// NewLog returns a handler that passes records on to next.
func NewLog(next slog.Handler) *Log {
	r := &records{}
	// A record is one Write of the JSON handler: that is all that a tee needs.
	stream := slog.NewJSONHandler(r, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: toLogRecord})
	return &Log{next, stream.WithGroup("attributes"), r}
}

// toLogRecord gives a record the members of OpenTelemetry's log data model. The
// time is the event's.
func toLogRecord(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		if a.Value.Kind() == slog.KindDuration {
			return slog.String(a.Key, a.Value.Duration().String())
		}
		return Redact(groups, a)
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.Attr{}
	case slog.LevelKey:
		a.Key = "severity"
	case slog.MessageKey:
		a.Key = "body"
	}
	return a
}

// secrets are what names of secret attributes contain.
var secrets = []string{"authorization", "cookie", "credential", "password", "passwd", "secret", "token", "api_key", "apikey", "private_key"}

// Redact replaces the value of an attribute that is called like a secret. It is
// a ReplaceAttr of [slog.HandlerOptions]; give it to every handler.
func Redact(groups []string, a slog.Attr) slog.Attr {
	isSecret := func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(name, s) })
	}
	if isSecret(a.Key) || slices.ContainsFunc(groups, isSecret) {
		return slog.String(a.Key, "[redacted]")
	}
	return a
}

// Enabled reports whether either side takes the level.
func (l *Log) Enabled(ctx context.Context, level slog.Level) bool {
	return l.next.Enabled(ctx, level) || l.stream.Enabled(ctx, level)
}

// Handle passes the record to both sides.
func (l *Log) Handle(ctx context.Context, r slog.Record) error {
	if l.stream.Enabled(ctx, r.Level) {
		// Writing to memory does not fail.
		_ = l.stream.Handle(ctx, r.Clone())
	}
	if l.next.Enabled(ctx, r.Level) {
		return l.next.Handle(ctx, r)
	}
	return nil
}

// WithAttrs returns a handler whose records have the attributes.
func (l *Log) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Log{l.next.WithAttrs(attrs), l.stream.WithAttrs(attrs), l.records}
}

// WithGroup returns a handler whose records' attributes are in the group.
func (l *Log) WithGroup(name string) slog.Handler {
	return &Log{l.next.WithGroup(name), l.stream.WithGroup(name), l.records}
}

// records wait to be published.
type records struct {
	mu      sync.Mutex // protects following
	waiting []streamgauge.Event
	dropped int
}

// Write takes one record. It implements [io.Writer] for the JSON handler.
func (r *records) Write(record []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= maxRecords || len(record) > maxRecordBytes {
		r.dropped++
		return len(record), nil
	}
	r.waiting = append(r.waiting, streamgauge.Event{
		Stream: LogStream, Type: "log", Time: time.Now(), Data: bytes.Clone(bytes.TrimSpace(record)),
	})
	return len(record), nil
}

// flush publishes what waits. What can't be published is dropped.
func (l *Log) flush(ctx context.Context, p source.Publisher) {
	if l == nil {
		return
	}
	l.mu.Lock()
	events, dropped := l.waiting, l.dropped
	l.waiting, l.dropped = nil, 0
	l.mu.Unlock()
	if dropped > 0 {
		data := fmt.Appendf(nil, `{"severity":"WARN","body":"records are missing from this stream","attributes":{"dropped":%d}}`, dropped)
		events = append(events, streamgauge.Event{Stream: LogStream, Type: "log", Time: time.Now(), Data: data})
	}
	if len(events) == 0 {
		return
	}
	if _, err := p.Publish(ctx, events...); err != nil {
		l.mu.Lock()
		l.dropped += dropped + len(events)
		if dropped > 0 {
			l.dropped-- // what said so is no record
		}
		l.mu.Unlock()
	}
}
