// Package replica is what an instance knows of a log that it shares with others: an index
// of all that is kept, and the newest events. It answers from that what a
// [streamgauge.Log] is asked; where the log is, is a [Source]'s business.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
)

const retryAfter = 200 * time.Millisecond

// Source is where the truth is.
type Source interface {
	// CatchUp applies to the replica what has been appended so far, by whomever.
	CatchUp(ctx context.Context) error
	// Fetch returns the events that are at these places, by sequence number. It leaves out
	// those that are not there any more. It need not set their ID.
	Fetch(ctx context.Context, places []Place) (map[uint64]streamgauge.Event, error)
}

// Place is an event that is kept.
type Place struct {
	Stream   string
	Seq      uint64
	Appended int64 // Unix milliseconds
}

// Record is a change of the log: an event, or that a stream was forgotten.
type Record struct {
	Seq      uint64 // of the event, or of the newest one that is forgotten
	Appended time.Time
	Event    streamgauge.Event // ID and Appended, and Time if it is zero, are set by Apply
	Forget   string            // a stream; empty if it is an event
}

// Index is the index of a replica.
type Index = streamgauge.Index[Place]

// Replica is what is known. All methods may be called from any number of goroutines, but
// what is applied has an order, of which callers take care.
type Replica struct {
	source Source
	rules  streamgauge.Rules
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex // guards all that follows
	index   *Index
	recent  *streamgauge.Recent
	dropped []Place
	closed  bool
}

// New returns a replica that knows nothing: [Replica.Replace] must come before all else.
// now is the wall clock by which age is judged.
func New(source Source, rules streamgauge.Rules, now func() time.Time, logger *slog.Logger) *Replica {
	return &Replica{source: source, rules: rules, now: now, logger: logger}
}

// Replace begins anew with an index that fill fills. Tails that are under way go on in it
// if the epoch is the same. The newest events, if there are any, follow each other without a
// hole up to the head.
func (r *Replica) Replace(epoch streamgauge.Epoch, fill func(*Index), newest ...streamgauge.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped = nil
	index := streamgauge.NewIndex(epoch, r.rules, r.drop)
	fill(index)
	if r.recent != nil {
		r.recent.Close()
	}
	start := index.Head()
	start.Seq -= uint64(len(newest))
	r.index, r.recent = index, streamgauge.NewRecent(start)
	for some := range slices.Chunk(newest, 64) {
		r.recent.Add(some)
	}
	if r.closed {
		r.recent.Close()
	}
}

// drop notes that an event is not kept any more. The mutex is held.
func (r *Replica) drop(at Place) { r.dropped = append(r.dropped, at) }

// Dropped trims, and returns what has not been kept any more since it was called last.
func (r *Replica) Dropped() []Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.index.Trim(r.now())
	dropped := r.dropped
	r.dropped = nil
	return dropped
}

// Apply makes known what follows what is known.
func (r *Replica) Apply(records []Record) {
	if len(records) == 0 {
		return
	}
	events := make([]streamgauge.Event, 0, len(records))
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range records {
		rec := &records[i]
		if rec.Forget != "" {
			r.index.ForgetThrough(rec.Forget, rec.Seq)
			continue
		}
		r.index.Skip(rec.Seq-1, false)
		one := append(events, rec.Event)[len(events):]
		events = events[:len(events)+1]
		r.index.Stamp(one, rec.Appended)
		r.index.Add(EntryOf(&one[0], rec.Seq, rec.Appended))
	}
	r.recent.Add(events)
}

// EntryOf returns an event as the index knows it.
func EntryOf(e *streamgauge.Event, seq uint64, appended time.Time) streamgauge.Entry[Place] {
	ms := appended.UnixMilli()
	return streamgauge.Entry[Place]{
		Stream: e.Stream, Seq: seq, Appended: ms, Key: e.Key, Size: len(e.Data), Loc: Place{e.Stream, seq, ms},
	}
}

// Known reports whether anything is known.
func (r *Replica) Known() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.index != nil
}

// Keeps reports whether the event with the sequence number is kept.
func (r *Replica) Keeps(seq uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return seq > 0 && len(r.index.Kept(seq-1, seq, 1)) > 0
}

// Gone returns all that is known of trimmed events.
func (r *Replica) Gone() []streamgauge.Gone {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.index.Gone(0, r.index.Head().Seq)
	for i := range all {
		all[i].Seqs = slices.Clone(all[i].Seqs)
	}
	return all
}

// NewestGone is that of the index.
func (r *Replica) NewestGone(stream string) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.index.NewestGone(stream)
}

// Position returns the newest position that is known.
func (r *Replica) Position() streamgauge.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.index.Head()
}

// Head is that of [streamgauge.Log].
func (r *Replica) Head(ctx context.Context) (head streamgauge.Position, err error) {
	err = r.locked(ctx, func() error { head = r.index.Head(); return nil })
	return head, err
}

// Streams is that of [streamgauge.Log].
func (r *Replica) Streams(ctx context.Context) (all []streamgauge.StreamInfo, err error) {
	err = r.locked(ctx, func() error { all = r.index.Streams(r.now()); return nil })
	return all, err
}

// Tail is that of [streamgauge.Log].
func (r *Replica) Tail(ctx context.Context, after streamgauge.Position, deliver func([]streamgauge.Event) error) error {
	count := func(events []streamgauge.Event) error {
		err := deliver(events)
		after = events[len(events)-1].ID
		return err
	}
	for {
		var recent *streamgauge.Recent
		if err := r.locked(ctx, func() error { recent = r.recent; return nil }); err != nil {
			return err
		}
		err := recent.Tail(ctx, after, count, r.insist)
		if !errors.Is(err, streamgauge.ErrClosed) {
			return err
		}
		// Closed is the log, or what was recent when the replica began anew.
	}
}

// insist reads as Read does, as soon as the log can be read.
func (r *Replica) insist(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	for {
		page, err := r.Read(ctx, q)
		if !errors.Is(err, streamgauge.ErrUnavailable) {
			return page, err
		}
		select {
		case <-ctx.Done():
			return page, context.Cause(ctx)
		case <-time.After(retryAfter):
		}
	}
}

// Read is that of [streamgauge.Log].
func (r *Replica) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	for asked := false; ; asked = true {
		page, missing, err := r.readPage(ctx, q)
		switch {
		case asked && missing != nil:
			r.giveUp(missing)
		case errors.Is(err, streamgauge.ErrAhead), errors.Is(err, streamgauge.ErrEpoch):
			// Another instance may have given that position, which knows more.
			if asked {
				return page, err
			}
		case missing == nil:
			return page, err
		}
		if err := r.source.CatchUp(ctx); err != nil {
			if ctx.Err() != nil {
				return streamgauge.Page{}, context.Cause(ctx)
			}
			return streamgauge.Page{}, fmt.Errorf("%w: catch up with the log: %w", streamgauge.ErrUnavailable, err)
		}
	}
}

// giveUp takes out what is kept by all that is known, and not there. The oldest of a stream
// were trimmed a moment ago, or by an instance whose rules are others; what is missing
// among others was deleted by somebody.
func (r *Replica) giveUp(missing []missed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range missing {
		if m.oldest && r.rules.For(m.Stream).Delivery != streamgauge.DeliverLatest {
			r.index.Evict(m.Stream, m.Seq)
			continue
		}
		r.logger.Error("event in log is missing", "stream", m.Stream, "seq", m.Seq)
		r.index.Lose(m.Stream, m.Seq)
	}
}

// missed is a place where nothing is.
type missed struct {
	Place
	oldest bool // nothing older of the stream was found either
}

// readPage returns the page, or the places of it where nothing is.
func (r *Replica) readPage(ctx context.Context, q streamgauge.Query) (page streamgauge.Page, missing []missed, err error) {
	var (
		entries []streamgauge.Entry[Place]
		recent  *streamgauge.Recent
	)
	err = r.locked(ctx, func() (err error) {
		page, entries, err = r.index.Read(q, r.now())
		recent = r.recent
		return err
	})
	if err != nil {
		return page, nil, err
	}
	page.Events = make([]streamgauge.Event, len(entries))
	var far []Place // what is not recent
	for i := range entries {
		var ok bool
		if page.Events[i], ok = recent.Find(entries[i].Seq); !ok {
			far = append(far, entries[i].Loc)
		}
	}
	if len(far) == 0 {
		return page, nil, nil
	}
	found, err := r.source.Fetch(ctx, far)
	if err != nil {
		if ctx.Err() != nil {
			return page, nil, context.Cause(ctx)
		}
		return page, nil, fmt.Errorf("%w: read the log: %w", streamgauge.ErrUnavailable, err)
	}
	younger := make(map[string]bool) // streams of which something was found
	for i := range entries {
		at := &entries[i].Loc
		if page.Events[i].Stream != "" {
			continue
		}
		e, ok := found[at.Seq]
		if !ok {
			missing = append(missing, missed{*at, !younger[at.Stream]})
			continue
		}
		younger[at.Stream] = true
		e.Stream = at.Stream
		e.ID = streamgauge.Position{Epoch: page.Head.Epoch, Seq: at.Seq}
		e.Appended = time.UnixMilli(at.Appended).UTC()
		if e.Time.IsZero() {
			e.Time = e.Appended
		}
		page.Events[i] = e
	}
	return page, missing, nil
}

// Closed returns [streamgauge.ErrClosed] if the replica is closed, or the cause if the
// context has ended.
func (r *Replica) Closed(ctx context.Context) error {
	return r.locked(ctx, func() error { return nil })
}

// locked calls f under the lock if the context has not ended and the replica is not closed.
func (r *Replica) locked(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return streamgauge.ErrClosed
	}
	return f()
}

// Close ends all tails. It reports whether the replica was open.
func (r *Replica) Close() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.closed = true
	r.recent.Close()
	return true
}
