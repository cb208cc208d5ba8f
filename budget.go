package streamgauge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// scanEvents is how many events are read at a time for what is not written to a
// subscriber as it is read.
const scanEvents = 512

// read reads a page of the log out of the replay budget, for which it waits.
func (h *Hub) read(ctx context.Context, q Query) (Page, error) {
	if err := h.replay.wait(ctx); err != nil {
		return Page{}, err
	}
	page, err := h.log.Read(ctx, q)
	h.replay.spend(dataSize(page.Events))
	return page, err
}

// replayBudget bounds what is read from the log for all subscribers and pages
// together, so that replay can't take the bandwidth from live delivery.
type replayBudget struct {
	perSecond int64
	left      atomic.Int64

	mu       sync.Mutex // protects following
	waiting  map[*Subscriber]struct{}
	refilled chan struct{} // closed when there is something left again; nil if nobody waits
}

// admit reports whether there is something left. If not, the subscriber is
// woken when there is.
func (b *replayBudget) admit(s *Subscriber) bool {
	if b.left.Load() > 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = make(map[*Subscriber]struct{})
	}
	b.waiting[s] = struct{}{}
	return false
}

// wait waits until there is something left. How much a read will take is known
// only after it: then the next ones wait for longer.
func (b *replayBudget) wait(ctx context.Context) error {
	for b.left.Load() <= 0 {
		b.mu.Lock()
		if b.refilled == nil {
			b.refilled = make(chan struct{})
		}
		refilled := b.refilled
		b.mu.Unlock()
		select {
		case <-refilled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (b *replayBudget) spend(n int) { b.left.Add(-int64(n)) }

func (b *replayBudget) refill(elapsed time.Duration) {
	left := b.left.Add(int64(float64(b.perSecond) * elapsed.Seconds()))
	if over := left - b.perSecond; over > 0 {
		b.left.Add(-over)
	}
	if left <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.waiting {
		s.wake()
	}
	clear(b.waiting)
	if b.refilled != nil {
		close(b.refilled)
		b.refilled = nil
	}
}

func (b *replayBudget) leave(s *Subscriber) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, s)
}
