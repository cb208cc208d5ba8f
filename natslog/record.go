package natslog

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

// An event is a message in the log's stream, with the event's number as its sequence
// number. Its subject is
//
//	<log>.e.<bucket>.<stream>
//
// Its body is what [replica.AppendBody] writes. A batch's idempotency key is in a header
// of its last message, whose bucket is that of the key: the server checks with it that
// nobody else has used the key meanwhile. Other messages have the bucket noKey.
const (
	headerKey      = "Sg-Key"      // key, fingerprint and number of events of the batch that ends here
	headerAppended = "Sg-Appended" // in Unix milliseconds, where another clock than the server's says so

	headerID          = "Nats-Msg-Id" // of the operation, so that it is not done twice
	headerBatch       = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
	headerExpected    = "Nats-Expected-Last-Subject-Sequence"
	headerExpectedOf  = "Nats-Expected-Last-Subject-Sequence-Subject"
	headerTTL         = "Nats-TTL"

	noKey      = "-"
	keyBuckets = 4096 // more subjects would take the server more memory, fewer make more batches wait for each other
)

// bucketOf returns the bucket of an idempotency key.
func bucketOf(key string) string {
	h := fnv.New32a()
	h.Write([]byte(key))
	return strconv.FormatUint(uint64(h.Sum32()%keyBuckets), 36)
}

func (l *Log) eventPrefix() string { return l.name + ".e." }

func (l *Log) eventSubject(bucket, stream string) string {
	return l.eventPrefix() + bucket + "." + stream
}

// A message is an event as the log's stream has it.
type message struct {
	seq      uint64
	stored   time.Time // by the clock of the server that led
	appended int64     // in Unix milliseconds
	event    streamgauge.Event
	id       string // of the operation that it is the last of, or empty
	bucket   string
	key      streamgauge.KeyUse // if the key is not empty, the batch that it is the last of
	more     bool               // of what was stored together
	foreign  bool               // it is no event
}

// delivered parses a message that a consumer has brought.
func (l *Log) delivered(m jetstream.Msg) (message, error) {
	meta, err := m.Metadata()
	if err != nil {
		return message{}, err
	}
	return l.parse(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp), nil
}

// parse parses a message of the log's stream. One that makes no sense has been put there by
// somebody else; the log is none the worse for it.
func (l *Log) parse(subject string, header nats.Header, body []byte, seq uint64, stored time.Time) message {
	m := message{seq: seq, stored: stored, appended: stored.UnixMilli(), id: header.Get(headerID)}
	m.more = header.Get(headerBatch) != "" && header.Get(headerBatchCommit) == ""
	rest, ours := strings.CutPrefix(subject, l.eventPrefix())
	m.bucket, m.event.Stream, _ = strings.Cut(rest, ".")
	if text := header.Get(headerAppended); text != "" && ours {
		var err error
		m.appended, err = strconv.ParseInt(text, 10, 64)
		ours = err == nil
	}
	if text := header.Get(headerKey); text != "" && ours {
		m.key, ours = parseKeyHeader(text)
		m.key.Last = seq
	}
	if !ours || streamgauge.CheckStream(m.event.Stream) != nil || !replica.ParseBody(string(body), &m.event) {
		l.logger.Warn("the log's stream in NATS has a message that is none of the log's", "seq", seq, "subject", subject)
		m.foreign, m.key = true, streamgauge.KeyUse{}
	}
	return m
}

// keyHeader returns what headerKey says of a batch. A key may have bytes that no header can.
func keyHeader(b *streamgauge.Batch) string {
	return base64.RawURLEncoding.EncodeToString([]byte(b.Key)) + " " +
		strconv.FormatUint(b.Fingerprint(), 36) + " " + strconv.Itoa(len(b.Events))
}

func parseKeyHeader(text string) (use streamgauge.KeyUse, ok bool) {
	parts := strings.Split(text, " ")
	if len(parts) != 3 {
		return use, false
	}
	key, err := base64.RawURLEncoding.DecodeString(parts[0])
	fingerprint, err2 := strconv.ParseUint(parts[1], 36, 64)
	count, err3 := strconv.Atoi(parts[2])
	use = streamgauge.KeyUse{Key: string(key), Fingerprint: fingerprint, Count: count}
	return use, err == nil && err2 == nil && err3 == nil && use.Key != ""
}

// Control records are messages of a stream of their own, so that they take no event's
// number. Their subjects are
//
//	<log>.c.<epoch>.forget    up to which number, and of which stream, events are forgotten
//	<log>.c.<epoch>.gone      what has been trimmed, before it is deleted
//	<log>.c.<epoch>.past      all that is gone, so that no older records are needed
//	<log>.c.<epoch>.keys      idempotency keys whose events are deleted
//	<log>.c.probe.<instance>  that an instance can write, and is heard
//	<log>.c.lease             which instance it is that deletes
func (l *Log) controlSubject(of ...string) string { return l.name + ".c." + strings.Join(of, ".") }

func appendForget(dst []byte, stream string, through uint64) []byte {
	return append(binary.AppendUvarint(dst, through), stream...)
}

func parseForget(body []byte) (stream string, through uint64, ok bool) {
	through, n := binary.Uvarint(body)
	if n <= 0 {
		return "", 0, false
	}
	stream = string(body[n:])
	return stream, through, streamgauge.CheckStream(stream) == nil
}

// appendGone appends what is known of one stream's trimmed events. A record has several
// of these.
func appendGone(dst []byte, g *streamgauge.Gone) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(g.Stream)))
	dst = append(dst, g.Stream...)
	for _, n := range [...]uint64{uint64(g.Time), g.Newest, g.Through, uint64(len(g.Seqs))} {
		dst = binary.AppendUvarint(dst, n)
	}
	last := g.Through
	for _, seq := range g.Seqs {
		dst = binary.AppendUvarint(dst, seq-last)
		last = seq
	}
	return dst
}

// parseGone undoes appendGone for as often as it was called.
func parseGone(body []byte) (all []streamgauge.Gone, ok bool) {
	d := decoder{body: body}
	for len(d.body) > 0 {
		g := streamgauge.Gone{Stream: d.text()}
		g.Time, g.Newest, g.Through = int64(d.number()), d.number(), d.number()
		last := g.Through
		for n := d.number(); n > 0 && !d.failed; n-- {
			last += d.number()
			g.Seqs = append(g.Seqs, last)
		}
		all = append(all, g)
	}
	return all, !d.failed
}

// appendKey appends what is known of an idempotency key. A record has several of these.
func appendKey(dst []byte, use *streamgauge.KeyUse) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(use.Key)))
	dst = append(dst, use.Key...)
	for _, n := range [...]uint64{use.Fingerprint, use.Last, uint64(use.Count), uint64(use.Appended)} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

// parseKeys undoes appendKey for as often as it was called.
func parseKeys(body []byte) (all []streamgauge.KeyUse, ok bool) {
	d := decoder{body: body}
	for len(d.body) > 0 {
		use := streamgauge.KeyUse{Key: d.text()}
		use.Fingerprint, use.Last = d.number(), d.number()
		use.Count, use.Appended = int(d.number()), int64(d.number())
		all = append(all, use)
	}
	return all, !d.failed
}

// decoder takes values from the front of a body. After a failure it returns zeros.
type decoder struct {
	body   []byte
	failed bool
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.body)
	if n <= 0 {
		d.failed, d.body = true, nil
		return 0
	}
	d.body = d.body[n:]
	return v
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.body)) {
		d.failed, d.body = true, nil
		return ""
	}
	text := string(d.body[:n])
	d.body = d.body[n:]
	return text
}

func formatEpoch(e streamgauge.Epoch) string { return strconv.FormatUint(uint64(e), 36) }

func parseEpoch(text string) (streamgauge.Epoch, bool) {
	n, err := strconv.ParseUint(text, 36, 64)
	return streamgauge.Epoch(n), err == nil && n != 0
}
