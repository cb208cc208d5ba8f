package streamgauge

import (
	"sync"
	"sync/atomic"
	"time"
)

// A wheel is the one timer of all subscribers. A subscriber is visited when
// something could be due, found by its own times, and not each time that it
// writes; writing therefore costs no timer operation.
type wheel struct {
	tick      time.Duration
	heartbeat time.Duration
	timeout   time.Duration // of a write
	clock     atomic.Int64  // nanoseconds since the start, coarse, never 0
	start     time.Time

	onTimeout func() // counts

	mu    sync.Mutex // protects following
	slots [256][]*Subscriber
	spare []*Subscriber // a slot's memory for the next turn
	turn  int           // index of the slot that is visited next
	at    int64         // the clock at the last turn, in whole ticks
}

func newWheel(heartbeat, timeout time.Duration, onTimeout func()) *wheel {
	tick := max(min(50*time.Millisecond, heartbeat/4, timeout/4), time.Millisecond)
	w := &wheel{tick: tick, heartbeat: heartbeat, timeout: timeout, start: time.Now(), onTimeout: onTimeout}
	w.clock.Store(1)
	return w
}

// now returns the wheel's clock in nanoseconds. It is never 0.
func (w *wheel) now() int64 { return w.clock.Load() }

// add begins to visit the subscriber, which ends at that age for that reason. An age of 0
// is no limit.
func (w *wheel) add(s *Subscriber, age time.Duration, reason byeReason) {
	now := w.now()
	s.timing.written.Store(now)
	if age > 0 {
		s.timing.expires, s.timing.end = now+int64(age), reason
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.schedule(s, now)
}

// remove stops visiting the subscriber. No visit is under way when it returns.
func (w *wheel) remove(s *Subscriber) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := w.slots[s.timing.slot]
	last := len(slot) - 1
	slot[s.timing.index] = slot[last]
	slot[s.timing.index].timing.index = s.timing.index
	slot[last] = nil
	w.slots[s.timing.slot] = slot[:last]
}

// each calls visit for every subscriber. None leaves meanwhile.
func (w *wheel) each(visit func(*Subscriber)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, slot := range w.slots {
		for _, s := range slot {
			visit(s)
		}
	}
}

// turnTo moves the clock and visits those whose turn has come.
func (w *wheel) turnTo(now time.Time) {
	elapsed := max(int64(now.Sub(w.start)), 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	// After a pause of the whole process everyone's turn has come once.
	turns := (elapsed - w.at) / int64(w.tick)
	w.at += turns * int64(w.tick)
	w.clock.Store(elapsed)
	for range min(turns, int64(len(w.slots))) {
		due := w.slots[w.turn]
		w.slots[w.turn] = w.spare[:0]
		w.turn = (w.turn + 1) % len(w.slots)
		for _, s := range due {
			w.visit(s, elapsed)
			w.schedule(s, elapsed)
		}
		clear(due)
		w.spare = due
	}
}

func (w *wheel) visit(s *Subscriber, now int64) {
	t := &s.timing
	if since := t.writing.Load(); since != 0 {
		if now-since >= int64(w.timeout) && !t.aborted {
			t.aborted = true
			w.onTimeout()
			s.abort()
		}
		return
	}
	if t.expires != 0 && now >= t.expires {
		s.sayBye(t.end)
		return
	}
	if now-t.written.Load() >= int64(w.heartbeat) && !t.beat.Swap(true) {
		s.wake()
	}
}

// schedule puts the subscriber where it is visited when the first thing could
// be due. A write that blocks from now on must be noticed in good time, so
// nobody is out of sight for longer than half a write timeout.
func (w *wheel) schedule(s *Subscriber, now int64) {
	t := &s.timing
	due := min(t.written.Load()+int64(w.heartbeat), now+int64(w.timeout)/2)
	if since := t.writing.Load(); since != 0 && !t.aborted {
		due = min(due, since+int64(w.timeout))
	}
	if t.expires != 0 {
		due = min(due, t.expires)
	}
	turns := min(max((due-now)/int64(w.tick), 1), int64(len(w.slots)-1))
	t.slot = (w.turn + int(turns)) % len(w.slots)
	t.index = len(w.slots[t.slot])
	w.slots[t.slot] = append(w.slots[t.slot], s)
}

func (s *Subscriber) sayBye(reason byeReason) {
	if s.timing.bye.CompareAndSwap(nil, &reason) {
		s.wake()
	}
}
