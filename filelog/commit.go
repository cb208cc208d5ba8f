package filelog

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
)

// A request is what one caller wants written: a batch, a forget or a hole.
type request struct {
	events []streamgauge.Event
	use    streamgauge.KeyUse
	forget string
	hole   *streamgauge.Entry[loc] // an event that turned out to be damaged

	receipt  streamgauge.Receipt
	err      error
	answered bool // there is nothing to write
	done     bool
	turn     chan struct{} // capacity 1: done, or else the caller must lead
}

var requests = sync.Pool{New: func() any { return &request{turn: make(chan struct{}, 1)} }}

func release(r *request) {
	*r = request{turn: r.turn}
	requests.Put(r)
}

const groupBytes = 4 << 20 // a leader takes no more than this for others

// Append implements [streamgauge.Log].
func (l *Log) Append(ctx context.Context, batch streamgauge.Batch) (streamgauge.Receipt, error) {
	if ctx.Err() != nil {
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
	if err := batch.Validate(); err != nil {
		return streamgauge.Receipt{}, err
	}
	r := requests.Get().(*request)
	defer release(r)
	r.events = batch.Events
	if n := r.bytes(); n > maxSegmentBytes {
		return streamgauge.Receipt{}, fmt.Errorf("%w: a batch of %d bytes is more than a log file holds", streamgauge.ErrInvalid, n)
	}
	r.use = streamgauge.KeyUse{Key: batch.Key, Count: len(batch.Events)}
	if batch.Key != "" {
		r.use.Fingerprint = batch.Fingerprint()
	}
	err := l.submit(ctx, r)
	return r.receipt, err
}

// Forget implements [streamgauge.Log]. It survives what an append at the log's
// level survives.
func (l *Log) Forget(ctx context.Context, stream string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if streamgauge.CheckStream(stream) != nil {
		return nil // it can't exist
	}
	r := requests.Get().(*request)
	defer release(r)
	r.forget = stream
	return l.submit(ctx, r)
}

// submit has the request committed. The caller whose request finds no commit
// under way leads one: it writes for everyone who came meanwhile, then hands
// over to the first of those who came during that. So there is no goroutine
// between an append and its write, and those that pile up share one.
func (l *Log) submit(ctx context.Context, r *request) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return streamgauge.ErrClosed
	}
	l.queue = append(l.queue, r)
	if !l.leading {
		l.leading = true
		if l.letOthers() {
			l.mu.Unlock()
			runtime.Gosched()
			l.mu.Lock()
		}
		l.lead() // unlocks
		return r.err
	}
	l.mu.Unlock()
	select {
	case <-r.turn:
	case <-ctx.Done():
		l.mu.Lock()
		if i := slices.Index(l.queue, r); i > 0 { // the first has been made leader
			l.queue = slices.Delete(l.queue, i, i+1)
			l.mu.Unlock()
			return context.Cause(ctx)
		}
		l.mu.Unlock()
		<-r.turn // a leader is at it: its caller's slices are in use
	}
	if !r.done {
		l.mu.Lock()
		l.lead()
	}
	return r.err
}

// letOthers reports whether a leader should let other goroutines run before it
// writes. Those that are about to append then share its write, which costs more
// than everything else here. Where nobody was about to, it is tried again only
// now and then.
func (l *Log) letOthers() bool {
	l.commits++
	return l.shared || l.commits%64 == 0
}

// lead commits what is queued, with the caller's request in front. It is called
// with the mutex held and returns without it.
func (l *Log) lead() {
	own := l.queue[0]
	group := l.takeGroup()
	l.shared = len(group) > 1
	l.commit(group)
	for _, r := range group {
		if r.done = true; r != own {
			r.turn <- struct{}{} // from here on it may be another's request
		}
	}
	if len(l.queue) > 0 {
		l.queue[0].turn <- struct{}{}
	} else {
		l.leading = false
		l.idle.Broadcast()
	}
	l.mu.Unlock()
}

// takeGroup takes requests from the queue: as many as may be written together.
// Of two with the same key the later must wait to learn what became of the first.
func (l *Log) takeGroup() []*request {
	total, n := 0, 0
	for _, r := range l.queue {
		if total += r.bytes(); n > 0 && (total > groupBytes || r.use.Key != "" && hasKey(l.queue[:n], r.use.Key)) {
			break
		}
		n++
	}
	group := append(l.group[:0], l.queue[:n]...)
	l.group = group
	l.queue = slices.Delete(l.queue, 0, n)
	return group
}

func hasKey(group []*request, key string) bool {
	return slices.ContainsFunc(group, func(r *request) bool { return r.use.Key == key })
}

func (r *request) bytes() (n int) {
	for i := range r.events {
		e := &r.events[i]
		n += len(e.Data) + len(e.Stream) + len(e.Type) + len(e.Key) + 64
	}
	return n
}

// commit writes the group and makes it visible. It is called with the mutex
// held, which it releases while it writes.
func (l *Log) commit(group []*request) {
	wall := l.now()
	count := l.resolve(group, wall)
	if count < 0 {
		return
	}
	l.mu.Unlock()
	events := make([]streamgauge.Event, 0, count)
	for _, r := range group {
		if !r.answered {
			events = streamgauge.CloneEvents(events, r.events)
		}
	}
	l.mu.Lock()
	l.index.Stamp(events, wall)
	l.mu.Unlock()

	err := l.ready()
	if err == nil {
		l.encode(group, events)
		err = l.store()
	}
	l.report(err)
	if err != nil && l.active != nil && l.active.broken {
		// What was refused may still be in the file. The next segment says that
		// it does not count; if it can't be made now, the next append tries.
		_ = l.ready()
	}

	l.mu.Lock()
	if err == nil {
		l.publish(group, events)
	} else {
		for _, r := range group {
			if !r.answered {
				r.err = fmt.Errorf("%w: %w", streamgauge.ErrUnavailable, err)
			}
		}
	}
	if cap(l.buf) > keepBuf {
		l.buf, l.sizes = nil, nil
	}
}

// report logs the first failure and the first success after it, and no more: the
// server's own log may come back here as events.
func (l *Log) report(err error) {
	switch failing := err != nil; {
	case failing && !l.failing:
		l.logger.Error("write to log failed, appends are refused until one succeeds", "error", err)
	case !failing && l.failing:
		l.logger.Info("write to log succeeds again")
	}
	l.failing = err != nil
}

// resolve answers what needs no writing, and returns how many events are to be
// written, or -1 if there is nothing to do.
func (l *Log) resolve(group []*request, wall time.Time) int {
	count, writes := 0, false
	now := l.index.Clock(wall)
	for _, r := range group {
		use, duplicate, err := l.keys.Find(r.use.Key, r.use.Fingerprint, now)
		switch {
		case duplicate:
			r.receipt = l.receipt(use, true)
		case err == nil && (r.forget == "" || l.index.Has(r.forget)):
			writes = true
			count += len(r.events)
			continue
		}
		r.err, r.answered = err, true
	}
	if !writes {
		return -1
	}
	return count
}

func (l *Log) receipt(use streamgauge.KeyUse, duplicate bool) streamgauge.Receipt {
	p := streamgauge.Position{Epoch: l.epoch, Seq: use.Last}
	return streamgauge.Receipt{Position: p, Count: use.Count, Level: l.level, Duplicate: duplicate}
}

// encode puts the group's records into buf and their sizes into sizes.
func (l *Log) encode(group []*request, events []streamgauge.Event) {
	l.buf, l.sizes = l.buf[:0], l.sizes[:0]
	seed := l.active.seed()
	mark := 0
	size := func() {
		l.sizes = append(l.sizes, uint32(len(l.buf)-mark))
		mark = len(l.buf)
	}
	next := 0
	for _, r := range group {
		if r.answered {
			continue
		}
		batch := events[next : next+len(r.events)]
		next += len(batch)
		for i := range batch {
			l.buf = appendEvent(l.buf, seed, &batch[i], r.use.Key == "" && i == len(batch)-1)
			size()
		}
		switch {
		case r.forget != "":
			l.buf = appendForget(l.buf, seed, r.forget)
			size()
		case r.hole != nil:
			l.buf = appendHole(l.buf, seed, hole{r.hole.Stream, r.hole.Seq - 1, r.hole.Seq})
			size()
		case r.use.Key != "":
			last := &batch[len(batch)-1]
			r.use.Last, r.use.Appended = last.ID.Seq, last.Appended.UnixMilli()
			l.buf = appendKey(l.buf, seed, r.use)
			size()
		}
	}
}

// publish makes visible what store has stored at the segment's end.
func (l *Log) publish(group []*request, events []streamgauge.Event) {
	s := l.active
	off, rest, records, next := s.size, l.buf, l.sizes, 0
	take := func() (loc, []byte) {
		at, raw := loc{s.first, uint32(off), records[0]}, rest[:records[0]]
		off, rest, records = off+int64(records[0]), rest[records[0]:], records[1:]
		return at, raw
	}
	if s.size += int64(len(l.buf)); l.level != streamgauge.LevelMemory {
		s.written = s.size
	}
	for _, r := range group {
		if r.answered {
			continue
		}
		for range r.events {
			at, _ := take()
			l.add(s, entry(&events[next], at))
			next++
		}
		if r.forget != "" || r.hole != nil || r.use.Key != "" {
			_, raw := take()
			l.addOther(s, raw)
		}
		switch {
		case r.forget != "":
			l.forget(s, r.forget)
		case r.hole != nil:
			l.lose(s, hole{r.hole.Stream, r.hole.Seq - 1, r.hole.Seq})
		case r.use.Key != "":
			l.keys.Add(r.use)
		}
		r.use.Last = l.index.Head().Seq
		r.receipt = l.receipt(r.use, false)
	}
	l.recent.Add(events)
}

func entry(e *streamgauge.Event, at loc) streamgauge.Entry[loc] {
	return streamgauge.Entry[loc]{
		Stream: e.Stream, Seq: e.ID.Seq, Appended: e.Appended.UnixMilli(), Key: e.Key, Size: len(e.Data), Loc: at,
	}
}

// add makes an event of the segment known.
func (l *Log) add(s *segment, e streamgauge.Entry[loc]) {
	s.live += int64(e.Loc.size) // before Add, which may trim it at once
	s.index.addEvent(e)
	l.index.Add(e)
}

// forget applies a kindForget record of the segment.
func (l *Log) forget(s *segment, stream string) {
	s.marks = append(s.marks, mark{at: l.index.Head().Seq, forget: stream})
	l.index.Forget(stream)
}

// lose applies a kindHole record of the segment.
func (l *Log) lose(s *segment, h hole) {
	s.marks = append(s.marks, mark{at: l.index.Head().Seq, hole: h})
	if h.stream != "" {
		l.index.Lose(h.stream, h.through)
	}
	l.index.AddHole(h.from, h.through)
}

// addOther makes another record of the segment known to its sidecar.
func (l *Log) addOther(s *segment, raw []byte) {
	s.fixed += int64(len(raw))
	s.index.addOther(raw)
}
