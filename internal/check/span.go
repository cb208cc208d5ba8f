package check

// A span is events from first to last of one publisher on one stream.
type span struct{ first, last uint64 }

func (s span) size() uint64 {
	if s.last < s.first {
		return 0
	}
	return s.last - s.first + 1
}

func (s span) overlap(o span) uint64 {
	return span{max(s.first, o.first), min(s.last, o.last)}.size()
}

// spans are disjoint.
type spans []span

// add appends a span, or makes the last one longer.
func (s *spans) add(o span) {
	if o.size() == 0 {
		return
	}
	if n := len(*s); n > 0 && (*s)[n-1].last+1 == o.first {
		(*s)[n-1].last = o.last
		return
	}
	*s = append(*s, o)
}

func (s spans) size() (n uint64) {
	for _, one := range s {
		n += one.size()
	}
	return n
}

// within returns how many events of s are in o.
func (s spans) within(o span) (n uint64) {
	for _, one := range s {
		n += one.overlap(o)
	}
	return n
}
