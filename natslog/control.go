package natslog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

// A controlRecord is a message of the log's other stream. See controlSubject.
type controlRecord struct {
	seq     uint64
	forget  string // a stream
	through uint64
	gone    []streamgauge.Gone
	past    bool // all that is gone, or a part of that
	keys    []streamgauge.KeyUse
	probe   bool
}

// openControl begins a feed of the epoch's control records and of what this instance says
// to itself.
func (l *Log) openControl(ctx context.Context, epoch streamgauge.Epoch, start uint64) (*feed, error) {
	return l.openFeed(ctx, l.name+controlSuffix, start,
		l.controlSubject(formatEpoch(epoch), "*"), l.controlSubject("probe", l.instance))
}

func (l *Log) parseControl(m jetstream.Msg) (r controlRecord, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return r, err
	}
	r.seq = meta.Sequence.Stream
	ok := true
	switch subject := m.Subject(); {
	case subject == l.controlSubject("probe", l.instance):
		r.probe = true
	case strings.HasSuffix(subject, ".forget"):
		r.forget, r.through, ok = parseForget(m.Data())
	case strings.HasSuffix(subject, ".gone"), strings.HasSuffix(subject, ".past"):
		r.past = strings.HasSuffix(subject, ".past")
		r.gone, ok = parseGone(m.Data())
	case strings.HasSuffix(subject, ".keys"):
		r.keys, ok = parseKeys(m.Data())
	}
	if !ok {
		return r, fmt.Errorf("the log's control record %d makes no sense", r.seq)
	}
	return r, nil
}

// applyControl applies a control record, or holds it until the events have come of which
// it is.
func (s *session) applyControl(m jetstream.Msg) error {
	r, err := s.log.parseControl(m)
	if err != nil {
		return err
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.held = append(s.held, r)
	s.applyHeld()
	return nil
}

// applyHeld applies the control records whose events are here. The mutex is held.
func (s *session) applyHeld() {
	l := s.log
	for len(s.held) > 0 && s.held[0].through <= l.last.seq {
		r := s.held[0]
		s.held = s.held[1:]
		l.control = r.seq
		switch {
		case r.probe:
			l.health.heard.Store(time.Now().UnixNano())
		case r.forget != "":
			l.replica.Apply([]replica.Record{{Seq: r.through, Forget: r.forget}})
			l.trash.forgets = r.seq
		case r.past: // this instance knows it
			l.trash.records, l.trash.seqs = 0, 0
		case len(r.gone) > 0:
			l.trash.hear(r.gone)
		}
		l.progress()
	}
}

// Forget implements [streamgauge.Log].
func (l *Log) Forget(ctx context.Context, stream string) error {
	if err := l.replica.Closed(ctx); err != nil {
		return err
	}
	if streamgauge.CheckStream(stream) != nil {
		return nil // it can't exist
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, fmt.Errorf("%w: NATS does not take events", streamgauge.ErrUnavailable))
	defer cancel()
	if err := l.catchUp(ctx); err != nil {
		return l.failed(ctx, "forget a stream", err)
	}
	all, err := l.replica.Streams(ctx)
	if err != nil {
		return err
	}
	known := false
	for i := range all {
		known = known || all[i].Name == stream
	}
	if !known {
		return nil
	}
	at := l.replica.Position()
	// Twice does no harm: it is said up to which event.
	m := nats.NewMsg(l.controlSubject(formatEpoch(at.Epoch), "forget"))
	m.Data = appendForget(nil, stream, at.Seq)
	a, err := l.insist(ctx, m)
	if err == nil {
		err = l.await(ctx, func() bool { return l.epoch != at.Epoch || l.control >= a.Seq })
	}
	return l.failed(ctx, "forget a stream", err)
}

// failed returns what a caller is told of an error.
func (l *Log) failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if closed := l.replica.Closed(ctx); closed != nil {
		return closed
	}
	return unavailable(what, err)
}

// insist sends a message until NATS has answered that it is stored.
func (l *Log) insist(ctx context.Context, m *nats.Msg) (answer, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		a, err := l.send(attempt, m)
		cancel()
		if err == nil {
			return a, nil
		}
		sleep(ctx, retryAfter)
		if ctx.Err() != nil {
			return a, err
		}
	}
}

// answer is NATS' answer to a message, or to the last one of a batch.
type answer struct {
	Seq       uint64   `json:"seq"`
	Duplicate bool     `json:"duplicate"`
	Error     *refusal `json:"error"`
}

// refusal is why NATS has not stored a message.
type refusal struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (r *refusal) Error() string { return r.Description }
