package natslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

// An operation is what is written together. NATS does one only once, whose name it has
// seen within two minutes.
type operation struct {
	id   string
	done context.CancelFunc // called when it is applied
	last streamgauge.Position
}

// operate begins an operation.
func (l *Log) operate(done context.CancelFunc) *operation {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.operated++
	op := &operation{id: l.instance + "." + strconv.FormatUint(l.operated, 10), done: done}
	l.ours[op.id] = op
	return op
}

func (l *Log) ended(op *operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ours, op.id)
}

// stored tells an operation of this instance whose last event this is that it is applied.
// The mutex is held.
func (l *Log) stored(m *message) {
	if op := l.ours[m.id]; op != nil {
		op.last = streamgauge.Position{Epoch: l.epoch, Seq: m.seq}
		op.done()
	}
}

const retryAfter = 50 * time.Millisecond

// Codes of NATS' refusals.
const (
	codeWrongLast         = 10071 // somebody else was faster
	codeWrongLastInFlight = 10164 // somebody else is at it
	codeTooLarge          = 10054
	codeBatchTooLarge     = 10199
)

// writeGroup writes the requests and answers them, but for those that it returns. What has
// become of a message whose answer is lost nobody knows, so it is sent again as the same
// operation, until it is applied here or NATS says that it is stored.
func (l *Log) writeGroup(ctx context.Context, group []*request) (later []*request) {
	// A log that is closed meanwhile still says what became of them.
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxWait)
	defer cancel()
	applied, done := context.WithCancel(deadline)
	defer done()
	op := l.operate(done)
	defer l.ended(op)
	for {
		if !l.knowsKeys(group) {
			give(group, unavailable("append to NATS", errors.New("it delivers no events, so that nobody knows which idempotency keys are used")))
			return later
		}
		var rest []*request
		group, rest = l.admit(group)
		if later = append(rest, later...); len(group) == 0 {
			return later
		}
		a, err := l.publish(applied, group, op.id)
		if err == nil {
			_ = l.await(applied, func() bool { return op.last.Seq > 0 })
			l.written(op, a, group)
			return later
		}
		if l.position(op).Seq > 0 {
			l.written(op, a, group)
			return later
		}
		var no *refusal
		switch {
		case !errors.As(err, &no):
			sleep(applied, retryAfter)
		case no.Code == codeWrongLast, no.Code == codeWrongLastInFlight:
			l.refresh(deadline, group)
		case no.Code == codeBatchTooLarge && len(group) > 1:
			l.limit = min(l.limit, no.limit())
			return append(group, later...)
		case no.Code == codeBatchTooLarge:
			give(group, fmt.Errorf("%w: %d events at once, this NATS takes %d in an atomic batch (jetstream.limits.batch.max_msgs)",
				streamgauge.ErrTooLarge, len(group[0].batch.Events), no.limit()))
			return later
		case no.Code == codeTooLarge && len(group) > 1: // one of them is
			for _, r := range group {
				l.writeGroup(ctx, []*request{r})
			}
			return later
		case no.Code == codeTooLarge:
			give(group, fmt.Errorf("%w: %w", streamgauge.ErrTooLarge, err))
			return later
		default: // such as that the operation is known, and will be seen here
			sleep(applied, retryAfter)
		}
		if ctx.Err() != nil {
			give(group, streamgauge.ErrClosed)
			return later
		}
		if deadline.Err() != nil && l.position(op).Seq == 0 {
			l.health.refused.Store(time.Now().UnixNano())
			give(group, unavailable("append to NATS", err))
			return later
		}
	}
}

// knowsKeys reports whether this instance knows what is needed of idempotency keys, if any
// of the requests has one. A key of which it has not heard could be deleted already.
func (l *Log) knowsKeys(group []*request) bool {
	return time.Since(l.health.touched()) < patience ||
		!slices.ContainsFunc(group, func(r *request) bool { return r.batch.Key != "" })
}

func (l *Log) position(op *operation) streamgauge.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return op.last
}

// written answers the requests of which NATS has said, or this instance has seen, that they
// are stored.
func (l *Log) written(op *operation, a answer, group []*request) {
	l.health.refused.Store(0)
	last := l.position(op)
	if last.Seq == 0 { // stored, and not here yet
		l.poke()
		last = streamgauge.Position{Epoch: l.replica.Position().Epoch, Seq: a.Seq}
	}
	for _, r := range slices.Backward(group) {
		count := len(r.batch.Events)
		r.answer <- outcome{receipt: l.receipt(last, count, false)}
		last.Seq -= uint64(count)
	}
}

// limit returns how many events NATS takes in a batch, as its refusal of one says.
func (r *refusal) limit() int {
	_, text, _ := strings.Cut(r.Description, ": ")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return groupEvents
	}
	return n
}

// refresh asks what NATS has in the buckets of the requests' keys, and sees to it that all
// that there was by then is applied here.
func (l *Log) refresh(ctx context.Context, group []*request) {
	stream, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return
	}
	for _, r := range group {
		if r.batch.Key == "" {
			continue
		}
		bucket := bucketOf(r.batch.Key)
		last, known := uint64(0), stream.CachedInfo().State.LastSeq
		m, err := stream.GetLastMsgForSubject(ctx, l.eventSubject(bucket, ">"))
		if err == nil {
			last, known = m.Sequence, max(m.Sequence, known)
		} else if !errors.Is(err, jetstream.ErrMsgNotFound) { // that were: all of them are deleted
			return
		}
		if l.await(ctx, func() bool { return l.last.seq >= known }) != nil {
			return
		}
		l.mu.Lock()
		l.buckets[bucket] = last
		l.mu.Unlock()
	}
}

// publish sends the events of the requests as one message or one batch.
func (l *Log) publish(ctx context.Context, group []*request, id string) (answer, error) {
	messages := l.messages(group)
	n, size := len(messages), 0
	if n > 1 {
		batch := nats.NewInbox()[len(nats.InboxPrefix):]
		for i, m := range messages {
			m.Header.Set(headerBatch, batch)
			m.Header.Set(headerBatchSeq, strconv.Itoa(i+1))
		}
		messages[n-1].Header.Set(headerBatchCommit, "1")
	}
	last := messages[n-1]
	last.Header.Set(headerID, id)
	for _, m := range messages {
		size += len(m.Data)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second+time.Duration(size)*time.Microsecond)
	defer cancel()
	for _, m := range messages[:n-1] {
		if err := l.conn.PublishMsg(m); err != nil {
			return answer{}, err
		}
	}
	return l.send(ctx, last)
}

// messages returns the requests' events as messages, and under which conditions they are to
// be stored.
func (l *Log) messages(group []*request) []*nats.Msg {
	var all []*nats.Msg
	now := ""
	if l.now != nil {
		now = strconv.FormatInt(l.now().UnixMilli(), 10)
	}
	for _, r := range group {
		for i := range r.batch.Events {
			e := &r.batch.Events[i]
			m := nats.NewMsg(l.eventSubject(noKey, e.Stream))
			m.Data = replica.AppendBody(nil, e)
			if now != "" {
				m.Header.Set(headerAppended, now)
			}
			all = append(all, m)
		}
		if r.batch.Key == "" {
			continue
		}
		bucket := bucketOf(r.batch.Key)
		m := all[len(all)-1]
		m.Subject = l.eventSubject(bucket, r.batch.Events[len(r.batch.Events)-1].Stream)
		m.Header.Set(headerKey, keyHeader(&r.batch))
		m.Header.Set(headerExpectedOf, l.eventSubject(bucket, ">"))
		m.Header.Set(headerExpected, strconv.FormatUint(r.before, 10))
	}
	return all
}

// send sends a message and waits for the answer.
func (l *Log) send(ctx context.Context, m *nats.Msg) (a answer, err error) {
	raw, err := l.conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(raw.Data, &a); err != nil {
		return a, errors.New("NATS answered nonsense")
	}
	if a.Error != nil {
		return a, a.Error
	}
	return a, nil
}
