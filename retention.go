package streamgauge

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// This file is the part of the index that decides what is kept.

func compare(a, b uint64) int { return cmp.Compare(a, b) }

// after returns how many of the rising numbers are not greater than seq.
func after(seqs []uint64, seq uint64) int {
	return sort.Search(len(seqs), func(i int) bool { return seqs[i] > seq })
}

func (s *indexed[L]) len() int { return s.survivors.len() + s.kept.len() }

// at returns the i-th oldest of what is kept, survivors included.
func (s *indexed[L]) at(i int) *kept[L] {
	if n := s.survivors.len(); i >= n {
		return s.kept.at(i - n)
	}
	return s.survivors.at(i)
}

// search returns how many of what is kept are not after seq.
func (s *indexed[L]) search(seq uint64) int {
	return sort.Search(s.len(), func(i int) bool { return s.at(i).seq > seq })
}

func (s *indexed[L]) find(seq uint64) *kept[L] {
	if i := s.search(seq); i > 0 && s.at(i-1).seq == seq {
		return s.at(i - 1)
	}
	return nil
}

// lastThrough returns the stream's newest event up to seq of which anything is known, or
// zero.
func (s *indexed[L]) lastThrough(seq uint64) (last uint64) {
	if s.last <= seq {
		return s.last
	}
	if s.forgotten <= seq {
		last = s.forgotten
	}
	if i := s.search(seq); i > 0 {
		last = max(last, s.at(i-1).seq)
	}
	if i := after(s.gone.all(), seq); i > 0 {
		last = max(last, *s.gone.at(i - 1))
	}
	return last
}

// touch returns the stream as one that has an event with this sequence number,
// and begins it if need be. The streams are listed by their last event, so that
// a reader near the head sees only those that have something for it.
func (ix *Index[L]) touch(name string, seq uint64, appended int64) *indexed[L] {
	s := ix.lastUsed
	if s == nil || s.name != name {
		s = ix.streams[name]
	}
	if s == nil {
		s = &indexed[L]{name: strings.Clone(name), rule: ix.rules.For(name), forgotten: ix.vanished[name]}
		if s.rule.Delivery == DeliverLatest {
			s.newestGone = s.forgotten // or it would not have vanished
		}
		delete(ix.vanished, name)
		ix.streams[s.name] = s
	} else if s != ix.newest {
		ix.unlink(s)
	}
	ix.lastUsed = s
	if seq >= s.last {
		s.last, s.lastTime = seq, max(s.lastTime, appended)
	}
	if s == ix.newest {
		return s
	}
	newer, older := (*indexed[L])(nil), ix.newest
	for older != nil && older.last > s.last { // only while an index is restored
		newer, older = older, older.older
	}
	s.newer, s.older = newer, older
	if newer == nil {
		ix.newest = s
	} else {
		newer.older = s
	}
	if older != nil {
		older.newer = s
	}
	return s
}

func (ix *Index[L]) unlink(s *indexed[L]) {
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		ix.newest = s.older
	}
	if s.older != nil {
		s.older.newer = s.newer
	}
	s.newer, s.older = nil, nil
}

// trim trims what is beyond the bounds of the stream's rule.
func (ix *Index[L]) trim(s *indexed[L], now int64) {
	keep := &s.rule.Keep
	for s.kept.len() > 0 {
		tooMany := keep.Events > 0 && s.kept.len() > keep.Events
		tooBig := keep.Bytes > 0 && s.bytes > keep.Bytes
		tooOld := keep.Age > 0 && now-s.kept.at(0).appended > keep.Age.Milliseconds()
		if !tooMany && !tooBig && !tooOld {
			return
		}
		ix.trimOldest(s)
	}
}

// trimOldest takes the oldest event out of kept. It survives if it is the
// newest of its key.
func (ix *Index[L]) trimOldest(s *indexed[L]) {
	k := s.kept.pop()
	s.bytes -= int64(k.size)
	if _, newest := s.holder[k.seq]; newest {
		s.survivors.push(k)
		s.spared += int64(k.size)
		if s.survivors.len() > maxLatestKeys {
			seq := s.survivors.at(0).seq
			delete(s.keys, s.holder[seq])
			ix.dropSurvivor(s, 0)
			s.newestGone = max(s.newestGone, seq)
		}
		return
	}
	ix.dropped(k.loc)
	ix.remember(s, k.seq)
}

func (ix *Index[L]) dropSurvivor(s *indexed[L], i int) {
	k := *s.survivors.at(i)
	if i == 0 {
		s.survivors.pop()
	} else {
		s.survivors.remove(i)
	}
	s.spared -= int64(k.size)
	delete(s.holder, k.seq)
	ix.dropped(k.loc)
	ix.remember(s, k.seq)
}

// supersede makes the event the newest of its key.
func (ix *Index[L]) supersede(s *indexed[L], key string, seq uint64) {
	if s.keys == nil {
		s.keys, s.holder = make(map[string]uint64), make(map[uint64]string)
	}
	if old, ok := s.keys[key]; ok {
		i, survived := slices.BinarySearchFunc(s.survivors.all(), old, func(k kept[L], seq uint64) int { return compare(k.seq, seq) })
		if survived {
			ix.dropSurvivor(s, i)
		} else {
			delete(s.holder, old)
		}
	} else {
		key = strings.Clone(key)
	}
	s.keys[key], s.holder[seq] = seq, key
}

// maxInsert bounds how many numbers move to make room for one in their middle.
const maxInsert = 1 << 14

// remember notes that the event was trimmed, at the cost of what was trimmed
// long ago. A survivor of long ago is not worth moving thousands of others for:
// how many events those miss who were away since before it, is unknown then.
func (ix *Index[L]) remember(s *indexed[L], seq uint64) {
	if seq <= s.forgotten {
		return
	}
	i := s.gone.len()
	if i > 0 && *s.gone.last() > seq { // survivors go out of order
		i = after(s.gone.all(), seq)
	}
	if s.gone.len()-i > maxInsert {
		s.forgotten = max(s.forgotten, seq)
		return
	}
	switch {
	case i > 0 && *s.gone.at(i - 1) == seq:
		return
	case i == s.gone.len():
		s.gone.push(seq)
	default:
		s.gone.insert(i, seq)
	}
	ix.trimmed.push(s)
	if ix.trimmed.len() > rememberTrimmed {
		oldest := ix.trimmed.pop()
		oldest.forgotten = max(oldest.forgotten, oldest.gone.pop())
		if oldest != s {
			ix.vanish(oldest)
		}
	}
}

// forgetThrough forgets which events up to seq were trimmed.
func (ix *Index[L]) forgetThrough(s *indexed[L], seq uint64) {
	s.forgotten = seq
	n := after(s.gone.all(), seq)
	if n == 0 {
		return
	}
	for range n {
		s.gone.pop()
	}
	// Only while an index is restored, and rare there.
	left := slices.DeleteFunc(slices.Clone(ix.trimmed.all()), func(t *indexed[L]) bool {
		if t != s || n == 0 {
			return false
		}
		n--
		return true
	})
	ix.trimmed = deque[*indexed[L]]{buf: left}
}

// vanish ends a stream of which nothing is kept or remembered. That it has
// forgotten events must not be forgotten with it, or a cursor before them would
// miss them silently.
func (ix *Index[L]) vanish(s *indexed[L]) {
	if s.len() > 0 || s.gone.len() > 0 {
		return
	}
	ix.unlink(s)
	delete(ix.streams, s.name)
	if ix.lastUsed == s {
		ix.lastUsed = nil
	}
	if s.forgotten == 0 {
		return
	}
	if len(ix.vanished) >= rememberVanished {
		ix.lost = max(ix.lost, ix.vanishedMax)
		clear(ix.vanished)
	}
	ix.vanished[s.name] = s.forgotten
	ix.vanishedMax = max(ix.vanishedMax, s.forgotten)
}
