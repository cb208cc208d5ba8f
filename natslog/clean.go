package natslog

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	leaseFor    = 10 * time.Second
	recordBytes = 128 << 10 // of one record of what is gone
	mostSeqs    = 4 << 20   // in records, before they are written anew

	// forgetAfter is how long what is forgotten stays recorded; longer than resumeMost, or an
	// instance could go on without having heard of it.
	forgetAfter = 2 * resumeMost
)

// Tests are in a hurry.
var (
	cleanEvery  = 2 * time.Second
	mostRecords = 10_000

	// deleteAfter is how long after it was recorded that an event is trimmed it is deleted:
	// every instance has trimmed it by then. An instance that does not delete remembers
	// three times as long what another one deletes, should that come to nothing.
	deleteAfter = 10 * time.Second
)

// trash is what is trimmed and not deleted yet.
type trash struct {
	events  map[uint64]doomed
	records int       // how many records there are of what is gone
	seqs    int       // of how many events
	forgets uint64    // the newest control record of what was forgotten
	settled []settled // when all that was forgotten up to a record was recorded as gone
}

type doomed struct {
	at       replica.Place
	recorded time.Time // zero: not yet
}

type settled struct {
	forgets uint64
	since   time.Time
}

func newTrash(g *gone) *trash {
	return &trash{events: make(map[uint64]doomed), records: g.records, seqs: g.count, forgets: g.forgets}
}

// dropped takes in an event that is not kept any more.
func (t *trash) dropped(at replica.Place) {
	if _, known := t.events[at.Seq]; !known {
		t.events[at.Seq] = doomed{at: at}
	}
}

// recorded takes in an event that is recorded to be gone.
func (t *trash) recorded(at replica.Place) { t.events[at.Seq] = doomed{at, time.Now()} }

// hear takes in a record of what is gone.
func (t *trash) hear(all []streamgauge.Gone) {
	t.records++
	for i := range all {
		g := &all[i]
		t.seqs += len(g.Seqs)
		for _, seq := range g.Seqs {
			t.recorded(replica.Place{Stream: g.Stream, Seq: seq})
		}
	}
}

// clean deletes in NATS what is not kept any more, until the context ends. One instance
// does so for all.
func (l *Log) clean(ctx context.Context) {
	ticker := time.NewTicker(cleanEvery)
	defer ticker.Stop()
	var lease uint64 // the record of it, if it is this instance's
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.collect()
		if lease = l.lease(ctx, lease); lease == 0 {
			l.discard()
			continue
		}
		// What fails is done again next time.
		err := l.record(ctx)
		if err == nil {
			err = l.delete(ctx)
		}
		if err == nil {
			err = l.compact(ctx)
		}
		if err != nil && ctx.Err() == nil {
			l.logger.Debug("what is trimmed can't be deleted in NATS now", "error", err)
		}
	}
}

// lease returns the record of this instance's lease, or 0 if another one cleans.
func (l *Log) lease(ctx context.Context, mine uint64) uint64 {
	m := nats.NewMsg(l.controlSubject("lease"))
	m.Header.Set(headerTTL, leaseFor.String())
	m.Header.Set(headerExpected, strconv.FormatUint(mine, 10))
	m.Data = []byte(l.instance)
	ctx, cancel := context.WithTimeout(ctx, leaseFor/2)
	defer cancel()
	a, err := l.send(ctx, m)
	if err != nil {
		return 0
	}
	return a.Seq
}

// collect takes in what is not kept any more.
func (l *Log) collect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range l.replica.Dropped() {
		l.trash.dropped(at)
	}
}

// discard forgets what another instance has deleted.
func (l *Log) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for seq, d := range l.trash.events {
		if !d.recorded.IsZero() && time.Since(d.recorded) > 3*deleteAfter {
			delete(l.trash.events, seq)
		}
	}
}

// record records what is gone, and the idempotency keys that would go with it, so that it
// may be deleted.
func (l *Log) record(ctx context.Context) error {
	l.mu.Lock()
	epoch, forgets := l.epoch, l.trash.forgets
	byStream := make(map[string]*streamgauge.Gone)
	for _, d := range l.trash.events {
		if !d.recorded.IsZero() {
			continue
		}
		g := byStream[d.at.Stream]
		if g == nil {
			g = &streamgauge.Gone{Stream: d.at.Stream}
			byStream[d.at.Stream] = g
		}
		g.Seqs = append(g.Seqs, d.at.Seq)
		g.Time = max(g.Time, d.at.Appended)
	}
	var keys []streamgauge.KeyUse
	if len(byStream) > 0 {
		for use := range l.keys.All {
			if d, trimmed := l.trash.events[use.Last]; trimmed && d.recorded.IsZero() {
				keys = append(keys, use)
			}
		}
	}
	l.mu.Unlock()
	var all []streamgauge.Gone
	for _, stream := range slices.Sorted(maps.Keys(byStream)) {
		g := byStream[stream]
		slices.Sort(g.Seqs)
		g.Newest = l.replica.NewestGone(stream)
		all = append(all, *g)
	}
	if _, err := l.writeRecords(ctx, epoch, "keys", bodies(keys, appendKey)); err != nil {
		return err
	}
	if _, err := l.writeRecords(ctx, epoch, "gone", bodies(split(all), appendGone)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.trash; forgets > 0 && (len(t.settled) == 0 || t.settled[len(t.settled)-1].forgets < forgets) {
		t.settled = append(t.settled, settled{forgets, time.Now()})
	}
	return nil
}

// writeRecords writes control records, waits until they are known here, and returns the
// number of the first.
func (l *Log) writeRecords(ctx context.Context, epoch streamgauge.Epoch, what string, bodies [][]byte) (first uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var last uint64
	for _, body := range bodies {
		m := nats.NewMsg(l.controlSubject(formatEpoch(epoch), what))
		m.Data = body
		if what == "keys" {
			m.Header.Set(headerTTL, (streamgauge.IdempotencyAge + time.Minute).String())
		}
		a, err := l.insist(ctx, m)
		if err != nil {
			return 0, err
		}
		if last = a.Seq; first == 0 {
			first = last
		}
	}
	return first, l.await(ctx, func() bool { return l.epoch != epoch || l.control >= last })
}

// bodies returns the bodies of the records that it takes to say it all.
func bodies[T any](all []T, add func([]byte, *T) []byte) (bodies [][]byte) {
	var body []byte
	for i := range all {
		if body = add(body, &all[i]); len(body) > recordBytes {
			bodies, body = append(bodies, body), nil
		}
	}
	if len(body) > 0 {
		bodies = append(bodies, body)
	}
	return bodies
}

// split splits what is too much for one record.
func split(all []streamgauge.Gone) (parts []streamgauge.Gone) {
	const most = recordBytes / 8 // they take a few bytes each
	for _, g := range all {
		for len(g.Seqs) > most {
			part := g
			part.Seqs, g.Seqs, g.Through = g.Seqs[:most], g.Seqs[most:], 0
			parts = append(parts, part)
		}
		parts = append(parts, g)
	}
	return parts
}

// delete deletes what was recorded to be gone a while ago.
func (l *Log) delete(ctx context.Context) error {
	due := l.due()
	if len(due) == 0 {
		return l.deleteForgets(ctx)
	}
	// In another log, other events have the numbers of these.
	if _, at, err := l.look(ctx); err != nil || at != continues {
		return err
	}
	stream, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return err
	}
	for name, seqs := range due {
		if err := l.deleteOf(ctx, stream, name, seqs); err != nil {
			return err
		}
		l.mu.Lock()
		for _, seq := range seqs {
			delete(l.trash.events, seq)
		}
		l.mu.Unlock()
	}
	return l.deleteForgets(ctx)
}

// due returns what is to be deleted of each stream, rising. If its rule is not latest that
// is all there is of the stream up to the last of it: events are trimmed in order.
func (l *Log) due() map[string][]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := make(map[string][]uint64)
	for seq, d := range l.trash.events {
		if !d.recorded.IsZero() && time.Since(d.recorded) > deleteAfter {
			due[d.at.Stream] = append(due[d.at.Stream], seq)
		}
	}
	for _, seqs := range due {
		slices.Sort(seqs)
	}
	return due
}

func (l *Log) deleteOf(ctx context.Context, stream jetstream.Stream, name string, seqs []uint64) error {
	if len(seqs) > 1 && l.rules.For(name).Delivery != streamgauge.DeliverLatest {
		before := seqs[len(seqs)-1] + 1
		return stream.Purge(ctx, jetstream.WithPurgeSubject(l.eventSubject("*", name)), jetstream.WithPurgeSequence(before))
	}
	for _, seq := range seqs {
		err := stream.DeleteMsg(ctx, seq)
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			return err
		}
	}
	return nil
}

// deleteForgets deletes the records of what was forgotten, once that is recorded as gone.
func (l *Log) deleteForgets(ctx context.Context) error {
	l.mu.Lock()
	epoch, t := l.epoch, l.trash
	var through uint64
	for len(t.settled) > 0 && time.Since(t.settled[0].since) > forgetAfter {
		through = t.settled[0].forgets
		t.settled = t.settled[1:]
	}
	l.mu.Unlock()
	if through == 0 {
		return nil
	}
	return l.purgeControl(ctx, formatEpoch(epoch), "forget", through+1)
}

func (l *Log) purgeControl(ctx context.Context, epoch, what string, before uint64) error {
	control, err := l.js.Stream(ctx, l.name+controlSuffix)
	if err != nil {
		return err
	}
	return control.Purge(ctx, jetstream.WithPurgeSubject(l.controlSubject(epoch, what)), jetstream.WithPurgeSequence(before))
}

// compact writes the records of what is gone anew when they have become many: what nobody
// needs to know any more is not in them then.
func (l *Log) compact(ctx context.Context) error {
	l.mu.Lock()
	epoch, t := l.epoch, l.trash
	enough := t.records < mostRecords && t.seqs < mostSeqs
	l.mu.Unlock()
	if enough {
		return nil
	}
	first, err := l.writeRecords(ctx, epoch, "past", bodies(split(l.replica.Gone()), appendGone))
	if err != nil || first == 0 {
		return err
	}
	for _, what := range [...]string{"gone", "past"} {
		if err := l.purgeControl(ctx, formatEpoch(epoch), what, first); err != nil {
			return err
		}
	}
	return nil
}
