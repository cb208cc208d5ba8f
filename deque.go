package streamgauge

import "slices"

// deque is a queue over one slice. Pushing and popping take constant time on
// average, what has been popped is given back to the collector, and so is room for
// many elements that only a few of them need.
type deque[T any] struct {
	buf  []T
	head int
}

const (
	dequeSmall = 1024 // elements of which room is never given back
	dequeSpare = 8    // times the room that is needed is too much
)

func (d *deque[T]) len() int          { return len(d.buf) - d.head }
func (d *deque[T]) at(i int) *T       { return &d.buf[d.head+i] }
func (d *deque[T]) all() []T          { return d.buf[d.head:] }
func (d *deque[T]) last() *T          { return &d.buf[len(d.buf)-1] }
func (d *deque[T]) insert(i int, v T) { d.buf = slices.Insert(d.buf, d.head+i, v) }
func (d *deque[T]) remove(i int)      { d.buf = slices.Delete(d.buf, d.head+i, d.head+i+1) }

func (d *deque[T]) push(v T) {
	if len(d.buf) == cap(d.buf) && d.head > len(d.buf)/4 {
		d.compact()
	}
	d.buf = append(d.buf, v)
}

// compact moves the elements to the front, into a smaller slice when most of
// the present one is unused.
func (d *deque[T]) compact() {
	n := d.len()
	if n < cap(d.buf)/dequeSpare {
		d.buf = append(make([]T, 0, 2*n), d.all()...)
	} else {
		copy(d.buf, d.all())
		clear(d.buf[n:])
		d.buf = d.buf[:n]
	}
	d.head = 0
}

func (d *deque[T]) pop() T {
	v := d.buf[d.head]
	clear(d.buf[d.head : d.head+1])
	d.head++
	switch {
	case cap(d.buf) <= dequeSmall:
		if d.len() == 0 {
			d.buf, d.head = d.buf[:0], 0
		}
	case d.len() < cap(d.buf)/dequeSpare:
		d.compact()
	}
	return v
}
