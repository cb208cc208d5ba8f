package check

import (
	"errors"
	"fmt"
)

// The guarantees, as what breaks them.
var (
	// ErrLost: an acknowledged event never came, and no gap declared it.
	ErrLost = errors.New("lost")
	// ErrSilentGap: like ErrLost, which it wraps, but later events of the same
	// publisher did come: delivery went on as if nothing were missing.
	ErrSilentGap = fmt.Errorf("silent gap: %w", ErrLost)
	// ErrFalseGap: a gap declared more events lost than were missing.
	ErrFalseGap = errors.New("false gap")
	// ErrDuplicate: an event came twice.
	ErrDuplicate = errors.New("duplicate")
	// ErrReordered: an event came after a later one of the same publisher on
	// the same stream.
	ErrReordered = errors.New("reordered")
	// ErrPosition: the ids on a connection don't rise: an event's id is not
	// beyond all that were heard before, or a control event's is behind them;
	// or an id is missing or none of ours.
	ErrPosition = errors.New("position out of order")
	// ErrForeign: an event, or a gap, of a stream that was not selected; or an
	// event that had been refused to its publisher.
	ErrForeign = errors.New("foreign event")
	// ErrCorrupt: an event is not as it was published, or was not published at
	// all, or a control event can't be read.
	ErrCorrupt = errors.New("corrupt")
)

// guarantees is in the order in which reports tell of them.
var guarantees = [...]error{ErrLost, ErrSilentGap, ErrFalseGap, ErrDuplicate, ErrReordered, ErrPosition, ErrForeign, ErrCorrupt}

// Violation says that a guarantee is broken. It wraps the guarantee's error.
type Violation struct {
	Guarantee error
	Count     uint64 // of events
	First     string // where and how it was seen first
}

// Error names the guarantee, how often it is broken, and the first case.
func (v *Violation) Error() string {
	return fmt.Sprintf("%v: %d, first: %s", v.Guarantee, v.Count, v.First)
}

// Unwrap returns the guarantee's error.
func (v *Violation) Unwrap() error { return v.Guarantee }

// Report is what one subscriber or several have seen.
type Report struct {
	Events uint64 // that came, including those that should not have
	Gaps   uint64 // that were told
	broken [len(guarantees)]*Violation
}

// Count returns how many events break the guarantee. [ErrLost] counts those of
// [ErrSilentGap] too.
func (r *Report) Count(guarantee error) (n uint64) {
	for _, v := range r.broken {
		if v != nil && errors.Is(v.Guarantee, guarantee) {
			n += v.Count
		}
	}
	return n
}

// Err returns nil if nothing is broken, else one [*Violation] for every broken
// guarantee, joined.
func (r *Report) Err() error {
	var errs []error
	for _, v := range r.broken {
		if v != nil {
			errs = append(errs, v)
		}
	}
	return errors.Join(errs...)
}

// Merge adds what another subscriber has seen.
func (r *Report) Merge(o *Report) {
	r.Events += o.Events
	r.Gaps += o.Gaps
	for i, v := range o.broken {
		switch {
		case v == nil:
		case r.broken[i] == nil:
			first := *v
			r.broken[i] = &first
		default:
			r.broken[i].Count += v.Count
		}
	}
}

// add writes down that count events break a guarantee. Only the first case is
// put into words.
func (r *Report) add(guarantee error, count uint64, format string, args ...any) {
	for i, g := range guarantees {
		if g != guarantee {
			continue
		}
		if r.broken[i] == nil {
			r.broken[i] = &Violation{Guarantee: g, First: fmt.Sprintf(format, args...)}
		}
		r.broken[i].Count += count
	}
}
