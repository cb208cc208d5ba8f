package streamgauge

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Filter is a compiled condition on events. Match may be called from several
// goroutines at once and must not keep or change the event.
type Filter interface {
	Match(e *Event) bool
}

// feedKey is what subscribers must agree on to share a feed.
type feedKey struct {
	selection string // the selectors, sorted, joined by blanks
	guard     string // what may be seen of it
	filter    string // source text
	encoding  Encoding
	delivery  Delivery      // "" leaves it to each stream's rule
	interval  time.Duration // between flushes; 0 is at once
}

// A feed is what all subscribers with the same wishes see, built once for all
// of them: selected, filtered, encoded, and kept in a ring of frames for as
// long as the ring's budget allows. Whoever is further behind reads the log.
type feed struct {
	key      feedKey
	names    []string      // selected, sorted
	patterns Selection     // of others that are selected
	filter   Filter        // nil matches everything
	want     *Subscription // of those who follow it
	budget   *atomic.Int64 // bytes that the ring may have

	// The hub's mutex protects these.
	subscribers int
	maker       client // who was the first to want it, while they follow it
	makers      int    // subscribers that are theirs
	touched     bool   // it is locked for the events under way

	mu     sync.Mutex // protects following
	floor  uint64     // everything selected beyond it is in the ring
	first  *chunk     // the oldest
	last   *chunk     // the one that is written; nil in an empty ring
	shown  *chunk     // the oldest that has frames not shown yet, if any
	size   int        // bytes in the ring
	keys   map[string]*newest
	parked []*Subscriber // those who have been told that there is nothing
	due    time.Time     // of the next flush, if frames wait for it
}

// A chunk is a piece of the ring: encoded frames one after the other in a
// buffer that is only ever appended to, so that what was shown of it can be
// written to sockets without a lock or a copy.
type chunk struct {
	buf     []byte
	frames  []frame
	shown   int    // frames that subscribers may see
	stale   int    // frames that are superseded
	dropped bool   // the ring's budget is spent: go to the log
	next    *chunk // nil in the last
}

// A frame is one encoded event.
type frame struct {
	seq        uint64
	end        uint32  // offset in the buffer
	superseded bool    // a newer event of the same key is shown
	newest     *newest // the key's entry; nil where nothing is conflated
}

// newest finds the frames that a new event of the same key supersedes. A shown
// frame is only superseded once the newer one is shown too, or a subscriber
// could find each one superseded by one that it must not see yet.
type newest struct {
	key            string
	pending, shown frameRef
}

type frameRef struct {
	chunk *chunk
	index int
}

func (r frameRef) supersede() {
	if r.chunk != nil {
		r.chunk.frames[r.index].superseded = true
		r.chunk.stale++
	}
}

// newestBytes is about what an entry takes beside its key.
const newestBytes = 160

const (
	minChunk = 4 << 10
	maxChunk = 64 << 10
)

func newFeed(key feedKey, want *Subscription, filter Filter, floor uint64, budget *atomic.Int64) *feed {
	f := &feed{key: key, want: want, filter: filter, floor: floor, budget: budget}
	f.names, f.patterns = want.Select.split()
	return f
}

func (f *feed) selects(stream string) bool {
	_, named := slices.BinarySearch(f.names, stream)
	return named || f.patterns.Matches(stream)
}

// push appends an encoded event, to be conflated under the name unless that is
// empty. The next call to show shows it.
func (f *feed) push(seq uint64, conflate, encoded []byte) {
	c := f.last
	if c == nil || len(c.buf)+len(encoded) > cap(c.buf) {
		c = f.grow(len(encoded))
	}
	c.buf = append(c.buf, encoded...)
	fr := frame{seq: seq, end: uint32(len(c.buf))}
	if len(conflate) > 0 {
		n := f.keys[string(conflate)]
		if n == nil {
			if f.keys == nil {
				f.keys = make(map[string]*newest)
			}
			n = &newest{key: string(conflate)}
			f.keys[n.key] = n
			f.size += newestBytes + len(n.key)
		}
		n.pending.supersede()
		n.pending = frameRef{c, len(c.frames)}
		fr.newest = n
	}
	c.frames = append(c.frames, fr)
	if f.shown == nil {
		f.shown = c
	}
}

func (f *feed) grow(need int) *chunk {
	budget := int(f.budget.Load())
	size := minChunk
	if f.last != nil {
		size = 2 * cap(f.last.buf)
	}
	size = min(size, maxChunk, budget/4) // giving one up must not empty the ring
	c := &chunk{buf: make([]byte, 0, max(size, need))}
	if f.last == nil {
		f.first = c
	} else {
		f.last.next = c
	}
	f.last = c
	f.size += cap(c.buf)
	for f.size > budget && f.first != c {
		f.drop()
	}
	return c
}

// drop gives the oldest chunk up. Whoever is in it goes on in the log.
func (f *feed) drop() {
	c := f.first
	for i, fr := range c.frames {
		if n := fr.newest; n != nil {
			n.forget(frameRef{c, i})
			if n.pending.chunk == nil && n.shown.chunk == nil {
				delete(f.keys, n.key)
				f.size -= newestBytes + len(n.key)
			}
		}
	}
	f.floor = c.frames[len(c.frames)-1].seq
	f.first = c.next
	f.size -= cap(c.buf)
	if f.shown == c {
		f.shown = c.next
	}
	// Cut the chain, or a subscriber that stands still here would keep every
	// later chunk in memory.
	c.dropped, c.next = true, nil
}

// clear empties the ring: whoever is not beyond seq goes on in the log.
func (f *feed) clear(seq uint64) {
	for f.first != nil {
		f.drop()
	}
	f.last, f.shown = nil, nil
	f.floor = max(f.floor, seq)
}

func (n *newest) forget(r frameRef) {
	if n.pending == r {
		n.pending = frameRef{}
	}
	if n.shown == r {
		n.shown = frameRef{}
	}
}

// show lets subscribers see what was pushed, and returns those to wake.
func (f *feed) show(wake []*Subscriber) []*Subscriber {
	for c := f.shown; c != nil; c = c.next {
		for i := c.shown; i < len(c.frames); i++ {
			fr := &c.frames[i]
			if fr.newest == nil || fr.superseded {
				continue
			}
			fr.newest.shown.supersede()
			fr.newest.shown, fr.newest.pending = frameRef{c, i}, frameRef{}
		}
		c.shown = len(c.frames)
	}
	f.shown = nil
	for _, s := range f.parked {
		s.parkedAt = -1
	}
	wake = append(wake, f.parked...)
	clear(f.parked)
	f.parked = f.parked[:0]
	return wake
}

// locate returns the place of the first shown frame beyond seq. It returns nil
// if there is none.
func (f *feed) locate(seq uint64) (*chunk, int) {
	for c := f.first; c != nil; c = c.next {
		if c.shown == 0 || c.frames[c.shown-1].seq <= seq {
			continue
		}
		i, found := slices.BinarySearchFunc(c.frames[:c.shown], seq, func(fr frame, seq uint64) int {
			switch {
			case fr.seq < seq:
				return -1
			case fr.seq > seq:
				return 1
			}
			return 0
		})
		if found {
			i++
		}
		return c, i
	}
	return nil, 0
}

// take returns the shown bytes of a chunk from frame i on, how many events they
// hold, and the last one's sequence number. What was superseded is left out
// unless scratch is nil; the bytes are gathered there.
func (c *chunk) take(i int, scratch *[]byte) (p []byte, events int, seq uint64) {
	start := uint32(0)
	if i > 0 {
		start = c.frames[i-1].end
	}
	frames := c.frames[i:c.shown]
	seq = frames[len(frames)-1].seq
	if scratch == nil {
		return c.buf[start:frames[len(frames)-1].end], len(frames), seq
	}
	p = (*scratch)[:0]
	for _, fr := range frames {
		if !fr.superseded {
			p = append(p, c.buf[start:fr.end]...)
			events++
		}
		start = fr.end
	}
	*scratch = p
	return p, events, seq
}

// park notes that the subscriber wants to be woken when more is shown.
func (f *feed) park(s *Subscriber) {
	if s.parkedAt < 0 {
		s.parkedAt = len(f.parked)
		f.parked = append(f.parked, s)
	}
}

// unpark forgets the subscriber. Without it the parked list of a quiet feed
// would grow with everyone who came and went.
func (f *feed) unpark(s *Subscriber) {
	i := s.parkedAt
	if i < 0 {
		return
	}
	last := len(f.parked) - 1
	f.parked[i] = f.parked[last]
	f.parked[i].parkedAt = i
	f.parked[last] = nil
	f.parked = f.parked[:last]
	s.parkedAt = -1
}

// delivery returns how the events of a stream with the rule are delivered to
// those who asked for an override, which may be empty.
func delivery(override, rule Delivery) Delivery {
	if override != "" {
		return override
	}
	return rule
}
