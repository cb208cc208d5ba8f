package streamgauge

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
)

// MaxIDBytes bounds the text form of a [Position]. A browser sends an id of at
// most 128 safe bytes back without a CORS preflight; ours stay well below.
const MaxIDBytes = 64

// Epoch names one life of a log. It changes when the log is replaced, emptied
// or rewound, so that a cursor of the former life is never mistaken for one of
// this life. Zero is no epoch.
type Epoch uint64

// NewEpoch returns a random epoch, never zero.
func NewEpoch() Epoch {
	for {
		if e := Epoch(rand.Uint64()); e != 0 {
			return e
		}
	}
}

// Position is a place in the one total order of a log: after the event with
// this sequence number. Sequence numbers begin at 1, only rise, and are never
// used twice within an epoch; they are not dense for any one viewer.
//
// Its text form, "<epoch>-<seq>", is the SSE event id. It uses
// [A-Za-z0-9._~-] only and at most [MaxIDBytes] bytes. Clients must treat it as
// opaque.
type Position struct {
	Epoch Epoch
	Seq   uint64
}

var errPosition = errors.New("streamgauge: not a position of this server")

// IsZero reports whether p names no place at all.
func (p Position) IsZero() bool { return p == Position{} }

// AppendText appends the text form of p to dst. It implements
// [encoding.TextAppender] and never fails; the zero position has empty text.
func (p Position) AppendText(dst []byte) ([]byte, error) {
	return p.append(dst), nil
}

func (p Position) append(dst []byte) []byte {
	if p.IsZero() {
		return dst
	}
	dst = strconv.AppendUint(dst, uint64(p.Epoch), 36)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, p.Seq, 10)
}

// String returns the text form of p.
func (p Position) String() string { return string(p.append(nil)) }

// MarshalText implements [encoding.TextMarshaler].
func (p Position) MarshalText() ([]byte, error) { return p.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParsePosition].
func (p *Position) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePosition(string(text))
	return err
}

// ParsePosition parses the text form of a position. It accepts exactly what
// [Position.String] produces for a position that is not zero, and nothing else.
func ParsePosition(s string) (Position, error) {
	if len(s) > MaxIDBytes {
		return Position{}, errPosition
	}
	epoch, seq, ok := strings.Cut(s, "-")
	if !ok {
		return Position{}, errPosition
	}
	e, err := strconv.ParseUint(epoch, 36, 64)
	if err != nil || e == 0 {
		return Position{}, errPosition
	}
	n, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		return Position{}, errPosition
	}
	p := Position{Epoch(e), n}
	if p.String() != s { // upper case, leading zeros, a sign
		return Position{}, errPosition
	}
	return p, nil
}

// before returns the position just before this one.
func (p Position) before() Position { return Position{p.Epoch, p.Seq - 1} }
