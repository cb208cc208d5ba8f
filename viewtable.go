package streamgauge

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/streamgauge/streamgauge/sse"
)

// A viewTable is what a view says now: its rows, by window and group. Rows are
// states: one that changes replaces what it was. The table's version rises with
// every change, and each row has that of its last one, so that what anybody has
// not seen yet is what is newer than what they have seen.
type viewTable struct {
	every   int64     // milliseconds
	windows []*window // by time
	newest  map[string]*row
	rows    int
	version uint64
	folded  uint64 // what is appended up to this sequence number is in
}

// A window is the rows of one time.
type window struct {
	at      int64
	rows    []*row // by group
	version uint64 // the newest of the rows'
}

// row is what a view says of one group in one window.
type row struct {
	rowKey
	data     []byte // JSON
	version  uint64
	seq      uint64 // of the last event in it
	appended int64  // when that was appended, in Unix milliseconds
	newest   bool   // of its group
}

func newViewTable(every int64) viewTable {
	return viewTable{every: every, newest: make(map[string]*row)}
}

func (t *viewTable) window(at int64) *window {
	if n := len(t.windows); n > 0 && t.windows[n-1].at == at {
		return t.windows[n-1]
	}
	i, found := slices.BinarySearchFunc(t.windows, at, func(w *window, at int64) int { return cmp.Compare(w.at, at) })
	if !found {
		t.windows = slices.Insert(t.windows, i, &window{at: at})
	}
	return t.windows[i]
}

// set says a row of the version. It reports whether the row is another now.
func (t *viewTable) set(key rowKey, data []byte, from foldedRow, version uint64) bool {
	w := t.window(key.at)
	i, found := slices.BinarySearchFunc(w.rows, key.group, func(r *row, group string) int { return cmp.Compare(r.group, group) })
	if !found {
		w.rows = slices.Insert(w.rows, i, &row{rowKey: key})
		t.rows++
		t.age(w.rows[i])
	}
	r := w.rows[i]
	r.seq, r.appended = from.seq, from.appended
	if found && bytes.Equal(r.data, data) {
		return false
	}
	r.data = append(r.data[:0], data...)
	r.version, w.version = version, version
	return true
}

// age makes a new row the newest of its group if it is.
func (t *viewTable) age(r *row) {
	former := t.newest[r.group]
	if former != nil && former.at > r.at {
		return
	}
	if former != nil {
		former.newest = false
	}
	r.newest = true
	t.newest[r.group] = r
}

// drop lets go of the windows before floor, and of the oldest while there are
// more rows than most. It returns the floor then.
func (t *viewTable) drop(floor int64, most int) int64 {
	n := 0
	for ; n < len(t.windows); n++ {
		w := t.windows[n]
		if w.at >= floor && (t.rows <= most || n == len(t.windows)-1) {
			break
		}
		t.rows -= len(w.rows)
		for _, r := range w.rows {
			if r.newest {
				delete(t.newest, r.group)
			}
		}
		floor = max(floor, w.at+t.every)
		t.windows[n] = nil
	}
	t.windows = t.windows[n:]
	return floor
}

// A pick says which rows somebody wants: those to which any of it applies.
type pick struct {
	version  uint64 // changed after this version
	seq      uint64 // with an event after this sequence number
	appended int64  // with an event appended, or with an end, at or after this time
	from     int64  // of this window or a later one
	newest   bool   // the newest of their groups
}

// nothing is a pick that no row is of.
var nothing = pick{version: math.MaxUint64, seq: math.MaxUint64, appended: math.MaxInt64, from: math.MaxInt64}

func (p *pick) has(r *row, every int64) bool {
	return r.version > p.version || r.seq > p.seq || r.at >= p.from || p.newest && r.newest ||
		max(r.appended, r.at+every) >= p.appended
}

// resumeMargin is how much longer than until its last position a client is told
// again what it may have been told: rows may lag behind positions.
const resumeMargin = 30 * time.Second

// since picks what was touched after the position, or shortly before.
func (t *viewTable) since(seq uint64) pick {
	var appended int64
	for _, w := range t.windows {
		for _, r := range w.rows {
			if r.seq <= seq {
				appended = max(appended, r.appended)
			}
		}
	}
	p := nothing
	p.seq, p.newest, p.appended = seq, true, appended-resumeMargin.Milliseconds()
	return p
}

// last picks the last n windows.
func (t *viewTable) last(n int) pick {
	p := nothing
	if len(t.windows) > 0 {
		p.from = t.windows[max(0, len(t.windows)-n)].at
	}
	return p
}

// walk calls visit with the rows after a place that the pick has, in order,
// until visit returns false.
func (t *viewTable) walk(p *pick, after *rowKey, visit func(*row) bool) {
	first, _ := slices.BinarySearchFunc(t.windows, after.at, func(w *window, at int64) int { return cmp.Compare(w.at, at) })
	byVersion := *p == pick{p.version, nothing.seq, nothing.appended, nothing.from, false}
	for _, w := range t.windows[first:] {
		if byVersion && w.version <= p.version {
			continue
		}
		for _, r := range w.rows {
			if w.at == after.at && r.group <= after.group || !p.has(r, t.every) {
				continue
			}
			if !visit(r) {
				return
			}
		}
	}
}

// beforeAll is a place before every row.
var beforeAll = rowKey{at: math.MinInt64}

// fill appends the rows that the pick has after a place, and moves the place,
// until they make a block. It returns how many, and whether those were all.
func (t *viewTable) fill(dst []byte, p *pick, after *rowKey, form *rowForm) (block []byte, n int, all bool) {
	all = true
	t.walk(p, after, func(r *row) bool {
		if n > 0 && len(dst)+form.size(r) > maxViewBlock {
			all = false
			return false
		}
		dst = form.append(dst, r)
		n++
		*after = r.rowKey
		return true
	})
	return dst, n, all
}

// maxViewBlock is how much is written of a view at a time, save for a single row.
const maxViewBlock = 64 << 10

// A rowForm is how rows look on the wire.
type rowForm struct {
	encoding Encoding
	label    []byte // the view's name, as a JSON string
}

// envelope appends a row's envelope: see [Event.AppendJSON].
func (f *rowForm) envelope(dst []byte, r *row) []byte {
	dst = append(append(dst, `{"stream":`...), f.label...)
	dst = append(dst, `,"type":"hub.view","time":"`...)
	dst = append(time.UnixMilli(r.at).UTC().AppendFormat(dst, time.RFC3339Nano), '"')
	if r.group != "" {
		dst = appendJSONString(append(dst, `,"key":`...), r.group)
	}
	dst = append(append(dst, `,"data":`...), r.data...)
	return append(dst, '}')
}

func (f *rowForm) append(dst []byte, r *row) []byte {
	if f.encoding == EncodeNDJSON {
		return append(f.envelope(dst, r), '\n')
	}
	dst = f.envelope(append(dst, "data: "...), r)
	return append(dst, "\n\n"...)
}

// size is the most that a row measures, give or take what its key has escaped.
func (f *rowForm) size(r *row) int {
	return len(f.label) + len(r.group) + len(r.data) + 100
}

// appendID gives the last of the rows in a block an id.
func (f *rowForm) appendID(block []byte, id Position) []byte {
	if f.encoding == EncodeNDJSON {
		block = append(block[:len(block)-len("}\n")], `,"id":"`...)
		return append(id.append(block), "\"}\n"...)
	}
	var text [MaxIDBytes]byte
	block = sse.AppendID(block[:len(block)-1], id.append(text[:0]))
	return append(block, '\n')
}
