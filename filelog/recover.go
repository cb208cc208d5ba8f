package filelog

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// recover reads what is in the directory into memory and repairs it. It only
// takes anything away after what tells of the loss is on the disk, so that it
// can be interrupted anywhere and done again.
func (l *Log) recover(rules streamgauge.Rules) error {
	last, err := l.readMeta()
	if err != nil {
		return err
	}
	r := &recovery{Log: l, last: last}
	if err := r.scanDir(); err != nil {
		return err
	}
	if l.epoch == 0 {
		l.epoch = streamgauge.NewEpoch()
	}
	// A sidecar that contradicts itself is found out only while it is applied:
	// then all begins anew without sidecars.
	for ok, sidecars := false, true; !ok; sidecars = false {
		r.reset(rules)
		if ok, err = r.load(sidecars); err != nil {
			return err
		}
	}
	lost := r.tailLost()
	if lost {
		r.skip()
	}
	err = r.settle(lost)
	if err != nil && (last != nil || len(r.found) > 0) {
		// What is there can be read. The next append tries again to put on record
		// what must be before it, and the next Open repairs the rest.
		l.logger.Error("data directory can't be written to, appends are refused until it can", "error", err)
		l.unopened, err = true, nil
	}
	return err
}

// settle writes what recover found: first the loss, and only then the repairs.
func (r *recovery) settle(lost bool) error {
	if lost {
		s, err := r.createSegment(true)
		if err != nil {
			return err
		}
		r.activate(s)
	}
	for _, repair := range slices.Concat(r.aside, r.repairs) {
		if err := repair(); err != nil {
			return err
		}
	}
	for _, s := range r.fresh {
		r.writeSidecar(s)
	}
	return r.writeMeta(false)
}

// recovery is the state of one recover.
type recovery struct {
	*Log
	last    *meta // of the last run; nil if it is not known
	found   []*segment
	damaged bool           // the newest segment, or a file that may have been it
	fresh   []*segment     // have no good sidecar
	aside   []func() error // to do once the loss is on record: to files that are no segments
	repairs []func() error // and to segments
	names   map[string]string
	buf     []byte
}

// reset forgets what an earlier load loaded.
func (r *recovery) reset(rules streamgauge.Rules) {
	r.index = streamgauge.NewIndex(r.epoch, rules, r.dropped)
	r.keys = streamgauge.Keys{}
	r.segments, r.byNumber = nil, make(map[uint32]*segment)
	r.fresh, r.repairs, r.names = nil, nil, make(map[string]string)
	for _, s := range r.found {
		s.live, s.fixed, s.marks, s.index = 0, 0, nil, sidecar{}
	}
}

// scanDir finds the segments and removes what an interrupted run left behind.
func (r *recovery) scanDir() error {
	names, err := r.fs.list(r.dir)
	if err != nil {
		return err
	}
	if r.last != nil {
		r.epoch = r.last.Epoch
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) { // never became a file of the log
			if err := r.fs.remove(r.path(name)); err != nil {
				return err
			}
		}
		number, ok := segmentNumber(strings.TrimSuffix(name, damagedSuffix))
		if ok {
			r.lastNumber = max(r.lastNumber, number)
		}
		if number, ok = segmentNumber(name); !ok {
			continue
		}
		if err := r.findSegment(name, number); err != nil {
			return err
		}
	}
	slices.SortFunc(r.found, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	if err := r.dropMerged(); err != nil {
		return err
	}
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, sidecarSuffix)
		number, isNumber := segmentNumber(digits + segmentSuffix)
		_, found := slices.BinarySearchFunc(r.found, number, func(s *segment, n uint32) int { return cmp.Compare(s.first, n) })
		if ok && isNumber && !found {
			_ = r.fs.remove(r.path(name)) // the sidecar of a segment that is gone
		}
	}
	return nil
}

func (r *recovery) findSegment(name string, number uint32) error {
	f, err := r.fs.open(r.path(name), os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.size()
	if err != nil {
		return err
	}
	head := make([]byte, headerSize)
	if n, err := f.ReadAt(head, 0); !isEOF(err) && err != nil {
		return err
	} else {
		head = head[:n]
	}
	h, err := decodeHeader(head)
	switch {
	case errors.Is(err, errVersion):
		return fmt.Errorf("%s: %w: use the version of the program that wrote it", r.path(name), err)
	case err == nil && r.epoch == 0:
		r.epoch = h.epoch // the meta file is lost
	}
	if err == nil && (h.first != number || h.last < h.first || h.epoch != r.epoch) {
		err = errors.New("it is another segment's, or another log's")
	}
	if err != nil {
		r.damaged = true // it may have been the newest
		why := err.Error()
		r.aside = append(r.aside, func() error { return r.setAside(name, why) })
		return nil
	}
	r.lastNumber = max(r.lastNumber, h.last)
	r.found = append(r.found, &segment{header: h, size: size, written: size})
	return nil
}

// dropMerged removes segments that have been merged into one before them, but
// were not removed yet when that run ended.
func (r *recovery) dropMerged() error {
	var end uint32
	var kept []*segment
	for _, s := range r.found {
		if s.first <= end {
			if err := r.fs.remove(r.path(segmentName(s.first))); err != nil {
				return err
			}
			continue
		}
		end = s.last
		kept = append(kept, s)
	}
	r.found = kept
	return nil
}

// load loads all segments. It returns false if a sidecar contradicts itself.
func (r *recovery) load(sidecars bool) (ok bool, err error) {
	for i, s := range r.found {
		limit := uint64(1<<64 - 1) // what is after it was never acknowledged
		if i+1 < len(r.found) {
			limit = r.found[i+1].base
		}
		if r.index.Head().Seq < s.base {
			r.index.Skip(s.base, s.base > 0)
		}
		r.segments = append(r.segments, s)
		r.byNumber[s.first] = s
		if sidecars {
			loaded, ok, err := r.loadSidecar(s)
			if err != nil || !ok {
				return false, err
			}
			if loaded {
				continue
			}
		}
		if err := r.scan(s, limit, i == len(r.found)-1); err != nil {
			return false, err
		}
	}
	return true, nil
}

// loadSidecar loads the segment from its sidecar, if it has a good one.
func (r *recovery) loadSidecar(s *segment) (loaded, ok bool, err error) {
	content, err := readFile(r.fs, r.path(sidecarName(s.first)), r.buf)
	if os.IsNotExist(err) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	r.buf = content
	items, size, good := openSidecar(content, s.id)
	if !good || size > s.size || s.whole > s.size {
		return false, true, nil
	}
	ok = decodeItems(items, s.first, size, func(e streamgauge.Entry[loc]) {
		s.live += int64(e.Loc.size)
		r.index.Add(e)
	}, func(raw []byte) {
		if rec, n, err := parseRecord(raw, s.seed()); err == nil && n == len(raw) {
			s.fixed += int64(len(raw))
			r.note(s, rec)
		}
	})
	s.size, s.written = size, size
	r.index.Skip(s.through, false)
	return ok, ok, nil
}

// note applies a record that is not an event.
func (r *recovery) note(s *segment, rec record) {
	switch rec.kind {
	case kindForget:
		r.forget(s, string(rec.body))
	case kindHole:
		if h, ok := decodeHole(rec.body); ok {
			r.lose(s, h)
		}
	case kindGone:
		if g, ok := decodeGone(rec.body); ok {
			r.index.AddGone(g)
		}
	case kindKey:
		if k, ok := decodeKey(rec.body); ok {
			if _, known, err := r.keys.Find(k.Key, k.Fingerprint, timeOf(k.Appended)); !known && err == nil {
				r.keys.Add(k)
			}
		}
	}
}

// tailLost reports whether events may have been lost that somebody has seen.
func (r *recovery) tailLost() bool {
	head := r.index.Head().Seq
	switch m := r.last; {
	case r.damaged:
		return true
	case m == nil:
		return len(r.found) > 0
	case m.Place != 0 && r.place != 0 && m.Place != r.place:
		return true // a copy, which may be older than what subscribers have seen
	case m.Clean:
		return head < m.Head
	case m.Level == streamgauge.LevelMemory:
		return true
	default:
		return m.Level == streamgauge.LevelOS && (r.boot == "" || m.Boot != r.boot)
	}
}

// skip goes on far beyond any number that may have been used. The next segment
// says so.
func (r *recovery) skip() {
	from := r.index.Head().Seq
	through := from
	if r.last != nil {
		through = max(through, r.last.Head)
	}
	through += skipAfterLoss
	r.index.Skip(through, true)
	r.logger.Error("the end of the log may have been lost; this is recorded as a hole", "dir", r.dir, "from", from, "to", through)
}

// setAside renames a damaged file.
func (l *Log) setAside(name, why string) error {
	to, err := l.damagedName(name)
	if err != nil {
		return err
	}
	if err := l.fs.rename(l.path(name), l.path(to)); err != nil {
		return err
	}
	l.logger.Error("file of the log is damaged and was set aside", "file", l.path(name), "as", l.path(to), "why", why)
	return l.fs.syncDir(l.dir)
}

// damagedName returns a name that is not taken for what is set aside of a file.
func (l *Log) damagedName(name string) (string, error) {
	names, err := l.fs.list(l.dir)
	to := name + damagedSuffix
	for i := 2; slices.Contains(names, to); i++ {
		to = fmt.Sprintf("%s.%d%s", name, i, damagedSuffix)
	}
	return to, err
}
