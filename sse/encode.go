package sse

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxFieldBytes bounds ids and types. A browser sends an id of more than 128
// bytes back only after a CORS preflight.
const MaxFieldBytes = 128

// AppendEvent appends a whole block: an id line unless id is empty, an event
// line unless typ is empty, the data lines and the blank line. A client
// dispatches it as exactly one event whose data is data with every CR and CRLF
// turned into LF. Data that is empty is dispatched as an empty string.
//
// The id and the type should satisfy [CheckID] and [CheckType]; see [AppendID]
// for what becomes of those that would break the block. Data that is not UTF-8
// reaches the client with U+FFFD in the place of what isn't.
func AppendEvent(dst []byte, id, typ string, data []byte) []byte {
	dst = AppendID(dst, id)
	dst = AppendType(dst, typ)
	dst = AppendData(dst, data)
	return AppendEnd(dst)
}

// AppendID appends an id line. It appends nothing if the id is empty, since an
// empty id would make the client forget where it is, or has a CR, LF or NUL,
// which no id can have.
func AppendID[S string | []byte](dst []byte, id S) []byte {
	return appendField(dst, "id: ", id)
}

// AppendType appends an event line, which gives the event its type. It appends
// nothing if the type is empty, which means "message", or has a CR, LF or NUL.
func AppendType[S string | []byte](dst []byte, typ S) []byte {
	return appendField(dst, "event: ", typ)
}

func appendField[S string | []byte](dst []byte, name string, value S) []byte {
	for i := range len(value) {
		if c := value[i]; c == '\n' || c == '\r' || c == 0 {
			return dst
		}
	}
	if len(value) == 0 {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, value...)
	return append(dst, '\n')
}

// AppendData appends data lines, one for each line of data, and an empty one if
// data is empty. The blank after the colon is always there, so that data which
// begins with one keeps it.
func AppendData(dst, data []byte) []byte {
	if bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0 {
		return appendLines(dst, "data: ", data)
	}
	dst = append(dst, "data: "...)
	dst = append(dst, data...)
	return append(dst, '\n')
}

// AppendEnd appends the blank line that ends a block. A block without data
// lines is not dispatched, but its id counts.
func AppendEnd(dst []byte) []byte { return append(dst, '\n') }

// AppendRetry appends a retry line, which tells the client how long to wait
// before it reconnects: in whole milliseconds, rounded down, at least 1. It
// counts as soon as the line is read, without a block around it.
func AppendRetry(dst []byte, d time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, max(d.Milliseconds(), 1), 10)
	return append(dst, '\n')
}

// AppendComment appends a comment line for each line of text. Page code never
// sees it.
func AppendComment(dst []byte, text string) []byte {
	return appendLines(dst, ": ", text)
}

// appendLines appends every line of text after the prefix. It looks at each
// byte once, so that no mix of line ends makes it slow.
func appendLines[S string | []byte](dst []byte, prefix string, text S) []byte {
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\n' && c != '\r' {
			continue
		}
		dst = append(dst, prefix...)
		dst = append(dst, text[start:i]...)
		dst = append(dst, '\n')
		if c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			i++
		}
		start = i + 1
	}
	dst = append(dst, prefix...)
	dst = append(dst, text[start:]...)
	return append(dst, '\n')
}

// CheckID reports what makes s unfit to be an event's id, or nil: it must not
// be empty (that resets the client's id), longer than [MaxFieldBytes], or have
// control characters (CR and LF end the line, NUL makes the client ignore it)
// or a blank at either end (HTTP strips it from the Last-Event-ID header), and
// must be UTF-8.
func CheckID(s string) error {
	if s == "" {
		return errors.New("id is empty")
	}
	return checkField("id", s)
}

// CheckType reports what makes s unfit to be an event's type, or nil. The rules
// are those of [CheckID], but a type may be empty.
func CheckType(s string) error { return checkField("type", s) }

func checkField(name, s string) error {
	switch {
	case len(s) > MaxFieldBytes:
		return fmt.Errorf("%s is %d bytes long, at most %d are allowed", name, len(s), MaxFieldBytes)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s %q is not valid UTF-8", name, s)
	case strings.HasPrefix(s, " ") || strings.HasSuffix(s, " "):
		return fmt.Errorf("%s %q begins or ends with a blank", name, s)
	}
	for i, c := range s {
		if c < 0x20 || c == 0x7f {
			return fmt.Errorf("%s %q has a control character at byte %d", name, s, i)
		}
	}
	return nil
}
