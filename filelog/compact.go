package filelog

import (
	"context"
	"os"
	"time"

	"github.com/streamgauge/streamgauge"
)

// This file is the work of the janitor, a goroutine in the background: it
// writes the sidecars of sealed segments and compacts.

const (
	cleanInterval = 30 * time.Second
	manySegments  = 8  // so many small segments in a row are merged
	smallPart     = 4  // small is a fourth of SegmentBytes
	worthPart     = 64 // so much of SegmentBytes must be dead before anything is compacted
)

// kick has the janitor look for work.
func (l *Log) kick() {
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// dropped is told by the index that an event is not kept any more.
func (l *Log) dropped(at loc) {
	s := l.byNumber[at.segment]
	s.live -= int64(at.size)
	if l.freed += int64(at.size); l.freed > l.segmentBytes/smallPart {
		l.freed = 0
		l.kick()
	}
}

// clean is the janitor.
func (l *Log) clean() {
	tick := time.NewTicker(cleanInterval)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		case <-l.work:
		}
		if err := l.cleanOnce(); err != nil {
			l.logger.Error("reclaiming space of the log failed, will try again", "error", err)
		}
	}
}

// cleanOnce does all there is to do.
func (l *Log) cleanOnce() error {
	l.cleaning.Lock()
	defer l.cleaning.Unlock()
	l.mu.Lock()
	l.index.Trim(l.now())
	sealed := l.sealed
	l.sealed = nil
	l.mu.Unlock()
	for _, s := range sealed {
		l.seal(s)
	}
	for {
		select {
		case <-l.stop:
			return nil
		default:
		}
		l.mu.Lock()
		run := l.chooseRun()
		l.mu.Unlock()
		if len(run) == 0 {
			return nil
		}
		if err := l.compact(run); err != nil {
			return err
		}
	}
}

// seal syncs a segment that will not change any more and writes its sidecar.
func (l *Log) seal(s *segment) {
	l.mu.Lock()
	err := l.pin(s)
	l.mu.Unlock()
	if err == nil {
		err = s.file.Sync()
		l.mu.Lock()
		l.unpin(s)
		l.mu.Unlock()
	}
	if err != nil && l.level != streamgauge.LevelFsync {
		l.mu.Lock()
		l.unsynced = true
		l.mu.Unlock()
		l.logger.Warn("sync of sealed segment failed", "error", err)
	}
	l.writeSidecar(s)
}

// writeSidecar writes the sidecar of a segment that will not change any more.
// Without it the next Open takes a little longer, that is all.
func (l *Log) writeSidecar(s *segment) {
	content := s.index.encode(s.id, s.size)
	s.index = sidecar{}
	if err := replaceFile(l.fs, l.path(sidecarName(s.first)), content, false); err != nil {
		l.logger.Warn("write of sidecar failed", "error", err)
	}
}

// chooseRun returns neighbouring sealed segments that are worth rewriting as
// one: they are mostly dead, or many and small.
func (l *Log) chooseRun() []*segment {
	var run []*segment
	var size, rest int64
	worth := func() bool {
		dead := size - rest
		return len(run) > 0 && (dead > l.segmentBytes/worthPart && dead >= rest || len(run) >= manySegments)
	}
	for _, s := range l.segments {
		left := s.live + s.fixed
		if s == l.active || s.index.items != nil || left > l.segmentBytes/smallPart && left > (s.size-headerSize)/2 {
			if worth() {
				return run
			}
			run, size, rest = nil, 0, 0
			continue
		}
		if rest+left > l.segmentBytes {
			if worth() {
				return run
			}
			run, size, rest = nil, 0, 0
		}
		run, size, rest = append(run, s), size+s.size-headerSize, rest+left
	}
	if worth() {
		return run
	}
	return nil
}

// compaction is one rewriting of a run of segments as one.
type compaction struct {
	*Log
	run    []*segment
	out    *segment
	f      file
	buf    []byte
	moved  []streamgauge.Entry[loc] // with their new places
	placed bool                     // it has replaced the run
}

// compact rewrites the run. The new file replaces the first of the run at once,
// and says that it stands for the others too; they are removed after that. So
// there is no moment at which an event is not on the disk.
func (l *Log) compact(run []*segment) (err error) {
	first, last := run[0], run[len(run)-1]
	h := newHeader(l.epoch, first.first, first.base)
	h.last = last.last
	c := &compaction{Log: l, run: run, out: &segment{header: h}}
	temp := l.path(segmentName(h.first)) + tempSuffix
	if c.f, err = l.fs.open(temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR); err != nil {
		return err
	}
	defer func() {
		if !c.placed {
			_ = c.f.Close()
			_ = l.fs.remove(temp)
		}
	}()
	if err := c.write(); err != nil {
		return err
	}
	if err := c.replace(temp); err != nil {
		return err
	}
	l.writeSidecar(c.out)
	if err := l.fs.syncDir(l.dir); err != nil {
		l.logger.Warn("sync of data directory failed", "error", err)
		return nil // the next Open removes the others
	}
	for _, s := range run[1:] {
		if err := l.fs.remove(l.path(segmentName(s.first))); err != nil {
			l.logger.Warn("remove of merged segment failed", "error", err) // the next Open does it
		}
		_ = l.fs.remove(l.path(sidecarName(s.first)))
	}
	return nil
}

// write writes the new file: what is kept, what was forgotten, keys, what was
// lost, and at the end what is gone, whose records imply that all before is gone too.
func (c *compaction) write() error {
	s := c.out
	last := c.run[len(c.run)-1]
	c.mu.Lock()
	s.through = c.endOf(last)
	var keys []streamgauge.KeyUse
	for k := range c.keys.All {
		if s.base < k.Last && k.Last <= s.through {
			keys = append(keys, k)
		}
	}
	oldest := c.run[0] == c.segments[0]
	c.mu.Unlock()

	s.size = headerSize
	if err := c.writeKept(oldest); err != nil {
		return err
	}
	seed := s.seed()
	for _, k := range keys {
		c.other(appendKey(c.buf, seed, k))
	}
	c.mu.Lock() // again: for what was trimmed or found damaged meanwhile
	for from, through := range c.index.Holes {
		if s.base <= from && through <= s.through {
			c.other(appendHole(c.buf, seed, hole{"", from, through}))
		}
	}
	for _, g := range c.index.Gone(s.base, s.through) {
		c.other(appendGone(c.buf, seed, g))
	}
	c.mu.Unlock()
	if err := c.flushBuf(); err != nil {
		return err
	}
	s.whole = s.size
	if _, err := c.f.WriteAt(s.encode(), 0); err != nil {
		return err
	}
	return c.f.Sync()
}

// endOf returns the position up to which the sealed segment has events.
func (l *Log) endOf(s *segment) uint64 {
	for i, other := range l.segments {
		if other == s && i+1 < len(l.segments) {
			return l.segments[i+1].base
		}
	}
	return l.index.Head().Seq
}

// writeKept copies the events, page by page, and between them the marks.
func (c *compaction) writeKept(oldest bool) error {
	var marks []mark
	for _, s := range c.run {
		for _, m := range s.marks {
			done := oldest // nothing is before the oldest to be forgotten
			if m.forget == "" {
				done = m.hole.stream == "" && c.out.base <= m.hole.from && m.hole.through <= c.out.through // written anyway
			}
			if !done {
				marks = append(marks, m)
			}
		}
	}
	for at := c.out.base; ; {
		c.mu.Lock()
		kept := c.index.Kept(at, c.out.through, 256)
		c.mu.Unlock()
		if len(kept) == 0 {
			break
		}
		if err := c.copyEvents(kept, &marks); err != nil {
			return err
		}
		at = kept[len(kept)-1].Seq
	}
	c.mark(&marks, 1<<64-1)
	return nil
}

// mark writes the marks that were made before seq.
func (c *compaction) mark(marks *[]mark, seq uint64) {
	for len(*marks) > 0 && (*marks)[0].at < seq {
		m := (*marks)[0]
		*marks = (*marks)[1:]
		if m.forget != "" {
			c.other(appendForget(c.buf, c.out.seed(), m.forget))
		} else {
			c.other(appendHole(c.buf, c.out.seed(), m.hole))
		}
		c.out.marks = append(c.out.marks, m)
	}
}

func (c *compaction) copyEvents(kept []streamgauge.Entry[loc], marks *[]mark) error {
	c.mu.Lock()
	spans, err := c.spans(kept)
	c.mu.Unlock()
	defer c.unpinAll(spans)
	if err != nil {
		return err
	}
	for i := range spans {
		sp := &spans[i]
		if err := sp.load(c.Log); err != nil {
			return err
		}
		for j := sp.first; j < sp.last; j++ {
			e, ok := sp.event(c.epoch, &kept[j])
			if !ok {
				if err := c.recordDamage(context.Background(), &kept[j]); err != nil {
					return err
				}
				continue
			}
			c.mark(marks, e.ID.Seq)
			start := len(c.buf)
			c.buf = appendEvent(c.buf, c.out.seed(), &e, true)
			moved := entry(&e, loc{c.out.first, uint32(c.out.size), uint32(len(c.buf) - start)})
			c.out.size += int64(moved.Loc.size)
			c.out.index.addEvent(moved)
			c.moved = append(c.moved, moved)
		}
	}
	if len(c.buf) > keepBuf {
		return c.flushBuf()
	}
	return nil
}

// other takes the buffer to which a record that is no event's was appended.
func (c *compaction) other(buf []byte) {
	record := buf[len(c.buf):]
	c.buf = buf
	c.out.size += int64(len(record))
	c.addOther(c.out, record)
}

func (c *compaction) flushBuf() error {
	_, err := c.f.WriteAt(c.buf, c.out.size-int64(len(c.buf)))
	c.buf = c.buf[:0]
	return err
}

// replace puts the new file in the place of the run.
func (c *compaction) replace(temp string) error {
	if err := c.checkPlace(); err != nil {
		return err
	}
	if err := c.f.Close(); err != nil {
		return err
	}
	s := c.out
	s.written = s.size
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run[0].pins == 0 {
		c.closeFile(c.run[0]) // or Windows would not replace it
	}
	name := c.path(segmentName(s.first))
	if err := c.fs.rename(temp, name); err != nil {
		return err
	}
	if f, err := c.fs.open(name, os.O_RDONLY); err == nil { // or else the next reader tries
		s.file = f
		c.opened++
	}
	i := 0
	for c.segments[i] != c.run[0] {
		i++
	}
	c.segments[i] = s
	c.segments = append(c.segments[:i+1], c.segments[i+len(c.run):]...)
	for _, old := range c.run {
		delete(c.byNumber, old.first)
		c.retire(old)
	}
	c.byNumber[s.first] = s
	for _, e := range c.moved {
		if c.index.Relocate(e.Stream, e.Seq, e.Loc) {
			s.live += int64(e.Loc.size)
		}
	}
	c.placed = true
	return nil
}
