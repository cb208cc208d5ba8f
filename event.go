package streamgauge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// What an event may measure. The size of its data is limited by the hub
// ([Limits]), since it is a matter of configuration.
const (
	MaxStreamBytes = 200 // a stream's name
	MaxTypeBytes   = 64  // an event's type
	MaxKeyBytes    = 256 // an event's key
)

// ReservedPrefix begins the names of the hub's own streams and the types of
// its control events. Publishers may use it for neither.
const ReservedPrefix = "hub."

// Event is one thing that happened.
type Event struct {
	// Stream is the stream's name: dot-separated tokens of [A-Za-z0-9_-], at
	// most [MaxStreamBytes] bytes.
	Stream string

	// ID is the event's position. The log assigns it; what a publisher puts
	// here is ignored.
	ID Position

	// Type is optional: at most [MaxTypeBytes] bytes of [A-Za-z0-9._:/-], not
	// beginning with [ReservedPrefix].
	Type string

	// Time is when it happened, from 1970 to 2261; zero means when it is
	// appended. It never orders anything.
	Time time.Time

	// Key names what the event is the newest value of, for conflation. Empty
	// means that the stream as a whole has one newest value. At most
	// [MaxKeyBytes] bytes of UTF-8 without control characters.
	Key string

	// Data is one JSON value or, if Text is set, one line of text without a
	// line end. It must be UTF-8. A log keeps its own copy.
	Data []byte

	// Text says that Data is a line of text and not JSON.
	Text bool

	// Appended is the log's own clock when the event was appended. The log
	// assigns it. It never runs backwards within a log; age and "since" go by
	// it.
	Appended time.Time
}

// ErrInvalid is wrapped by every error about an event that no log accepts.
var ErrInvalid = errors.New("streamgauge: invalid event")

// InvalidError says which member of an event is wrong and why. It wraps
// [ErrInvalid].
type InvalidError struct {
	Field  string // "stream", "type", "time", "key" or "data"
	Reason string // a phrase such as "is empty"
}

// Error names the member and says what is wrong with it.
func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

// Unwrap returns [ErrInvalid].
func (e *InvalidError) Unwrap() error { return ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &InvalidError{field, fmt.Sprintf(format, args...)}
}

var (
	minTime = time.Unix(0, 0)
	maxTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC) // int64 nanoseconds end here
)

// Validate reports the first thing about the event that makes it
// unfit to be stored, as an [*InvalidError]. Every log calls it in Append, so
// that nobody can publish around it.
func (e *Event) Validate() error {
	if err := CheckStream(e.Stream); err != nil {
		return err
	}
	if err := CheckType(e.Type); err != nil {
		return err
	}
	if err := CheckKey(e.Key); err != nil {
		return err
	}
	if !e.Time.IsZero() && (e.Time.Before(minTime) || !e.Time.Before(maxTime)) {
		return invalid("time", "is %s, it must be from 1970 to 2261", e.Time.Format(time.RFC3339))
	}
	switch {
	case !utf8.Valid(e.Data):
		return invalid("data", "is not valid UTF-8")
	case e.Text && hasLineEnd(e.Data):
		return invalid("data", "is text of more than one line")
	case !e.Text && len(e.Data) == 0:
		return invalid("data", "is missing")
	case !e.Text && !json.Valid(e.Data):
		return invalid("data", "is not a JSON value: %s", jsonFault(e.Data))
	case !e.Text && hasLineEnd(e.Data):
		return invalid("data", "has a line end between its JSON tokens; compact it first")
	}
	return nil
}

func hasLineEnd(data []byte) bool {
	return bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0
}

func jsonFault(data []byte) string {
	var v any
	err := json.Unmarshal(data, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("%s at byte %d", syntax, syntax.Offset)
	}
	return fmt.Sprint(err)
}

// CheckStream reports what is wrong with a stream's name, or nil.
func CheckStream(name string) error {
	switch {
	case name == "":
		return invalid("stream", "is empty")
	case len(name) > MaxStreamBytes:
		return invalid("stream", "is %d bytes long, at most %d are allowed", len(name), MaxStreamBytes)
	}
	if plainStream(name) {
		return nil
	}
	for token := range strings.SplitSeq(name, ".") {
		if err := checkToken(token); err != nil {
			return invalid("stream", "%q: %v", name, err)
		}
	}
	return nil
}

// plainStream says at a glance that there is nothing wrong with a name.
func plainStream(name string) bool {
	last := byte('.')
	for i := range len(name) {
		c := name[i]
		if !isWordByte(c) && c != '_' && c != '-' && (c != '.' || last == '.') {
			return false
		}
		last = c
	}
	return last != '.'
}

func checkToken(token string) error {
	if token == "" {
		return errors.New("a token between dots is empty")
	}
	for _, c := range token {
		if c >= utf8.RuneSelf || !isWordByte(byte(c)) && c != '_' && c != '-' {
			return fmt.Errorf("%q is not allowed in a stream name, only letters, digits, '_', '-' and dots between tokens", c)
		}
	}
	return nil
}

// CheckType reports what is wrong with an event's type, or nil. Empty is fine.
func CheckType(t string) error {
	switch {
	case len(t) > MaxTypeBytes:
		return invalid("type", "is %d bytes long, at most %d are allowed", len(t), MaxTypeBytes)
	case strings.HasPrefix(t, ReservedPrefix):
		return invalid("type", "%q begins with %q, which is reserved for the hub's own events", t, ReservedPrefix)
	}
	for i := range len(t) {
		if c := t[i]; !isWordByte(c) && !strings.ContainsRune("._:/-", rune(c)) {
			return invalid("type", "%q has %q, only letters, digits and ._:/- are allowed", t, rune(c))
		}
	}
	return nil
}

// CheckKey reports what is wrong with an event's key, or nil. Empty is fine.
func CheckKey(key string) error {
	switch {
	case len(key) > MaxKeyBytes:
		return invalid("key", "is %d bytes long, at most %d are allowed", len(key), MaxKeyBytes)
	case !utf8.ValidString(key):
		return invalid("key", "is not valid UTF-8")
	}
	for _, c := range key {
		if c < 0x20 || c >= 0x7f && c < 0xa0 {
			return invalid("key", "%q has a control character", key)
		}
	}
	return nil
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// AppendJSON appends the event's envelope to dst: one JSON object on one line
// with the members stream, id, type, time, key and data; what is absent is left
// out. Text data becomes a JSON string. Times are RFC 3339 in UTC.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"stream":"`...)
	dst = append(dst, e.Stream...) // names and types need no escaping
	if !e.ID.IsZero() {
		dst = append(dst, `","id":"`...)
		dst = e.ID.append(dst)
	}
	if e.Type != "" {
		dst = append(dst, `","type":"`...)
		dst = append(dst, e.Type...)
	}
	if !e.Time.IsZero() {
		dst = append(dst, `","time":"`...)
		dst = e.Time.UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	dst = append(dst, '"')
	if e.Key != "" {
		dst = append(dst, `,"key":`...)
		dst = appendJSONString(dst, e.Key)
	}
	dst = append(dst, `,"data":`...)
	if e.Text {
		dst = appendJSONString(dst, e.Data)
	} else {
		dst = append(dst, e.Data...)
	}
	return append(dst, '}')
}

// appendJSONString appends s, which is valid UTF-8, as a JSON string.
func appendJSONString[S string | []byte](dst []byte, s S) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// BatchError says which event of a batch is invalid.
type BatchError struct {
	Index int // from 0
	Err   error
}

// Error says which event is wrong, counted from 1, and why.
func (e *BatchError) Error() string { return fmt.Sprintf("event %d: %v", e.Index+1, e.Err) }

// Unwrap returns the error about the event.
func (e *BatchError) Unwrap() error { return e.Err }
