package server

import (
	"compress/gzip"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// kind is what a body consists of.
type kind int

const (
	kindJSON        kind = iota // a value, or an array of them
	kindForm                    // JSON that curl -d calls a form
	kindNDJSON                  // a value per line
	kindText                    // lines of text
	kindCloudEvent              // one CloudEvent
	kindCloudEvents             // an array of them
)

// kindOf returns what the Content-Type says. Without one a body is JSON.
func kindOf(contentType string) (kind, error) {
	switch contentType { // what nearly everybody sends, without parsing it
	case "", "application/json":
		return kindJSON, nil
	case "application/x-ndjson":
		return kindNDJSON, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, refuse(http.StatusUnsupportedMediaType, "the Content-Type %q can't be read: %v", contentType, err)
	}
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return 0, refuse(http.StatusUnsupportedMediaType, "the body's charset is %s, only UTF-8 is accepted", charset)
	}
	switch media {
	case "application/json":
		return kindJSON, nil
	case "application/x-www-form-urlencoded":
		return kindForm, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return kindNDJSON, nil
	case "text/plain":
		return kindText, nil
	case "application/cloudevents+json":
		return kindCloudEvent, nil
	case "application/cloudevents-batch+json":
		return kindCloudEvents, nil
	}
	if strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json") {
		return kindJSON, nil
	}
	return 0, refuse(http.StatusUnsupportedMediaType,
		"the Content-Type %s is not accepted; send application/json, application/x-ndjson, application/cloudevents+json, or text/plain to a stream of text", media)
}

// refusal is why a request is not served, in words for the one who sent it.
type refusal struct {
	status int
	detail string
}

func (e *refusal) Error() string { return e.detail }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// request is the memory of one publish request. It is used again for later
// ones.
type request struct {
	kind     kind
	body     []byte
	events   []streamgauge.Event
	most     int       // events that are allowed
	identity hash.Hash // of the CloudEvents in the request; nil if there are none
	gzip     gzip.Reader
	place    place
}

// maxPooledBytes is the largest buffer that is kept for later requests.
const maxPooledBytes = 1 << 20

func (q *request) reset() {
	clear(q.events)
	q.events, q.body, q.identity = q.events[:0], q.body[:0], nil
}

// add takes an event into the batch. Parsing ends with the first that is too
// many, so that a small body of a million values can't fill the memory.
func (q *request) add(e streamgauge.Event) error {
	if len(q.events) == q.most {
		return refuse(http.StatusRequestEntityTooLarge,
			"the request has more than %d events (limits.batch_events); nothing of it was stored, send several requests", q.most)
	}
	q.events = append(q.events, e)
	return nil
}

// read reads and decompresses the body, of limit bytes at most.
func (q *request) read(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	// One byte beyond the length finds the end without another growth. A length
	// is only a claim, which costs little before it is true.
	if n := max(min(int(r.ContentLength), smallBody)+1, 512); cap(q.body) < n || !q.place.hold(r, cap(q.body)) {
		q.body = make([]byte, 0, n)
	}
	var (
		src    io.Reader = r.Body
		packed *arrival
	)
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		packed = &arrival{Reader: http.MaxBytesReader(w, r.Body, limit)}
		if err := q.gzip.Reset(packed); err != nil {
			return bodyError(err, packed, limit)
		}
		src = &q.gzip
	default:
		w.Header().Set("Accept-Encoding", "gzip")
		return refuse(http.StatusUnsupportedMediaType, "the Content-Encoding %q is not accepted; send gzip, or leave it out", encoding)
	}
	for {
		if len(q.body) == cap(q.body) {
			if packed != nil && len(q.body) > maxUnpacked && len(q.body) > maxRatio*packed.size {
				return refuse(http.StatusRequestEntityTooLarge,
					"the body unpacks to more than %d times what was sent; nothing of it was stored, send several requests, of 1 MiB unpacked at most, or leave gzip out", maxRatio)
			}
			size := min(2*len(q.body), int(limit)+1)
			if n := r.ContentLength + 1; packed == nil && n > 0 {
				size = min(size, max(int(n), len(q.body)+1))
			}
			if !q.place.hold(r, size) {
				w.Header().Set("Retry-After", "1")
				return refuse(http.StatusServiceUnavailable,
					"the bodies that are being published take all that they may together (limits.publishing_bytes), or half of it yours alone; nothing of the request was stored, try again")
			}
			q.body = append(make([]byte, 0, size), q.body...)
		}
		n, err := src.Read(q.body[len(q.body):cap(q.body)])
		q.body = q.body[:len(q.body)+n]
		switch {
		case int64(len(q.body)) > limit:
			return tooLarge(limit)
		case err == io.EOF:
			return nil
		case err != nil:
			return bodyError(err, packed, limit)
		}
	}
}

// Beyond the first bytes a body that unpacks to more than so many times its size is made to
// keep the server busy: events that differ in a digit pack to a two-hundredth, and no gzip
// packs to less than a thousandth.
const (
	maxUnpacked = 1 << 20
	maxRatio    = 500
)

// arrival is a packed body as it arrives. It remembers how that failed: any
// other error in unpacking it is the body's.
type arrival struct {
	io.Reader
	size int // so far
	err  error
}

func (a *arrival) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	a.size += n
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}

func tooLarge(limit int64) error {
	return refuse(http.StatusRequestEntityTooLarge,
		"the body is larger than %d bytes (limits.request_bytes); nothing of it was stored, send several requests", limit)
}

// bodyError says why the body can't be read; packed is nil if it is as it was
// sent.
func bodyError(err error, packed *arrival, limit int64) error {
	if packed != nil {
		if packed.err == nil {
			return refuse(http.StatusBadRequest, "the body is not the gzip that its Content-Encoding says: %v; nothing of it was stored", err)
		}
		err = packed.err
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "the body did not arrive in time (limits.body_timeout); nothing of it was stored")
	}
	return refuse(http.StatusBadRequest, "the body ended early: %v; nothing of it was stored", err)
}
