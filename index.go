package streamgauge

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// Index is what the engines that keep a log on one machine know of its events:
// which are kept, where (an L says so), and which have been trimmed. It applies
// the rules, so that all these engines keep and answer the same. It is not safe
// for concurrent use.
//
// A stream under a [DeliverLatest] rule keeps, besides what the rule's bounds
// keep, the newest event of each of its last 10,000 keys, until a newer event of
// the key arrives or the stream is forgotten.
//
// The index remembers at least the last 1,048,576 trimmed events of the log; so
// long it can say exactly how many of them a cursor missed.
type Index[L any] struct {
	epoch   Epoch
	rules   Rules
	dropped func(loc L)

	head  uint64
	clock int64 // Unix milliseconds of the newest event: the append clock

	streams  map[string]*indexed[L]
	newest   *indexed[L] // by last event; all streams are in this list
	unswept  int         // events added since the last sweep of all streams
	reads    uint64      // how many times streams were selected
	lastUsed *indexed[L]

	holes       []hole
	trimmed     deque[*indexed[L]] // the stream of each remembered trimmed event
	vanished    map[string]uint64  // what streams that exist no more had forgotten
	lost        uint64             // the same for those that fell out of vanished
	vanishedMax uint64             // no vanished stream had forgotten more than this
}

const (
	rememberTrimmed  = 1 << 20
	rememberVanished = 1 << 16
	maxLatestKeys    = 10_000
)

// Entry is an event as an [Index] knows it.
type Entry[L any] struct {
	Stream   string
	Seq      uint64
	Appended int64  // Unix milliseconds
	Key      string // Read leaves it out
	Size     int    // of the data in bytes
	Loc      L      // where the engine keeps it
}

// Gone is what is known of a stream's trimmed events.
type Gone struct {
	Stream  string   // empty for streams that are not even known by name any more
	Through uint64   // up to here it is not known which events there were; or zero
	Seqs    []uint64 // the trimmed events after that, rising
	Time    int64    // when the last of them was appended, in Unix milliseconds, or zero
	Newest  uint64   // up to here there may be some that no newer one of their key superseded; or zero
}

// indexed is what is known of one stream.
type indexed[L any] struct {
	name string
	rule Rule

	kept      deque[kept[L]] // what the rule's bounds keep
	survivors deque[kept[L]] // older than all of kept: the newest of their keys
	bytes     int64          // of data in kept
	spared    int64          // of data in survivors

	keys   map[string]uint64 // under a latest rule: the newest event of each key
	holder map[uint64]string // and the key of which an event is the newest

	gone      deque[uint64] // trimmed events after forgotten, rising
	forgotten uint64

	// Under a latest rule: no event after it is gone that was the newest of its
	// key when it was trimmed.
	newestGone uint64

	last         uint64 // the newest event ever appended
	lastTime     int64  // and when, in Unix milliseconds
	newer, older *indexed[L]
	seen         uint64 // by which read the stream was last selected
}

type kept[L any] struct {
	seq      uint64
	appended int64
	size     uint32
	loc      L
}

type hole struct{ from, through uint64 } // positions after from, up to through

// NewIndex returns an empty index of a log of this epoch. It calls dropped,
// which must not call the index, when an event is not kept any more.
func NewIndex[L any](epoch Epoch, rules Rules, dropped func(loc L)) *Index[L] {
	last := lastRule
	if n := len(rules); n > 0 {
		last = rules[n-1].orElse(lastRule)
	}
	complete := make(Rules, len(rules))
	for i, r := range rules {
		complete[i] = r.orElse(last)
	}
	return &Index[L]{
		epoch: epoch, rules: complete, dropped: dropped,
		streams: make(map[string]*indexed[L]), vanished: make(map[string]uint64),
	}
}

// Head returns the newest position.
func (ix *Index[L]) Head() Position { return Position{ix.epoch, ix.head} }

// Clock returns the append clock's time when the wall clock says now: the
// append clock never runs backwards. It counts whole milliseconds.
func (ix *Index[L]) Clock(now time.Time) time.Time {
	return time.UnixMilli(max(now.UnixMilli(), ix.clock)).UTC()
}

// Stamp makes the events those that follow the head, without adding them: it
// assigns ID and Appended, and Time where it is missing.
func (ix *Index[L]) Stamp(events []Event, now time.Time) {
	appended := ix.Clock(now)
	for i := range events {
		e := &events[i]
		e.ID = Position{ix.epoch, ix.head + 1 + uint64(i)}
		e.Appended = appended
		if e.Time.IsZero() {
			e.Time = now
		}
		e.Time = time.UnixMilli(e.Time.UnixMilli()).UTC()
		if i > 0 && e.Stream == events[i-1].Stream {
			e.Stream = events[i-1].Stream
		} else if s := ix.streams[e.Stream]; s != nil {
			e.Stream = s.name // or every event would hold on to a string of its own
		}
	}
}

// Add adds an event, which must be newer than any of its stream, and trims the
// stream.
func (ix *Index[L]) Add(e Entry[L]) {
	s := ix.touch(e.Stream, e.Seq, e.Appended)
	ix.head, ix.clock = max(ix.head, e.Seq), max(ix.clock, e.Appended)
	s.kept.push(kept[L]{e.Seq, e.Appended, uint32(e.Size), e.Loc})
	s.bytes += int64(e.Size)
	if s.rule.Delivery == DeliverLatest {
		ix.supersede(s, e.Key, e.Seq)
	}
	ix.trim(s, ix.clock)
	if ix.unswept++; ix.unswept > 2*len(ix.streams)+1024 {
		ix.Trim(time.UnixMilli(ix.clock))
	}
}

// Trim trims every stream by age.
func (ix *Index[L]) Trim(now time.Time) {
	ix.unswept = 0
	for s := ix.newest; s != nil; s = s.older {
		ix.trim(s, max(ix.clock, now.UnixMilli()))
	}
}

// AddGone adds events that were trimmed before the index was made. Added events
// of the stream that are older count as trimmed as well, as they must have been.
func (ix *Index[L]) AddGone(g Gone) {
	if g.Stream == "" {
		ix.lost = max(ix.lost, g.Through)
		return
	}
	last := g.Through
	if n := len(g.Seqs); n > 0 {
		last = g.Seqs[n-1]
	}
	s := ix.touch(g.Stream, last, g.Time)
	ix.head, ix.clock = max(ix.head, last), max(ix.clock, g.Time)
	for s.kept.len() > 0 && s.kept.at(0).seq < last {
		ix.trimOldest(s)
	}
	if g.Through > s.forgotten {
		ix.forgetThrough(s, g.Through)
	}
	for _, seq := range g.Seqs {
		ix.remember(s, seq)
	}
	s.newestGone = max(s.newestGone, g.Newest)
	ix.vanish(s)
}

// Skip moves the head forward over sequence numbers that no event has. As a
// hole they are reported as lost by the log.
func (ix *Index[L]) Skip(through uint64, asHole bool) {
	if through <= ix.head {
		return
	}
	if asHole {
		ix.holes = append(ix.holes, hole{ix.head, through})
	}
	ix.head = through
}

// Forget trims all events of the stream, whatever the rule says.
func (ix *Index[L]) Forget(stream string) { ix.ForgetThrough(stream, math.MaxUint64) }

// ForgetThrough trims all events of the stream up to the sequence number, whatever the
// rule says.
func (ix *Index[L]) ForgetThrough(stream string, through uint64) {
	s := ix.streams[stream]
	if s == nil {
		return
	}
	for key, seq := range s.keys {
		if seq <= through {
			delete(s.keys, key)
			delete(s.holder, seq)
		}
	}
	if s.rule.Delivery == DeliverLatest {
		s.newestGone = max(s.newestGone, s.lastThrough(through))
	}
	for s.survivors.len() > 0 && s.survivors.at(0).seq <= through {
		ix.dropSurvivor(s, 0)
	}
	for s.kept.len() > 0 && s.kept.at(0).seq <= through {
		ix.trimOldest(s)
	}
}

// Evict trims the stream's events up to the sequence number, whatever the rule says, save
// for those that are the newest of their key.
func (ix *Index[L]) Evict(stream string, through uint64) {
	s := ix.streams[stream]
	for s != nil && s.kept.len() > 0 && s.kept.at(0).seq <= through {
		ix.trimOldest(s)
	}
}

// NewestGone returns up to where events of the stream may be gone that no newer one of
// their key superseded, or zero.
func (ix *Index[L]) NewestGone(stream string) uint64 {
	if s := ix.streams[stream]; s != nil {
		return s.newestGone
	}
	return 0
}

// Has reports whether anything is known of the stream.
func (ix *Index[L]) Has(stream string) bool { return ix.streams[stream] != nil }

// Kept returns what is kept among the positions after from, up to through, in
// order: the first so many of it.
func (ix *Index[L]) Kept(from, through uint64, limit int) []Entry[L] {
	var streams []*indexed[L]
	for s := ix.newest; s != nil && s.last > from; s = s.older {
		streams = append(streams, s)
	}
	all, _ := merge(streams, from, Query{Limit: limit, Bytes: math.MaxInt})
	n := sort.Search(len(all), func(i int) bool { return all[i].Seq > through })
	return all[:n]
}

// Relocate says that an event is kept elsewhere now. It reports false if the
// event is not kept.
func (ix *Index[L]) Relocate(stream string, seq uint64, loc L) bool {
	if s := ix.streams[stream]; s != nil {
		if k := s.find(seq); k != nil {
			k.loc = loc
			return true
		}
	}
	return false
}

// Lose takes out an event that the engine can't read any more, and reports it
// as lost by the log.
func (ix *Index[L]) Lose(stream string, seq uint64) {
	s := ix.streams[stream]
	if s == nil || s.find(seq) == nil {
		return
	}
	if key, ok := s.holder[seq]; ok {
		delete(s.holder, seq)
		delete(s.keys, key)
	}
	i := s.search(seq - 1)
	list, bytes := &s.survivors, &s.spared
	if n := s.survivors.len(); i >= n {
		list, bytes, i = &s.kept, &s.bytes, i-n
	}
	*bytes -= int64(list.at(i).size)
	ix.dropped(list.at(i).loc)
	list.remove(i)
	ix.AddHole(seq-1, seq)
	ix.vanish(s)
}

// AddHole reports the positions after from, up to through, as lost by the log.
func (ix *Index[L]) AddHole(from, through uint64) {
	for i := range ix.holes {
		if h := &ix.holes[i]; from <= h.through && h.from <= through {
			h.from, h.through = min(h.from, from), max(h.through, through)
			return
		}
	}
	i, _ := slices.BinarySearchFunc(ix.holes, from, func(h hole, from uint64) int { return compare(h.from, from) })
	ix.holes = slices.Insert(ix.holes, i, hole{from, through})
}

// Holes calls yield with every hole: positions after from, up to through.
func (ix *Index[L]) Holes(yield func(from, through uint64) bool) {
	for _, h := range ix.holes {
		if !yield(h.from, h.through) {
			return
		}
	}
}

// Gone returns what is known of events that were trimmed among the positions
// after from, up to through, by name of stream. Its Seqs, a million maybe, are
// the index's own: they are valid until the index is changed.
func (ix *Index[L]) Gone(from, through uint64) []Gone {
	var all []Gone
	in := func(seq uint64) bool { return from < seq && seq <= through }
	if in(ix.lost) {
		all = append(all, Gone{Through: ix.lost})
	}
	for name, forgotten := range ix.vanished {
		if in(forgotten) {
			all = append(all, Gone{Stream: name, Through: forgotten})
		}
	}
	for s := ix.newest; s != nil && s.last > from; s = s.older {
		g := Gone{Stream: s.name}
		if s.forgotten > from {
			g.Through = min(s.forgotten, through)
		}
		first, end := after(s.gone.all(), from), after(s.gone.all(), through)
		g.Seqs = s.gone.all()[first:end:end]
		if n := len(g.Seqs); n > 0 && g.Seqs[n-1] == s.last {
			g.Time = s.lastTime
		}
		if s.newestGone > from {
			g.Newest = min(s.newestGone, through)
		}
		if g.Through > 0 || len(g.Seqs) > 0 {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b Gone) int { return strings.Compare(a.Stream, b.Stream) })
	return all
}

// Streams returns what is known of every stream, by name.
func (ix *Index[L]) Streams(now time.Time) []StreamInfo {
	ix.Trim(now)
	all := make([]StreamInfo, 0, len(ix.streams))
	for s := ix.newest; s != nil; s = s.older {
		if s.len() == 0 {
			continue // all that is left of it is what it owes to cursors
		}
		all = append(all, StreamInfo{
			Name: s.name, Events: s.len(), Bytes: s.bytes + s.spared, First: Position{ix.epoch, s.at(0).seq},
			Last: Position{ix.epoch, s.last}, Time: time.UnixMilli(s.lastTime).UTC(),
		})
	}
	slices.SortFunc(all, func(a, b StreamInfo) int { return strings.Compare(a.Name, b.Name) })
	return all
}
