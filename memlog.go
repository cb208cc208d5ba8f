package streamgauge

import (
	"context"
	"sync"
	"time"
)

// MemoryLog is a [Log] in this process's memory. Its level is [LevelMemory].
// What it takes is bounded by the rules' Keep, but for the number of streams.
type MemoryLog struct {
	// Now is the wall clock. Tests may set it before the log is used.
	Now func() time.Time

	recent *Recent

	mu     sync.Mutex
	index  *Index[Event] // guarded by mu, as are the following
	keys   Keys
	closed bool
}

var _ Log = (*MemoryLog)(nil)

// NewMemoryLog returns an empty log of a new epoch.
func NewMemoryLog(rules Rules) *MemoryLog {
	index := NewIndex(NewEpoch(), rules, func(Event) {})
	return &MemoryLog{Now: time.Now, index: index, recent: NewRecent(index.Head())}
}

// Append implements [Log].
func (l *MemoryLog) Append(ctx context.Context, batch Batch) (Receipt, error) {
	if ctx.Err() != nil {
		return Receipt{}, context.Cause(ctx)
	}
	if err := batch.Validate(); err != nil {
		return Receipt{}, err
	}
	events := CloneEvents(make([]Event, 0, len(batch.Events)), batch.Events)
	use := KeyUse{Key: batch.Key, Count: len(events)}
	if batch.Key != "" {
		use.Fingerprint = batch.Fingerprint()
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Receipt{}, ErrClosed
	}
	wall := l.Now()
	now := l.index.Clock(wall)
	first, duplicate, err := l.keys.Find(use.Key, use.Fingerprint, now)
	if err != nil {
		return Receipt{}, err
	}
	if duplicate {
		return l.receipt(first, true), nil
	}
	l.index.Stamp(events, wall)
	for i := range events {
		e := &events[i]
		l.index.Add(Entry[Event]{
			Stream: e.Stream, Seq: e.ID.Seq, Appended: now.UnixMilli(), Key: e.Key, Size: len(e.Data), Loc: *e,
		})
	}
	l.recent.Add(events)
	use.Last, use.Appended = l.index.Head().Seq, now.UnixMilli()
	if use.Key != "" {
		l.keys.Add(use)
	}
	return l.receipt(use, false), nil
}

func (l *MemoryLog) receipt(use KeyUse, duplicate bool) Receipt {
	p := Position{l.index.Head().Epoch, use.Last}
	return Receipt{Position: p, Count: use.Count, Level: LevelMemory, Duplicate: duplicate}
}

// Head implements [Log].
func (l *MemoryLog) Head(ctx context.Context) (head Position, err error) {
	err = l.locked(ctx, func() error { head = l.index.Head(); return nil })
	return head, err
}

// Read implements [Log].
func (l *MemoryLog) Read(ctx context.Context, q Query) (page Page, err error) {
	err = l.locked(ctx, func() error {
		var entries []Entry[Event]
		if page, entries, err = l.index.Read(q, l.Now()); err != nil {
			return err
		}
		page.Events = make([]Event, len(entries))
		for i := range entries {
			page.Events[i] = entries[i].Loc
		}
		return nil
	})
	return page, err
}

// Tail implements [Log].
func (l *MemoryLog) Tail(ctx context.Context, after Position, deliver func([]Event) error) error {
	return l.recent.Tail(ctx, after, deliver, l.Read)
}

// Streams implements [Log].
func (l *MemoryLog) Streams(ctx context.Context) (all []StreamInfo, err error) {
	err = l.locked(ctx, func() error { all = l.index.Streams(l.Now()); return nil })
	return all, err
}

// Forget implements [Log].
func (l *MemoryLog) Forget(ctx context.Context, stream string) error {
	return l.locked(ctx, func() error { l.index.Forget(stream); return nil })
}

// Close implements [Log].
func (l *MemoryLog) Close() error {
	l.recent.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.keys = Keys{}
	l.index = NewIndex(l.index.epoch, nil, func(Event) {}) // let go of the events
	return nil
}

// locked calls f under the lock if the context has not ended and the log is not
// closed.
func (l *MemoryLog) locked(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return f()
}
