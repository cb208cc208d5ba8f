package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A response reads the answers of one HTTP/1.1 connection as they arrive, in
// pieces of any size.
type response struct {
	state  responseState
	status int
	line   []byte // what there is of a head, or of a chunk's head
	left   int    // bytes of the body, or of the chunk, to come
}

type responseState uint8

const (
	inHead       responseState = iota
	inBody                     // of known length
	inChunkHead                // the line that says how long a chunk is
	inChunk                    // its data
	inChunkEnd                 // the line end after it
	inTrailer                  // what ends the last one
	untilClosing               // a body without a length
)

const maxHead = 64 << 10

var (
	errHead   = errors.New("the server's answer has a head that is too long")
	errClosed = errors.New("the server closed the connection")
)

// next takes bytes off p. It returns a piece of a body, if there is one, what
// is left of p, and whether an answer is complete. The status is that of the
// answer that the piece, or the end, belongs to.
func (r *response) next(p []byte) (body, rest []byte, done bool, err error) {
	switch r.state {
	case inHead:
		var head []byte
		if head, rest, err = r.until(p, "\r\n\r\n"); head == nil {
			return nil, rest, false, err
		}
		if err := r.parseHead(string(head)); err != nil {
			return nil, nil, false, err
		}
		return nil, rest, r.state == inHead, nil
	case inBody, inChunk:
		n := min(r.left, len(p))
		r.left -= n
		switch {
		case r.left > 0:
		case r.state == inBody:
			r.state, done = inHead, true
		default:
			r.state = inChunkEnd
		}
		return p[:n], p[n:], done, nil
	case inChunkHead:
		var line []byte
		if line, rest, err = r.until(p, "\r\n"); line == nil {
			return nil, rest, false, err
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return nil, nil, false, fmt.Errorf("the server's answer has a chunk of size %q", line)
		}
		r.left, r.state = int(size), inChunk
		if size == 0 {
			r.state = inTrailer
		}
		return nil, rest, false, nil
	case inChunkEnd, inTrailer:
		var line []byte
		if line, rest, err = r.until(p, "\r\n"); line == nil {
			return nil, rest, false, err
		}
		if done = r.state == inTrailer; done {
			r.state = inHead
		} else {
			r.state = inChunkHead
		}
		return nil, rest, done, nil
	}
	return p, nil, false, nil
}

// until collects what comes before an end mark. It returns nil as long as that
// has not come.
func (r *response) until(p []byte, end string) (before, rest []byte, err error) {
	if len(r.line) == 0 {
		if i := bytes.Index(p, []byte(end)); i >= 0 {
			return p[:i:i], p[i+len(end):], nil
		}
	}
	seen := max(len(r.line)-len(end)+1, 0)
	had := len(r.line)
	r.line = append(r.line, p...)
	i := bytes.Index(r.line[seen:], []byte(end))
	if i < 0 {
		if len(r.line) > maxHead {
			return nil, nil, errHead
		}
		return nil, nil, nil
	}
	before = r.line[: seen+i : seen+i]
	rest = p[seen+i+len(end)-had:]
	r.line = r.line[:0]
	return before, rest, nil
}

// parseHead sets the state that follows a head.
func (r *response) parseHead(head string) error {
	first, fields, _ := strings.Cut(head, "\r\n")
	version, status, _ := strings.Cut(first, " ")
	code, _, _ := strings.Cut(status, " ")
	var err error
	if r.status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(version, "HTTP/1.") {
		return fmt.Errorf("the server's answer begins with %.100q, which is not HTTP/1.1", first)
	}
	r.state = untilClosing
	for field := range strings.SplitSeq(fields, "\r\n") {
		name, value, _ := strings.Cut(field, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Transfer-Encoding") && strings.EqualFold(value, "chunked"):
			r.state = inChunkHead
			return nil
		case strings.EqualFold(name, "Content-Length"):
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return fmt.Errorf("the server's answer has the Content-Length %q", value)
			}
			if r.left, r.state = int(n), inBody; n == 0 {
				r.state = inHead
			}
		}
	}
	return nil
}
