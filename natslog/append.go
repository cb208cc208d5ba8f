package natslog

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
)

const (
	groupEvents = 1000    // of several requests that are written together: NATS takes no more in a batch, unless it is set to
	groupBytes  = 4 << 20 // of their data
	mostSingles = 256     // that are under way at once
	maxWait     = 5 * time.Second
)

// A request is a batch that one caller wants written.
type request struct {
	batch  streamgauge.Batch
	answer chan outcome // capacity 1

	// before is the newest event in the bucket of the key when it was seen that nobody has
	// used the key: if NATS has a newer one, that may be no longer so.
	before uint64
}

type outcome struct {
	receipt streamgauge.Receipt
	err     error
}

func (r *request) size() (n int) {
	for i := range r.batch.Events {
		n += len(r.batch.Events[i].Data)
	}
	return n
}

// Append implements [streamgauge.Log]. While NATS can't be reached it waits for five
// seconds, then it gives up with [streamgauge.ErrUnavailable]; whether the batch was stored
// is known then only if it has an idempotency key and is appended again. A batch of more
// events than NATS takes at once is [streamgauge.ErrTooLarge].
func (l *Log) Append(ctx context.Context, batch streamgauge.Batch) (streamgauge.Receipt, error) {
	if ctx.Err() != nil {
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
	if err := batch.Validate(); err != nil {
		return streamgauge.Receipt{}, err
	}
	if err := l.checkSizes(&batch); err != nil {
		return streamgauge.Receipt{}, err
	}
	if err := l.replica.Closed(ctx); err != nil {
		return streamgauge.Receipt{}, err
	}
	// The caller's slices are its own again when its context ends.
	batch.Events = streamgauge.CloneEvents(make([]streamgauge.Event, 0, len(batch.Events)), batch.Events)
	r := &request{batch: batch, answer: make(chan outcome, 1)}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*maxWait, fmt.Errorf("%w: NATS does not take events", streamgauge.ErrUnavailable))
	defer cancel()
	queue := l.batches
	if len(batch.Events) == 1 {
		queue = l.singles
	}
	select {
	case queue <- r:
	case <-l.stopped:
		return streamgauge.Receipt{}, streamgauge.ErrClosed
	case <-ctx.Done():
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
	select {
	case o := <-r.answer:
		return o.receipt, o.err
	case <-ctx.Done():
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
}

// checkSizes says whether an event is more than NATS takes in one message.
func (l *Log) checkSizes(batch *streamgauge.Batch) error {
	const around = 2 << 10 // subject and headers, with the longest key
	most := l.conn.MaxPayload() - around
	for i := range batch.Events {
		e := &batch.Events[i]
		if n := int64(len(e.Data) + len(e.Key) + len(e.Type)); most > 0 && n > most {
			return fmt.Errorf("%w: event %d has %d bytes, this NATS takes %d in a message (its max_payload, less what goes around an event)",
				streamgauge.ErrTooLarge, i+1, n, most)
		}
	}
	return nil
}

// writeSingles writes single events until the context ends, many at once: a message takes
// NATS far less than a batch. Those who wait for one before they append another find them
// in that order, and others have none.
func (l *Log) writeSingles(ctx context.Context) {
	var flights sync.WaitGroup
	defer flights.Wait()
	room := make(chan struct{}, mostSingles)
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		select {
		case r := <-l.singles:
			flights.Go(func() {
				l.writeGroup(ctx, []*request{r})
				<-room
			})
		case <-ctx.Done():
			return // who was not taken is told by Append
		}
	}
}

// writeBatches writes batches until the context ends. What comes while it is at one is
// written together, as one batch.
func (l *Log) writeBatches(ctx context.Context) {
	var later []*request
	for {
		group := later
		if later = nil; len(group) == 0 {
			select {
			case r := <-l.batches:
				group = []*request{r}
			case <-ctx.Done():
				return // who was not taken is told by Append
			}
		}
		events, bytes := 0, 0
		for i, r := range group {
			if events += len(r.batch.Events); i > 0 && events > l.limit {
				group, later = group[:i], group[i:]
				break
			}
			bytes += r.size()
		}
		for more := true; more && len(later) == 0 && events < l.limit && bytes < groupBytes; {
			select {
			case r := <-l.batches:
				bytes += r.size()
				if events += len(r.batch.Events); events > l.limit {
					later = []*request{r}
				} else {
					group = append(group, r)
				}
			default:
				more = false
			}
		}
		later = append(slices.Clip(l.writeGroup(ctx, group)), later...)
	}
}

// give answers all requests alike.
func give(group []*request, err error) {
	for _, r := range group {
		r.answer <- outcome{err: err}
	}
}

// admit answers those whose keys are known. Of those that are left it returns the first
// that can be written together, and the others: two with one key can't.
func (l *Log) admit(group []*request) (now, later []*request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := make(map[string]bool)
	for i, r := range group {
		key := r.batch.Key
		if key == "" {
			now = append(now, r)
			continue
		}
		use, found, err := l.keys.Find(key, r.batch.Fingerprint(), time.UnixMilli(max(l.clock().UnixMilli(), l.appended)))
		switch {
		case err != nil:
			r.answer <- outcome{err: err}
		case found:
			r.answer <- outcome{receipt: l.receipt(streamgauge.Position{Epoch: l.epoch, Seq: use.Last}, use.Count, true)}
		case seen[key]:
			return now, group[i:] // in their order
		default:
			seen[key] = true
			r.before = l.buckets[bucketOf(key)]
			now = append(now, r)
		}
	}
	return now, nil
}

func (l *Log) receipt(at streamgauge.Position, count int, duplicate bool) streamgauge.Receipt {
	level, _ := l.level.Load().(streamgauge.Level)
	return streamgauge.Receipt{Position: at, Count: count, Level: level, Duplicate: duplicate}
}
