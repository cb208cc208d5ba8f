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

// read reads a page of the log out of the replay budget, for which it waits. The client is
// whose it is, or nobody.
func (h *Hub) read(ctx context.Context, who client, q Query) (Page, error) {
	if err := h.replay.wait(ctx, who); err != nil {
		return Page{}, err
	}
	page, err := h.log.Read(ctx, q)
	h.replay.spend(who, dataSize(page.Events))
	return page, err
}

// replayBudget bounds what is read from the log for all subscribers and pages
// together, so that replay can't take the bandwidth from live delivery; and what is read for
// one client, so that it can't take that of the others.
type replayBudget struct {
	perSecond int64
	perClient int64
	left      atomic.Int64

	mu       sync.Mutex       // protects following
	clients  map[client]int64 // what is left of those who have not all of it
	waiting  map[*Subscriber]struct{}
	refilled chan struct{} // closed when there is something left again; nil if nobody waits
}

// has reports whether there is something left for the client. The mutex is held.
func (b *replayBudget) has(who client) bool {
	left, spent := b.clients[who]
	return b.left.Load() > 0 && (!spent || left > 0)
}

// admit reports whether there is something left. If not, the subscriber is
// woken when there is.
func (b *replayBudget) admit(s *Subscriber) bool {
	if s.client == (client{}) && b.left.Load() > 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.has(s.client) {
		return true
	}
	if b.waiting == nil {
		b.waiting = make(map[*Subscriber]struct{})
	}
	b.waiting[s] = struct{}{}
	return false
}

// wait waits until there is something left. How much a read will take is known
// only after it: then the next ones wait for longer.
func (b *replayBudget) wait(ctx context.Context, who client) error {
	for {
		b.mu.Lock()
		if b.has(who) {
			b.mu.Unlock()
			return nil
		}
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
}

func (b *replayBudget) spend(who client, n int) {
	b.left.Add(-int64(n))
	if who == (client{}) || n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	left, spent := b.clients[who]
	if !spent {
		left = b.perClient
	}
	if b.clients == nil {
		b.clients = make(map[client]int64)
	}
	b.clients[who] = left - int64(n)
}

func (b *replayBudget) refill(elapsed time.Duration) {
	left := b.left.Add(int64(float64(b.perSecond) * elapsed.Seconds()))
	if over := left - b.perSecond; over > 0 {
		b.left.Add(-over)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	more := int64(float64(b.perClient) * elapsed.Seconds())
	for who, left := range b.clients {
		if left += more; left >= b.perClient {
			delete(b.clients, who)
		} else {
			b.clients[who] = left
		}
	}
	if left <= 0 {
		return
	}
	for s := range b.waiting {
		if b.has(s.client) {
			delete(b.waiting, s)
			s.wake()
		}
	}
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
