package filelog

import (
	"time"

	"github.com/streamgauge/streamgauge"
)

// This file is what the leader of a commit does to the active segment, and the
// writing behind of level memory.

const (
	pendingBytes  = 8 << 20 // acknowledged at level memory and not written yet
	keepBuf       = 1 << 20 // a larger buffer is not kept for the next commit
	flushInterval = time.Second
	checkInterval = time.Second // between looks at the directory
)

// ready makes sure that the group can be written: that the directory is there,
// that there is an active segment which can take the group, and that the meta
// file says that the log is open.
func (l *Log) ready() error {
	if time.Since(l.checked) >= checkInterval {
		if err := l.checkPlace(); err != nil {
			return err
		}
		l.checked = time.Now()
	}
	if !l.fits() {
		if err := l.flush(); err != nil {
			return err
		}
		s, err := l.createSegment(l.level == streamgauge.LevelFsync)
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.activate(s)
		l.mu.Unlock()
	}
	if l.unopened { // only now: the segment may be what tells of a hole
		if err := l.writeMeta(false); err != nil {
			return err
		}
		l.unopened = false
	}
	return nil
}

// fits reports whether the group can be written to the active segment.
func (l *Log) fits() bool {
	need := int64(0)
	for _, r := range l.group {
		need += int64(r.bytes())
	}
	s := l.active
	return s != nil && !s.broken && (s.size == headerSize || s.size+need <= l.segmentBytes)
}

// activate makes the segment the active one and seals the one before.
func (l *Log) activate(s *segment) {
	if l.active != nil {
		l.opened++ // its file counts from now on
		l.sealed = append(l.sealed, l.active)
		l.kick()
	}
	l.active = s
	l.lastNumber = max(l.lastNumber, s.last)
	l.segments = append(l.segments, s)
	l.byNumber[s.first] = s
}

// store puts buf at the end of the active segment, so that it is at the log's
// level, or else leaves no trace of it.
func (l *Log) store() error {
	if l.level == streamgauge.LevelMemory {
		return l.storeLater()
	}
	s := l.active
	_, err := s.file.WriteAt(l.buf, s.size)
	if err == nil && l.level == streamgauge.LevelFsync {
		if err = s.file.Sync(); err != nil {
			// The system may have dropped what it could not write and call the
			// next sync a success: this file is not to be trusted any more.
			s.broken = true
		}
	}
	if err != nil {
		if terr := s.file.Truncate(s.size); terr != nil {
			s.broken = true // the next segment's base says where this one ends
		}
	}
	return err
}

// storeLater leaves buf to the flusher, unless that is in trouble.
func (l *Log) storeLater() error {
	l.mu.Lock()
	trouble := l.flushErr != nil || len(l.active.pending) > pendingBytes
	l.mu.Unlock()
	if trouble {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.active.pending = append(l.active.pending, l.buf...)
	l.mu.Unlock()
	select {
	case l.unwritten <- struct{}{}:
	default:
	}
	return nil
}

// flush writes what is pending.
func (l *Log) flush() error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.active != nil && len(l.active.pending) > 0 {
		s := l.active
		chunk := s.pending // only ever appended to meanwhile
		l.mu.Unlock()
		_, err := s.file.WriteAt(chunk, s.written)
		l.mu.Lock()
		if l.flushErr = err; err != nil {
			return err
		}
		s.written += int64(len(chunk))
		if s.pending = append(chunk[:0], s.pending[len(chunk):]...); len(s.pending) == 0 && cap(chunk) > keepBuf {
			s.pending = nil
		}
	}
	return nil
}

// flusher writes at level memory what has been acknowledged, soon after, and
// tries again every second while that fails.
func (l *Log) flusher() {
	again := time.NewTicker(flushInterval)
	defer again.Stop()
	failed := false
	for {
		select {
		case <-l.stop:
			return
		case <-l.unwritten:
		case <-again.C:
			if !failed {
				continue
			}
		}
		err := l.flush()
		if err != nil && !failed {
			l.logger.Error("write of acknowledged events to log failed, will go on trying", "error", err)
		}
		failed = err != nil
	}
}
