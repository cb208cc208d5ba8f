package streamgauge

import (
	"context"
	"sort"
	"sync"
)

// Recent is the newest events of a log, from which its tails are served without
// reading the log: for engines that keep it in this process. Its methods may be
// called from any number of goroutines at once.
type Recent struct {
	mu      sync.Mutex
	batches deque[[]Event] // rising, none empty
	events  int
	bytes   int
	base    uint64 // every event after base is in batches
	head    Position
	changed sync.Cond // on mu: there is something new, or a tail's context has ended
	closed  bool
}

const (
	recentEvents = 1 << 15
	recentBytes  = 8 << 20
	tailEvents   = 256 // so many events of small batches are delivered together
)

// NewRecent returns a Recent for a log whose head this is.
func NewRecent(head Position) *Recent {
	r := &Recent{head: head, base: head.Seq}
	r.changed.L = &r.mu
	return r
}

// Add makes the events, which follow the head and must not change any more,
// visible to tails and wakes them. It drops the oldest that are too many.
func (r *Recent) Add(events []Event) {
	if len(events) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches.push(events)
	r.head = events[len(events)-1].ID
	r.events += len(events)
	r.bytes += dataSize(events)
	for r.batches.len() > 1 && (r.events > recentEvents || r.bytes > recentBytes) {
		oldest := r.batches.pop()
		r.base = oldest[len(oldest)-1].ID.Seq
		r.events -= len(oldest)
		r.bytes -= dataSize(oldest)
	}
	r.changed.Broadcast()
}

// Find returns the event with the sequence number if it is among them. It must not be
// changed.
func (r *Recent) Find(seq uint64) (Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq <= r.base || seq > r.head.Seq {
		return Event{}, false
	}
	batches := r.batches.all()
	i := sort.Search(len(batches), func(i int) bool { b := batches[i]; return b[len(b)-1].ID.Seq >= seq })
	if i == len(batches) {
		return Event{}, false
	}
	j := sort.Search(len(batches[i]), func(j int) bool { return batches[i][j].ID.Seq >= seq })
	if batches[i][j].ID.Seq != seq {
		return Event{}, false
	}
	return batches[i][j], true
}

// Close ends every tail with [ErrClosed]. Closing twice is fine.
func (r *Recent) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.changed.Broadcast()
}

// Tail does what [Log.Tail] says. It calls read for what is further back than
// what it holds.
func (r *Recent) Tail(ctx context.Context, after Position, deliver func([]Event) error,
	read func(context.Context, Query) (Page, error)) error {
	var scratch []Event
	if after.IsZero() {
		r.mu.Lock()
		after.Epoch = r.head.Epoch
		r.mu.Unlock()
	}
	if _, err := read(ctx, Query{After: after, Limit: 1}); err != nil {
		return err // not a position of this log, or the log is closed
	}
	stop := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
	defer stop()
	for {
		events, err := r.next(ctx, after.Seq, &scratch)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			if err := deliver(events); err != nil {
				return err
			}
			after = events[len(events)-1].ID
			continue
		}
		page, err := read(ctx, Query{Select: Selection{">"}, After: after})
		if err != nil {
			return err
		}
		if len(page.Gaps) > 0 {
			return ErrTrimmed
		}
		if len(page.Events) > 0 {
			if err := deliver(page.Events); err != nil {
				return err
			}
		}
		after = page.Next
	}
}

// next waits until there are events after the position, and returns them; it
// returns none when they are further back. It may put the events in scratch.
func (r *Recent) next(ctx context.Context, after uint64, scratch *[]Event) ([]Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for after >= r.head.Seq && !r.closed && ctx.Err() == nil {
		r.changed.Wait()
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case r.closed:
		return nil, ErrClosed
	case after < r.base:
		return nil, nil
	}
	batches := r.batches.all()
	lo, hi := 0, len(batches)-1
	for lo < hi { // the first batch that ends after the position
		mid := (lo + hi) / 2
		if b := batches[mid]; b[len(b)-1].ID.Seq <= after {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	first := batches[lo]
	for first[0].ID.Seq <= after {
		first = first[1:]
	}
	if len(first) >= tailEvents || lo == len(batches)-1 {
		return first, nil
	}
	together := append((*scratch)[:0], first...)
	for _, b := range batches[lo+1:] {
		if len(together)+len(b) > tailEvents {
			break
		}
		together = append(together, b...)
	}
	*scratch = together
	return together, nil
}

func dataSize(events []Event) (n int) {
	for i := range events {
		n += len(events[i].Data)
	}
	return n
}

// CloneEvents appends copies of the events to dst, with copies of their data.
// Small data share memory, but never so much that one event that is kept for
// long would hold on to many.
func CloneEvents(dst, events []Event) []Event {
	const slabBytes = 4096
	var slab []byte
	left := dataSize(events)
	for _, e := range events {
		if n := len(e.Data); n > cap(slab)-len(slab) {
			slab = make([]byte, 0, max(n, min(left, slabBytes)))
		}
		left -= len(e.Data)
		start := len(slab)
		slab = append(slab, e.Data...)
		e.Data = slab[start:len(slab):len(slab)]
		dst = append(dst, e)
	}
	return dst
}
