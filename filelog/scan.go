package filelog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/streamgauge/streamgauge"
)

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

func timeOf(ms int64) time.Time { return time.UnixMilli(ms) }

// scan loads a segment from its records, up to the first that is not valid.
// Nothing after limit is loaded.
func (r *recovery) scan(s *segment, limit uint64, newest bool) error {
	content, err := readFile(r.fs, r.path(segmentName(s.first)), r.buf)
	if err != nil {
		return err
	}
	r.buf = content
	s.index.items = []byte{} // not nil, or it could be compacted before it is repaired
	end, why := r.replay(s, content, limit)
	s.size, s.written = end, end
	r.fresh = append(r.fresh, s)
	cut := why == nil && s.whole > int64(len(content))
	if why == nil && !cut {
		r.index.Skip(s.through, false)
		return nil
	}
	rest := content[end:]
	switch {
	case errors.Is(why, errVoid), !newest && s.whole == 0 && r.index.Head().Seq >= limit:
		// A write failed here, and the log went on in the next segment.
		return nil
	case newest && s.whole == 0 && r.torn(rest, why, s.seed()):
		r.repairs = append(r.repairs, func() error { return r.truncate(s, end) })
		return nil
	}
	if newest {
		r.damaged = true
	}
	if s.through > 0 {
		r.index.AddGone(streamgauge.Gone{Through: s.through}) // what it said was gone is at its end
		r.index.Skip(s.through, true)
	}
	// Rest is in a buffer that will be used again.
	saved := bytes.Clone(rest)
	text := fmt.Sprintf("from byte %d on: %v", end, why)
	if cut {
		text = "its end is missing"
	}
	r.repairs = append(r.repairs, func() error { return r.cutOff(s, end, saved, text) })
	return nil
}

// errVoid says that records follow that were never acknowledged.
var errVoid = errors.New("record was never acknowledged")

// replay applies the batches in content. It returns where the last whole one
// ends and, if that is not the end, why.
func (r *recovery) replay(s *segment, content []byte, limit uint64) (end int64, why error) {
	type item struct {
		rec  record
		body eventBody
		at   loc
	}
	var batch []item
	seq := s.base
	end = headerSize
	for off := int64(headerSize); off < int64(len(content)); {
		rec, n, err := parseRecord(content[off:], s.seed())
		if err != nil {
			return end, err
		}
		it := item{rec: rec, at: loc{s.first, uint32(off), uint32(n)}}
		if rec.kind == kindEvent {
			var ok bool
			if it.body, ok = decodeEvent(rec.body); !ok || it.body.seq <= seq {
				return end, errDamage
			}
			if seq = it.body.seq; seq > limit {
				return end, errVoid
			}
		}
		batch = append(batch, it)
		off += int64(n)
		if !rec.end {
			continue
		}
		for _, it := range batch {
			raw := content[it.at.offset : it.at.offset+it.at.size]
			if it.rec.kind == kindEvent {
				r.add(s, it.body.entry(r.intern(it.body.stream), it.at))
			} else {
				r.addOther(s, raw)
				r.note(s, it.rec)
			}
		}
		batch, end = batch[:0], off
	}
	if len(batch) > 0 {
		return end, errTorn
	}
	return end, nil
}

func (e *eventBody) entry(stream string, at loc) streamgauge.Entry[loc] {
	return streamgauge.Entry[loc]{Stream: stream, Seq: e.seq, Appended: e.appended, Key: string(e.key), Size: len(e.data), Loc: at}
}

// intern returns the name as a string without allocating one per event.
func (r *recovery) intern(name []byte) string {
	s, ok := r.names[string(name)]
	if !ok {
		s = string(name)
		r.names[s] = s
	}
	return s
}

// torn reports whether the rest of the newest segment is what a write leaves
// that did not finish: it was not acknowledged, and nothing is missed. A killed
// process leaves the beginning of what it wrote; a machine that stops, anything.
func (r *recovery) torn(rest []byte, why error, seed uint32) bool {
	if r.last == nil || r.last.Clean {
		return false
	}
	sameBoot := r.last.Boot == r.boot
	if sameBoot && !errors.Is(why, errTorn) {
		return false
	}
	// Records of the unfinished batch itself may be whole. After the first that
	// is not there must be none.
	for len(rest) > 0 {
		_, n, err := parseRecord(rest, seed)
		if err != nil {
			break
		}
		rest = rest[n:]
	}
	for i := 1; i < len(rest); i++ {
		if _, _, err := parseRecord(rest[i:], seed); err == nil {
			return false
		}
	}
	return true
}

func (r *recovery) truncate(s *segment, size int64) error {
	f, err := r.fs.open(r.path(segmentName(s.first)), os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// cutOff saves the rest of a damaged segment in a file of its own and cuts it
// off. What was compacted is not whole any more then, but that is on record.
func (r *recovery) cutOff(s *segment, end int64, rest []byte, why string) error {
	name, err := r.damagedName(segmentName(s.first))
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		r.logger.Error("segment of the log is damaged", "file", r.path(segmentName(s.first)), "why", why)
		return nil
	}
	if err := replaceFile(r.fs, r.path(name), rest, true); err != nil {
		return err
	}
	r.logger.Error("segment of the log is damaged, the rest of it was set aside",
		"file", r.path(segmentName(s.first)), "as", r.path(name), "why", why)
	return r.truncate(s, end)
}
