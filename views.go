package streamgauge

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// views is the folds of a hub: one for each view that somebody watches.
type views struct {
	hub *Hub

	mu    sync.Mutex // protects following; taken before a fold's mutex
	folds map[string]*fold
	start func(*fold) // runs a fold; nil unless the hub runs
	idle  []*fold     // those that want to know that the head has moved

	count    atomic.Int64  // of folds
	catching chan struct{} // holds one for each fold that catches up now
}

func (vs *views) init(h *Hub) {
	vs.hub, vs.folds = h, make(map[string]*fold)
	vs.catching = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
}

// catchUp waits until the fold may read history, of which as many do at a time as
// take half of the cores: first come, first served. It returns false if it is not
// to read any more: nobody waits for it.
func (vs *views) catchUp(ctx context.Context, f *fold) bool {
	for {
		select {
		case vs.catching <- struct{}{}: // those who wait to send have a queue
			if vs.retire(f, time.Now()) || ctx.Err() != nil {
				vs.caughtUp()
				return false
			}
			return true
		case <-f.moved:
			if vs.retire(f, time.Now()) {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
}

// caughtUp lets the next fold catch up.
func (vs *views) caughtUp() { <-vs.catching }

// What all views of a hub share, however many there are.
const (
	allViewRows    = 1 << 20
	allViewBuckets = 32 << 20
	crowdPerCore   = 5 // views that may take a tenth of a core each
)

// share returns how many rows and buckets each view may have now: see
// maxViewRows and maxViewBuckets.
func (vs *views) share() (rows, buckets int) {
	n := int(max(vs.count.Load(), 1))
	return min(allViewRows/n, maxViewRows), min(allViewBuckets/n, maxViewBuckets)
}

// crowd is how many times longer each view has to pause for all of them together
// to leave half of the cores to the others.
func (vs *views) crowd() time.Duration {
	return time.Duration(1 + vs.count.Load()/int64(crowdPerCore*runtime.GOMAXPROCS(0)))
}

// run starts the folds, those that there are and those that come, and returns
// what ends and waits for them.
func (vs *views) run(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.start = func(f *fold) { running.Go(func() { f.run(ctx) }) }
	for _, f := range vs.folds {
		vs.start(f)
	}
	return func() {
		cancel()
		vs.mu.Lock()
		vs.start = nil
		vs.mu.Unlock()
		running.Wait()
	}
}

// await has the fold told once that the head has moved.
func (vs *views) await(f *fold) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if !f.awaits {
		f.awaits = true
		vs.idle = append(vs.idle, f)
	}
}

// moved tells those who wait for it that the head has moved.
func (vs *views) moved() {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for i, f := range vs.idle {
		f.nudge()
		f.awaits, vs.idle[i] = false, nil
	}
	vs.idle = vs.idle[:0]
}

// retire ends a fold that nobody has watched for a while, or at all if it has read
// nothing yet. It reports whether it has.
func (vs *views) retire(f *fold, now time.Time) bool {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.feeds) > 0 || !f.at.IsZero() && now.Before(f.left.Add(foldLinger)) {
		return false
	}
	if vs.folds[f.text] == f {
		delete(vs.folds, f.text)
	}
	vs.count.Store(int64(len(vs.folds)))
	if f.awaits { // nothing may ever move it
		vs.idle = slices.DeleteFunc(vs.idle, func(other *fold) bool { return other == f })
	}
	return true
}

// reset gives all folds up, as the log was replaced: they end when they read next.
func (vs *views) reset() {
	vs.mu.Lock()
	clear(vs.folds)
	vs.count.Store(0)
	vs.mu.Unlock()
	vs.moved()
}

// watch gives the cursor what it needs of the view, whose fold is made if nobody
// watches it yet.
func (vs *views) watch(c *viewCursor, v namedView, key viewFeedKey, by client) error {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	f := vs.folds[v.text]
	if f == nil {
		limit := vs.hub.opts.Limits.Views
		switch {
		case len(vs.folds) >= limit:
			return fmt.Errorf("%w: %d different views are watched already (limits.views)", ErrOverload, limit)
		case by != (client{}) && vs.made(by) >= half(limit):
			return fmt.Errorf("%w: you alone watch half of the different views that all may (limits.views)", ErrOverload)
		}
		f = newFold(vs, v)
		f.maker = by
		vs.folds[v.text] = f
		vs.count.Store(int64(len(vs.folds)))
		if vs.start != nil {
			vs.start(f)
		}
	}
	f.watch(c, key)
	return nil
}

// made returns how many folds the client was the first to watch.
func (vs *views) made(by client) (n int) {
	for _, f := range vs.folds {
		if f.maker == by {
			n++
		}
	}
	return n
}

// stats returns how many folds and rows there are, and up to where all folds
// have read, at most delivered.
func (vs *views) stats(delivered uint64) (folds, rows int, folded uint64) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	folded = delivered
	for _, f := range vs.folds {
		f.mu.Lock()
		rows += f.table.rows
		folded = min(folded, f.table.folded)
		f.mu.Unlock()
	}
	return len(vs.folds), rows, folded
}
