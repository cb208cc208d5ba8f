package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

// maxKeyHeader bounds an Idempotency-Key, which goes to the log together with
// whom and what it is scoped to.
const maxKeyHeader = 255

// smallBody is what fits in the first few packets of a connection.
const smallBody = 8 << 10

// publisher serves publish requests. A request is one batch: all of it is
// stored, or nothing.
type publisher struct {
	hub    *streamgauge.Hub
	text   bool // some stream takes lines of text
	limits config.Limits
	audit  *audit
	rates  *rates
	room   *room
	logger *slog.Logger
	pool   sync.Pool // *request
}

func newPublisher(hub *streamgauge.Hub, rules streamgauge.Rules, limits config.Limits, audit *audit, logger *slog.Logger) *publisher {
	p := &publisher{hub: hub, limits: limits, audit: audit, rates: newRates(limits), room: newRoom(limits), logger: logger}
	p.pool.New = func() any { return &request{most: limits.BatchEvents, place: place{room: p.room}} }
	for _, r := range rules {
		p.text = p.text || r.Format == streamgauge.FormatText
	}
	return p
}

func (p *publisher) isText(stream string) bool {
	return p.text && p.hub.Rule(stream).Format == streamgauge.FormatText
}

// stream serves POST /v1/streams/{stream}/events.
func (p *publisher) stream(w http.ResponseWriter, r *http.Request) { p.serve(w, r, p.parseStream) }

// envelopes serves POST /v1/events.
func (p *publisher) envelopes(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, p.parseEnvelopes)
}

func (p *publisher) serve(w http.ResponseWriter, r *http.Request, parse func(*request, *http.Request) error) {
	q := p.pool.Get().(*request)
	receipt, err := p.publish(w, r, q, parse)
	if err != nil {
		p.writeError(w, r, q, err)
	} else {
		q.body = appendReceipt(q.body[:0], receipt)
		w.Header()["Content-Type"] = jsonContentType
		w.Write(q.body)
		mayWait(r)
	}
	q.place.leave()
	if cap(q.body) <= maxPooledBytes {
		q.reset()
		p.pool.Put(q)
	}
}

var jsonContentType = []string{"application/json"}

func appendReceipt(dst []byte, r streamgauge.Receipt) []byte {
	dst = append(dst, `{"id":"`...)
	dst, _ = r.Position.AppendText(dst)
	dst = append(dst, `","count":`...)
	dst = strconv.AppendInt(dst, int64(r.Count), 10)
	dst = append(dst, `,"level":"`...)
	dst = append(dst, r.Level...)
	dst = append(dst, `","duplicate":`...)
	dst = strconv.AppendBool(dst, r.Duplicate)
	return append(dst, '}', '\n')
}

func (p *publisher) publish(w http.ResponseWriter, r *http.Request, q *request, parse func(*request, *http.Request) error) (receipt streamgauge.Receipt, err error) {
	if q.kind, err = kindOf(r.Header.Get("Content-Type")); err != nil {
		return receipt, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return receipt, err
	}
	now := time.Now()
	left := p.rates.of(r, now)
	if err := left.ready(now); err != nil {
		return receipt, err
	}
	// A small body comes within the time that headers have: setting a deadline
	// costs as much as reading it. net/http takes the deadline away when the body
	// ends. A transport that has none has no connection that a slow body could
	// hold open.
	if r.ContentLength < 0 || r.ContentLength > smallBody {
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(p.limits.BodyTimeout))
	}
	if err := q.read(w, r, p.limits.RequestBytes); err != nil {
		return receipt, err
	}
	if err := parse(q, r); err != nil {
		return receipt, err
	}
	access := streamgauge.AccessOf(r.Context())
	for i := range q.events { // before anything that depends on which streams there are
		if stream := q.events[i].Stream; !access.Writes(stream) {
			return receipt, fmt.Errorf("%w to publish to %q", streamgauge.ErrForbidden, stream)
		}
	}
	// The clock of what is left must not go back: a body may have taken its time.
	if err := left.admit(p.hub, q.events, len(q.body), time.Now()); err != nil {
		return receipt, err
	}
	if len(q.events) == 0 {
		return receipt, refuse(http.StatusBadRequest, "there is no event in the body; send at least one JSON value")
	}
	if key == "" && q.identity != nil {
		key = q.cloudEventsKey()
	}
	if key != "" { // scoped to the publisher and the stream
		publisher := "anonymous"
		if access != nil && access.ID != "" {
			sum := sha256.Sum256([]byte(access.ID)) // of one length, however long the name
			publisher = hex.EncodeToString(sum[:16])
		}
		key = publisher + " " + r.PathValue("stream") + " " + key
	}
	// A client that closes its half of the connection ends the request's context,
	// but waits for the answer: the outcome must be what the answer says.
	ctx := context.Background()
	if access != nil {
		ctx = streamgauge.WithAccess(ctx, access)
	}
	return p.hub.PublishBatch(ctx, streamgauge.Batch{Events: q.events, Key: key})
}

// idempotencyKey returns the header's value, bare or as the quoted string that
// its draft standard asks for.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	switch {
	case len(values) > 1:
		return "", refuse(http.StatusBadRequest, "there is more than one Idempotency-Key")
	case key == "" || len(key) > maxKeyHeader:
		return "", refuse(http.StatusBadRequest, "the Idempotency-Key has %d bytes, it must have 1 to %d", len(key), maxKeyHeader)
	case strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }):
		return "", refuse(http.StatusBadRequest, "the Idempotency-Key has a character that is not printable ASCII")
	}
	return key, nil
}

func (p *publisher) parseStream(q *request, r *http.Request) error {
	e := streamgauge.Event{Stream: r.PathValue("stream")}
	if err := streamParams(r, &e); err != nil {
		return err
	}
	isText := p.isText(e.Stream)
	switch {
	case q.kind == kindText && !isText:
		return refuse(http.StatusUnsupportedMediaType,
			"stream %q takes JSON: send application/json, or set format: text in the rule of the stream", e.Stream)
	case q.kind == kindCloudEvent || q.kind == kindCloudEvents:
		return refuse(http.StatusUnsupportedMediaType, "CloudEvents name their stream themselves: send them to POST /v1/events")
	case q.kind == kindText:
		e.Text = true
		return eachLine(q.body, func(line []byte) error {
			e.Data = line
			return q.add(e)
		})
	}
	return q.values(func(value []byte) error {
		e.Data = value
		if isText {
			one := e
			if err := toText(&one); err != nil {
				return err
			}
			return q.add(one)
		}
		return q.add(e)
	})
}

// streamParams takes ?type=, ?key= and ?time= into the event.
func streamParams(r *http.Request, e *streamgauge.Event) error {
	params, err := parseQuery(r, "type", "key", "time")
	if err != nil || params == nil {
		return err
	}
	e.Type, e.Key = params.Get("type"), params.Get("key")
	if params.Has("time") {
		if e.Time, err = parseTimeText(params.Get("time")); err != nil {
			return refuse(http.StatusBadRequest, "the parameter time %v", err)
		}
	}
	return nil
}

func (p *publisher) parseEnvelopes(q *request, r *http.Request) error {
	if _, err := parseQuery(r); err != nil {
		return err
	}
	switch {
	case q.kind == kindText:
		return refuse(http.StatusUnsupportedMediaType, "lines of text don't say their stream: send them to POST /v1/streams/{stream}/events")
	case q.kind == kindCloudEvents && !startsWith(q.body, '['):
		return refuse(http.StatusBadRequest, "the body is no JSON array, which a batch of CloudEvents is")
	case q.kind == kindCloudEvent && startsWith(q.body, '['):
		return refuse(http.StatusBadRequest, "the body is an array: a batch of CloudEvents is application/cloudevents-batch+json")
	}
	return q.values(func(value []byte) error {
		if err := q.envelope(value); err != nil {
			return err
		}
		if e := &q.events[len(q.events)-1]; p.isText(e.Stream) {
			return toText(e)
		}
		return nil
	})
}

func startsWith(body []byte, c byte) bool {
	i := skipSpace(body, 0)
	return i < len(body) && body[i] == c
}

// toText makes the event of a text stream from a JSON string.
func toText(e *streamgauge.Event) error {
	s, err := unquote(e.Data)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "is for stream %q, which takes lines of text, but its data %v; send a JSON string, or text/plain", e.Stream, err)
	}
	e.Data, e.Text = []byte(s), true
	return nil
}

// values calls yield with every value of the body. A refusal says which one is
// meant.
func (q *request) values(yield func(value []byte) error) error {
	n := 0
	count := func(value []byte) error {
		n++
		return yield(value)
	}
	var err error
	body := trimSpace(q.body)
	switch {
	case q.kind == kindNDJSON:
		err = eachLine(q.body, count)
	case len(body) == 0:
		return nil
	case body[0] == '[':
		if err = splitArray(body, count); err != nil && !isRefusal(err) {
			return refuse(http.StatusBadRequest, "the body is no JSON array: %v", err)
		}
	default:
		err = yield(body)
	}
	if err != nil {
		return q.located(err, n-1)
	}
	return nil
}

// located returns the error, which says which event is meant if it is a refusal.
func (q *request) located(err error, index int) error {
	var why *refusal
	if errors.As(err, &why) && why.status != http.StatusRequestEntityTooLarge {
		return refuse(why.status, "%s%s", q.locate(index), why.detail)
	}
	return err
}

func isRefusal(err error) bool {
	_, ok := err.(*refusal)
	return ok
}

// locate says where in the body the event is, as the beginning of a phrase.
func (q *request) locate(index int) string {
	if index < 0 || q.kind != kindNDJSON && q.kind != kindText {
		if index < 0 {
			return "the event "
		}
		return fmt.Sprintf("event %d: it ", index+1)
	}
	line, found := 0, 0
	for rest := q.body; len(rest) > 0; line++ {
		var one []byte
		if one, rest = cutLine(rest); len(trimSpace(one)) == 0 {
			continue
		}
		if found++; found == index+1 {
			break
		}
	}
	return fmt.Sprintf("line %d: it ", line+1)
}

// eachLine calls yield with every line that is not blank, without white space
// around it if it is JSON, as it is if it is text.
func eachLine(body []byte, yield func(line []byte) error) error {
	for len(body) > 0 {
		var line []byte
		line, body = cutLine(body)
		if len(trimSpace(line)) == 0 {
			continue
		}
		if err := yield(line); err != nil {
			return err
		}
	}
	return nil
}

// cutLine cuts the body after its first line, which ends in LF, CRLF or CR.
func cutLine(body []byte) (line, rest []byte) {
	i := bytes.IndexAny(body, "\r\n")
	if i < 0 {
		return body, nil
	}
	line, rest = body[:i], body[i+1:]
	if body[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest
}

func trimSpace(b []byte) []byte {
	b = b[skipSpace(b, 0):]
	for n := len(b); n > 0; n-- {
		if c := b[n-1]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return b[:n]
		}
	}
	return b[:0]
}

// writeError answers with the problem that the error is.
func (p *publisher) writeError(w http.ResponseWriter, r *http.Request, q *request, err error) {
	var (
		why     *refusal
		fast    *rateError
		batch   *streamgauge.BatchError
		invalid *streamgauge.InvalidError
		status  int
		detail  = strings.TrimPrefix(err.Error(), "streamgauge: ")
	)
	switch {
	case errors.As(err, &why):
		status, detail = why.status, why.detail
	case errors.As(err, &fast):
		status, detail = tooFast(w, fast)
	case errors.As(err, &batch):
		status, detail = http.StatusBadRequest, fmt.Sprintf("%s%v; nothing of the request was stored", q.locateEvent(batch.Index), batch.Err)
	case errors.As(err, &invalid):
		status, detail = http.StatusBadRequest, q.explain(invalid)
	case errors.Is(err, streamgauge.ErrTooLarge):
		status, detail = http.StatusRequestEntityTooLarge, detail+"; nothing of the request was stored"
	case errors.Is(err, streamgauge.ErrForbidden):
		p.audit.refuse(r, callerOf(r).Name, "was not allowed to publish", detail)
		status, detail = http.StatusForbidden, detail+"; nothing of the request was stored"
	case errors.Is(err, streamgauge.ErrReserved):
		status, detail = http.StatusForbidden, detail+"; choose another name"
	case errors.Is(err, streamgauge.ErrTooManyStreams):
		w.Header().Set("Retry-After", "60")
		status = http.StatusTooManyRequests
	case errors.Is(err, streamgauge.ErrKeyReused):
		status, detail = http.StatusUnprocessableEntity, "the Idempotency-Key was used for another request; nothing was stored, use a new key for new events"
	case errors.Is(err, streamgauge.ErrUnavailable), errors.Is(err, streamgauge.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "1")
		status = http.StatusServiceUnavailable
		detail = "the log can't take events now; nothing was stored, try again"
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
			detail = "the log's disk is full; nothing was stored, try again when there is space"
		}
		p.logger.Debug("publish refused", "error", err) // the log says when it begins and ends
	default:
		status, detail = http.StatusInternalServerError, "the server failed; what went wrong is in its log"
		p.logger.Error("publish failed", "error", err)
	}
	streamgauge.NewProblem(status, detail).ServeHTTP(w, r)
}

func (q *request) locateEvent(index int) string {
	return strings.TrimSuffix(q.locate(index), "it ")
}

// explain says what is wrong with an event that is the only one, or of which
// the hub did not say which one it is.
func (q *request) explain(invalid *streamgauge.InvalidError) string {
	if len(q.events) > 1 {
		for i := range q.events {
			if err := q.events[i].Validate(); err != nil {
				return fmt.Sprintf("%s%v; nothing of the request was stored", q.locateEvent(i), err)
			}
		}
	}
	detail := invalid.Error()
	if q.kind == kindForm && invalid.Field == "data" && !json.Valid(q.body) {
		detail += `; a body that curl -d sends is read as JSON, such as {"visitors": 523} or "a string in quotes"`
	}
	return detail
}
