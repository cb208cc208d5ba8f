package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"
)

// DefaultMaxBytes is the limit of a [Decoder] that is given none.
const DefaultMaxBytes = 4 << 20

// A decoder's buffer begins with minBuffer bytes and grows with the longest
// line. At most maxRead bytes are read at once: it bounds what is looked at
// again when a stream mixes its line ends.
const (
	minBuffer = 4 << 10
	maxRead   = 32 << 10
)

// maxEmptyReads is how often in a row a reader may return nothing.
const maxEmptyReads = 100

// ErrTooLong is wrapped by the error about a line, or the data of an event,
// that exceeds a decoder's limit.
var ErrTooLong = errors.New("sse: too long")

// Event is what a client dispatches.
type Event struct {
	// ID is the last event id as it stood when the event was dispatched. It
	// persists over events that bring none of their own.
	ID string
	// Type is "message" if the stream gave none.
	Type string
	// Data is the event's data lines, joined with LF. It is valid until the
	// next call of Next.
	Data []byte
}

// Decoder reads the events of one connection. It is not safe for concurrent
// use.
type Decoder struct {
	// MaxBytes is the most bytes that a line without its end, and the data of
	// one event, may measure. Zero and less means [DefaultMaxBytes]. Set it
	// before the first call of Next.
	MaxBytes int

	// OnComment, if set, is called by Next with the text of every comment, less
	// the colon: servers send them as signs of life. The text is valid during
	// the call.
	OnComment func(text []byte)

	r          io.Reader
	readErr    error  // came with the last bytes read
	err        error  // what Next returned; stays
	buf        []byte // buf[start:end] is read but not consumed
	start, end int
	begun      bool // whether a byte order mark was looked for
	skipLF     bool // the last line ended in CR: an LF that follows belongs to it

	data   []byte // the standard's data buffer
	typ    []byte // its event type buffer
	id     []byte // its last event ID buffer
	lastID string // its last event ID string

	lastType string // saves an allocation per event
	retry    time.Duration
	hasRetry bool
}

// NewDecoder returns a decoder that reads from r. It reads ahead, but never
// waits for a byte that it doesn't need: an event is handed out when the CR or
// LF that ends its blank line is there.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{r: r} }

// Next returns the next event. At the end of the stream it returns [io.EOF], and
// what had not been dispatched by then is discarded, its id with it. Other
// errors are the reader's, or wrap [ErrTooLong]. After an error every call
// returns the same one.
//
// Bytes that are not UTF-8 become U+FFFD, as in a browser.
func (d *Decoder) Next() (Event, error) {
	if d.err != nil {
		return Event{}, d.err
	}
	d.data = d.data[:0]
	for {
		line, err := d.line()
		if err == nil && len(line) > 0 {
			err = d.field(line)
		}
		if err != nil {
			d.err = err
			return Event{}, err
		}
		if len(line) > 0 {
			continue
		}
		if string(d.id) != d.lastID {
			d.lastID = string(d.id)
		}
		if len(d.data) > 0 {
			return d.dispatch(), nil
		}
		d.typ = d.typ[:0]
	}
}

func (d *Decoder) dispatch() Event {
	switch {
	case len(d.typ) == 0:
		d.lastType = "message"
	case string(d.typ) != d.lastType:
		d.lastType = string(d.typ)
	}
	d.typ = d.typ[:0]
	return Event{ID: d.lastID, Type: d.lastType, Data: d.data[:len(d.data)-1]}
}

// LastEventID returns the last event id: what a client sends as Last-Event-ID
// when it reconnects. Blocks without data move it too.
func (d *Decoder) LastEventID() string { return d.lastID }

// Retry returns the reconnection time that the stream asked for last, in whole
// milliseconds, and whether it asked for one. What a [time.Duration] can't hold
// is cut to the longest that it can.
func (d *Decoder) Retry() (time.Duration, bool) { return d.retry, d.hasRetry }

func (d *Decoder) limit() int {
	if d.MaxBytes > 0 {
		return d.MaxBytes
	}
	return DefaultMaxBytes
}

// field processes a line that is not blank.
func (d *Decoder) field(line []byte) error {
	name, value, hasColon := bytes.Cut(line, []byte{':'})
	if hasColon && len(name) == 0 {
		if d.OnComment != nil {
			d.OnComment(toUTF8(value))
		}
		return nil
	}
	value = toUTF8(bytes.TrimPrefix(value, []byte{' '}))
	switch string(name) {
	case "data":
		// The LF that joins the lines is counted, but not the last one.
		if len(d.data)+len(value) > d.limit() {
			return fmt.Errorf("%w: the data of an event is more than %d bytes", ErrTooLong, d.limit())
		}
		d.data = append(d.data, value...)
		d.data = append(d.data, '\n')
	case "event":
		d.typ = append(d.typ[:0], value...)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			d.id = append(d.id[:0], value...)
		}
	case "retry":
		if ms, ok := parseDigits(value); ok {
			d.retry, d.hasRetry = ms, true
		}
	}
	return nil
}

// parseDigits reads a number of milliseconds: ASCII digits and nothing else.
func parseDigits(value []byte) (time.Duration, bool) {
	const most = math.MaxInt64 / int64(time.Millisecond)
	var n int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), most)
	}
	return time.Duration(n) * time.Millisecond, len(value) > 0
}

// line returns the next line without its end. It is valid until the next call.
func (d *Decoder) line() ([]byte, error) {
	for seen := 0; ; {
		if d.trim() {
			rest := d.buf[d.start:d.end]
			i := lineEnd(rest[seen:])
			if i < 0 {
				seen = len(rest)
			} else {
				seen += i
			}
			if seen > d.limit() {
				return nil, fmt.Errorf("%w: a line is more than %d bytes", ErrTooLong, d.limit())
			}
			if i >= 0 {
				d.start += seen + 1
				d.skipLF = rest[seen] == '\r'
				return rest[:seen], nil
			}
		}
		if err := d.fill(); err != nil {
			return nil, err
		}
	}
}

var byteOrderMark = []byte("\uFEFF")

// trim drops what precedes the next line: the byte order mark, and the LF of a
// CRLF whose CR has ended its line already. It reports whether what follows can
// be looked at, or more must be read to know.
func (d *Decoder) trim() bool {
	rest := d.buf[d.start:d.end]
	if len(rest) == 0 {
		return false
	}
	if !d.begun {
		if len(rest) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, rest) {
			return false
		}
		d.begun = true
		if bytes.HasPrefix(rest, byteOrderMark) {
			d.start += len(byteOrderMark)
		}
	}
	if d.skipLF {
		d.skipLF = false
		if rest[0] == '\n' {
			d.start++
		}
	}
	return d.start < d.end
}

// lineEnd returns the index of the first CR or LF, or -1.
func lineEnd(b []byte) int {
	i := bytes.IndexByte(b, '\n')
	if i >= 0 {
		b = b[:i]
	}
	if j := bytes.IndexByte(b, '\r'); j >= 0 {
		return j
	}
	return i
}

// fill reads once more into the buffer, which it makes room in first. It
// returns an error only if nothing was read.
func (d *Decoder) fill() error {
	if d.start > 0 {
		d.end = copy(d.buf, d.buf[d.start:d.end])
		d.start = 0
	}
	if d.end >= len(d.buf)/2 {
		grown := make([]byte, max(2*len(d.buf), minBuffer))
		copy(grown, d.buf[:d.end])
		d.buf = grown
	}
	for range maxEmptyReads {
		if d.readErr != nil {
			return d.readErr
		}
		var n int
		n, d.readErr = d.r.Read(d.buf[d.end:min(len(d.buf), d.end+maxRead)])
		d.end += n
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// toUTF8 replaces every maximal part of an ill-formed sequence with U+FFFD, as
// the WHATWG Encoding standard's decoder does.
func toUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			size = illFormed(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[size:]
	}
	return out
}

// illFormed returns how many bytes at the start of b, which is no whole
// character, one U+FFFD stands for: the longest beginning of a character, or 1.
func illFormed(b []byte) int {
	lo, hi := byte(0x80), byte(0xBF) // of the second byte
	var size int
	switch c := b[0]; {
	case 0xC2 <= c && c <= 0xDF:
		size = 2
	case 0xE0 <= c && c <= 0xEF:
		size = 3
	case 0xF0 <= c && c <= 0xF4:
		size = 4
	default:
		return 1
	}
	switch b[0] {
	case 0xE0:
		lo = 0xA0
	case 0xED:
		hi = 0x9F
	case 0xF0:
		lo = 0x90
	case 0xF4:
		hi = 0x8F
	}
	n := 1
	for n < size && n < len(b) && lo <= b[n] && b[n] <= hi {
		lo, hi = 0x80, 0xBF
		n++
	}
	return n
}
