package filelog

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamgauge/streamgauge"
)

// Records that lie near each other are read together.
const (
	spanGap   = 4 << 10
	spanBytes = 256 << 10
)

// Read implements [streamgauge.Log]. An event that turns out to be damaged is
// recorded as a hole, so that nobody is told any more that it is kept.
func (l *Log) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	for {
		if ctx.Err() != nil {
			return streamgauge.Page{}, context.Cause(ctx)
		}
		page, damaged, err := l.readPage(q)
		if err != nil {
			return streamgauge.Page{}, err
		}
		if damaged == nil {
			return page, nil
		}
		err = l.recordDamage(ctx, damaged)
		if errors.Is(err, streamgauge.ErrUnavailable) { // reading goes on when writing does not
			l.mu.Lock()
			l.index.Lose(damaged.Stream, damaged.Seq)
			l.mu.Unlock()
		} else if err != nil {
			return streamgauge.Page{}, err
		}
	}
}

// recordDamage puts on record that the event is lost.
func (l *Log) recordDamage(ctx context.Context, e *streamgauge.Entry[loc]) error {
	l.logger.Error("event in log is damaged", "stream", e.Stream, "seq", e.Seq,
		"file", l.path(segmentName(e.Loc.segment)), "offset", e.Loc.offset)
	r := requests.Get().(*request)
	defer release(r)
	r.hole = e
	return l.submit(ctx, r)
}

// span is a part of a segment that is read at once, for some entries of a page.
type span struct {
	s           *segment
	first, last int // entries[first:last]
	off         int64
	data        []byte
	read        bool // data were still in memory
}

// readPage returns the page, or the first entry of it that is damaged.
func (l *Log) readPage(q streamgauge.Query) (page streamgauge.Page, damaged *streamgauge.Entry[loc], err error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return page, nil, streamgauge.ErrClosed
	}
	page, entries, err := l.index.Read(q, l.now())
	if err != nil {
		l.mu.Unlock()
		return page, nil, err
	}
	spans, err := l.spans(entries)
	l.mu.Unlock()
	defer l.unpinAll(spans)
	if err != nil {
		return page, nil, err
	}
	page.Events = make([]streamgauge.Event, 0, len(entries))
	for i := range spans {
		sp := &spans[i]
		if err := sp.load(l); err != nil {
			return page, nil, err
		}
		for j := sp.first; j < sp.last; j++ {
			e, ok := sp.event(l.epoch, &entries[j])
			if !ok {
				return page, &entries[j], nil
			}
			page.Events = append(page.Events, e)
		}
	}
	return page, nil, nil
}

// spans divides the entries into spans and pins their segments. What has been
// acknowledged and not written is copied.
func (l *Log) spans(entries []streamgauge.Entry[loc]) (spans []span, err error) {
	for i := 0; i < len(entries); {
		at := entries[i].Loc
		s := l.byNumber[at.segment]
		if err := l.pin(s); err != nil {
			return spans, err
		}
		end := int64(at.offset) + int64(at.size)
		j := i + 1
		for ; j < len(entries); j++ {
			next := entries[j].Loc
			if next.segment != at.segment || int64(next.offset) < end || int64(next.offset) > end+spanGap ||
				int64(next.offset)+int64(next.size) > int64(at.offset)+spanBytes || (end <= s.written) != (int64(next.offset) < s.written) {
				break
			}
			end = int64(next.offset) + int64(next.size)
		}
		sp := span{s: s, first: i, last: j, off: int64(at.offset), data: make([]byte, end-int64(at.offset))}
		if sp.off >= s.written {
			copy(sp.data, s.pending[sp.off-s.written:])
			sp.read = true
		}
		spans = append(spans, sp)
		i = j
	}
	return spans, nil
}

func (l *Log) unpinAll(spans []span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range spans {
		l.unpin(spans[i].s)
	}
}

func (sp *span) load(l *Log) error {
	if sp.read {
		return nil
	}
	n, err := sp.s.file.ReadAt(sp.data, sp.off)
	if n < len(sp.data) && !isEOF(err) {
		return fmt.Errorf("%w: %w", streamgauge.ErrUnavailable, err)
	}
	return nil // what is missing after the end of the file is zeros, and so damaged
}

// event returns the entry's event if it is the one that was written there.
func (sp *span) event(epoch streamgauge.Epoch, e *streamgauge.Entry[loc]) (streamgauge.Event, bool) {
	start := int64(e.Loc.offset) - sp.off
	raw := sp.data[start : start+int64(e.Loc.size)]
	rec, n, err := parseRecord(raw, sp.s.seed())
	if err != nil || n != len(raw) || rec.kind != kindEvent {
		return streamgauge.Event{}, false
	}
	body, ok := decodeEvent(rec.body)
	if !ok || body.seq != e.Seq || string(body.stream) != e.Stream {
		return streamgauge.Event{}, false
	}
	return body.event(epoch, e.Stream), true
}
