package streamgauge

import (
	"strings"
	"time"
)

// viewFeedKey is what those who watch a view must agree on to share a feed.
type viewFeedKey struct {
	label    string // what rows call their stream
	encoding Encoding
	interval time.Duration // between flushes; 0 is no limit
}

// A viewFeed is what those who watch a view in the same way see: each flush is
// encoded at most once for all of them. The fold's mutex protects it.
type viewFeed struct {
	fold        *fold
	key         viewFeedKey
	form        rowForm
	subscribers int

	shown    uint64 // the version that may be seen
	shownSeq uint64 // what was appended up to it is in that
	flush    viewFlush
	parked   []*viewCursor
	waiting  bool // one of them waits for the log to be read further
	due      time.Time
}

// A viewFlush is the rows that changed from one version to another, encoded as
// far as anybody has asked for them. What is encoded does not change any more.
type viewFlush struct {
	from, to uint64
	blocks   []viewBlock
	after    rowKey // encoded up to here
	all      bool
}

type viewBlock struct {
	bytes []byte
	rows  int
}

// show lets those who watch see the table, unless it is too soon, and returns
// whom to wake.
func (vf *viewFeed) show(now time.Time, wakes []*viewCursor) []*viewCursor {
	t := &vf.fold.table
	news := vf.shown < t.version && !now.Before(vf.due)
	if news {
		vf.flush = viewFlush{from: vf.shown, to: t.version, after: beforeAll}
		vf.shown, vf.due = t.version, now.Add(vf.key.interval)
	}
	if vf.shown == t.version {
		vf.shownSeq = t.folded
	}
	if !news && !vf.waiting {
		return wakes
	}
	for _, c := range vf.parked {
		c.parkedAt = -1
	}
	wakes = append(wakes, vf.parked...)
	clear(vf.parked)
	vf.parked, vf.waiting = vf.parked[:0], false
	return wakes
}

// block returns a block of the flush, and whether it is the last. Past the last
// it is empty.
func (vf *viewFeed) block(i int) (b viewBlock, last bool) {
	fl := &vf.flush
	if i == len(fl.blocks) && !fl.all {
		b.bytes, b.rows, fl.all = vf.fold.table.fill(nil, changedAfter(fl.from), &fl.after, &vf.form)
		fl.blocks = append(fl.blocks, b)
	}
	if i >= len(fl.blocks) {
		return viewBlock{}, true
	}
	return fl.blocks[i], fl.all && i == len(fl.blocks)-1
}

func changedAfter(version uint64) *pick {
	p := nothing
	p.version = version
	return &p
}

// A viewCursor is where one subscriber is in one view. It has no queue: first it
// walks once through the rows that it begins with, then it takes each flush, or,
// having missed one, walks through what has changed since.
type viewCursor struct {
	feed *viewFeed
	wake func()

	// What it begins with: one of these, in this order, else the newest rows.
	after   uint64 // the position with which the client came back; 0 is none
	resumes bool
	last    int
	since   time.Time

	need     uint64 // the log must be read up to here before it begins
	begun    bool   // it has all that it begins with
	version  uint64 // it has everything up to this
	seq      uint64 // and everything of what was appended up to this
	block    int    // of the feed's flush: the next
	parkedAt int    // place in the feed's parked list, or -1; the fold's mutex protects it

	walking bool // through the rows of the pick, after a place
	pick    pick
	place   rowKey
	target  viewTarget // what it has at the end of the walk
}

type viewTarget struct{ version, seq uint64 }

// next returns the next block, or nothing when there is none: then the cursor is
// parked. What is not shared is gathered in scratch.
func (c *viewCursor) next(scratch func() *[]byte) (b viewBlock, shared bool) {
	vf := c.feed
	f := vf.fold
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case c.walking:
			buf := scratch()
			b.bytes, b.rows, c.walking = f.table.fill((*buf)[:0], &c.pick, &c.place, &vf.form)
			*buf = b.bytes
			if c.walking = !c.walking; !c.walking {
				c.begun, c.version, c.seq, c.block = true, c.target.version, c.target.seq, 0
			}
			if b.rows > 0 {
				return b, false
			}
		case !c.begun:
			if !f.ready || f.table.folded < c.need {
				vf.waiting = true
				vf.park(c)
				return viewBlock{}, false
			}
			c.walk(c.beginning())
		case c.version >= vf.shown:
			c.seq = max(c.seq, vf.shownSeq)
			vf.park(c)
			return viewBlock{}, false
		case c.version != vf.flush.from:
			c.walk(*changedAfter(c.version))
		default:
			var last bool
			b, last = vf.block(c.block)
			c.block++
			if last {
				c.version, c.seq, c.block = vf.flush.to, vf.shownSeq, 0
			}
			if b.rows > 0 {
				return b, true
			}
		}
	}
}

// walk begins to walk through the rows of a pick. What changes behind its back
// it finds when it walks again.
func (c *viewCursor) walk(p pick) {
	c.walking, c.pick, c.place = true, p, beforeAll
	c.target = viewTarget{c.feed.shown, c.feed.shownSeq}
}

// beginning picks what the cursor begins with.
func (c *viewCursor) beginning() pick {
	t := &c.feed.fold.table
	switch p := nothing; {
	case c.resumes:
		return t.since(c.after)
	case c.last > 0:
		return t.last(c.last)
	case !c.since.IsZero():
		p.from = c.since.UnixMilli() - t.every + 1
		return p
	default:
		p.newest = true
		return p
	}
}

// park notes that the cursor wants to be woken when more is shown.
func (vf *viewFeed) park(c *viewCursor) {
	if c.parkedAt < 0 {
		c.parkedAt = len(vf.parked)
		vf.parked = append(vf.parked, c)
	}
}

// unpark forgets the cursor.
func (vf *viewFeed) unpark(c *viewCursor) {
	if c.parkedAt < 0 {
		return
	}
	last := len(vf.parked) - 1
	vf.parked[c.parkedAt] = vf.parked[last]
	vf.parked[c.parkedAt].parkedAt = c.parkedAt
	vf.parked[last] = nil
	vf.parked = vf.parked[:last]
	c.parkedAt = -1
}

// watch gives the cursor its feed, which is made if nobody has it yet.
func (f *fold) watch(c *viewCursor, key viewFeedKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	vf := f.feeds[key]
	if vf == nil {
		key.label = strings.Clone(key.label)
		vf = &viewFeed{fold: f, key: key, form: rowForm{key.encoding, appendJSONString(nil, key.label)}}
		vf.shown, vf.shownSeq = f.table.version, f.table.folded
		vf.flush.to = vf.shown
		f.feeds[key] = vf
	}
	vf.subscribers++
	c.feed, c.parkedAt = vf, -1
}

// leave takes the cursor out of everything that knows it.
func (c *viewCursor) leave() {
	vf := c.feed
	f := vf.fold
	f.mu.Lock()
	defer f.mu.Unlock()
	vf.unpark(c)
	if vf.subscribers--; vf.subscribers == 0 {
		delete(f.feeds, vf.key)
	}
	if len(f.feeds) == 0 {
		f.left = time.Now()
		f.nudge()
	}
}

// nudge wakes the fold's goroutine.
func (f *fold) nudge() {
	select {
	case f.moved <- struct{}{}:
	default:
	}
}
