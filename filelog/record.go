package filelog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/streamgauge/streamgauge"
)

// A segment file is a header and then records:
//
//	0  uint32  CRC32C of all that follows, begun with the segment's seed, so
//	           that no record of another file is ever taken for one of this
//	4  uint32  length of the body
//	8  uint8   kind, plus endOfBatch on the last record of a batch
//	9          body
//
// Integers are little endian; those in bodies are varints. A batch counts only
// when its last record is there: a torn one vanishes whole.
const (
	recordHead = 9
	endOfBatch = 0x80

	kindEvent  = 1 // an event
	kindKey    = 2 // the idempotency key of the batch before it
	kindForget = 3 // the stream's events before it are forgotten
	kindGone   = 4 // events that were trimmed and compacted away
	kindHole   = 5 // sequence numbers that the log lost
)

var (
	errTorn   = errors.New("record is cut short")
	errDamage = errors.New("record is damaged")

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

type record struct {
	kind byte
	end  bool // of its batch
	body []byte
}

// beginRecord appends room for a record's head. The caller appends the body and
// calls endRecord.
func beginRecord(dst []byte) []byte { return append(dst, make([]byte, recordHead)...) }

// endRecord completes the record that begins at start.
func endRecord(dst []byte, start int, seed uint32, kind byte, end bool) {
	if end {
		kind |= endOfBatch
	}
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-recordHead))
	dst[start+8] = kind
	binary.LittleEndian.PutUint32(dst[start:], crc32.Update(seed, castagnoli, dst[start+4:]))
}

// parseRecord parses the record at the beginning of b and returns its length.
// The error is errTorn if b ends before the record does.
func parseRecord(b []byte, seed uint32) (record, int, error) {
	if len(b) < recordHead {
		return record{}, 0, errTorn
	}
	size := uint64(binary.LittleEndian.Uint32(b[4:]))
	if size > uint64(len(b)-recordHead) {
		return record{}, 0, errTorn
	}
	n := recordHead + int(size)
	kind := b[8] &^ endOfBatch
	if kind < kindEvent || kind > kindHole || crc32.Update(seed, castagnoli, b[4:n]) != binary.LittleEndian.Uint32(b) {
		return record{}, 0, errDamage
	}
	return record{kind: kind, end: b[8]&endOfBatch != 0, body: b[recordHead:n]}, n, nil
}

func appendEvent(dst []byte, seed uint32, e *streamgauge.Event, end bool) []byte {
	start := len(dst)
	dst = beginRecord(dst)
	dst = binary.AppendUvarint(dst, e.ID.Seq)
	appended := e.Appended.UnixMilli()
	dst = binary.AppendUvarint(dst, uint64(appended))
	dst = binary.AppendVarint(dst, e.Time.UnixMilli()-appended)
	dst = appendString(dst, e.Stream)
	dst = appendString(dst, e.Type)
	dst = appendString(dst, e.Key)
	if e.Text {
		dst = append(dst, 1)
	} else {
		dst = append(dst, 0)
	}
	dst = append(dst, e.Data...)
	endRecord(dst, start, seed, kindEvent, end)
	return dst
}

// eventBody is a decoded event. Its byte slices are parts of the body.
type eventBody struct {
	seq              uint64
	appended, time   int64
	stream, typ, key []byte
	text             bool
	data             []byte
}

func decodeEvent(body []byte) (e eventBody, ok bool) {
	d := decoder{b: body}
	e.seq = d.uvarint()
	e.appended = int64(d.uvarint())
	e.time = e.appended + d.varint()
	e.stream, e.typ, e.key = d.bytes(), d.bytes(), d.bytes()
	text := d.byte()
	e.text, e.data = text == 1, d.b
	return e, !d.failed && text <= 1 && e.seq > 0 && len(e.stream) > 0
}

// event returns the event. Its data share memory with the body.
func (e *eventBody) event(epoch streamgauge.Epoch, stream string) streamgauge.Event {
	return streamgauge.Event{
		Stream:   stream,
		ID:       streamgauge.Position{Epoch: epoch, Seq: e.seq},
		Type:     string(e.typ),
		Time:     time.UnixMilli(e.time).UTC(),
		Key:      string(e.key),
		Data:     e.data[:len(e.data):len(e.data)],
		Text:     e.text,
		Appended: time.UnixMilli(e.appended).UTC(),
	}
}

func appendKey(dst []byte, seed uint32, k streamgauge.KeyUse) []byte {
	start := len(dst)
	dst = beginRecord(dst)
	dst = binary.AppendUvarint(dst, k.Last)
	dst = binary.AppendUvarint(dst, uint64(k.Count))
	dst = binary.AppendUvarint(dst, uint64(k.Appended))
	dst = binary.LittleEndian.AppendUint64(dst, k.Fingerprint)
	dst = append(dst, k.Key...)
	endRecord(dst, start, seed, kindKey, true)
	return dst
}

func decodeKey(body []byte) (k streamgauge.KeyUse, ok bool) {
	d := decoder{b: body}
	k.Last = d.uvarint()
	k.Count = int(d.uvarint())
	k.Appended = int64(d.uvarint())
	k.Fingerprint = d.uint64()
	k.Key = string(d.b)
	return k, !d.failed && k.Key != ""
}

func appendForget(dst []byte, seed uint32, stream string) []byte {
	start := len(dst)
	dst = append(beginRecord(dst), stream...)
	endRecord(dst, start, seed, kindForget, true)
	return dst
}

func appendGone(dst []byte, seed uint32, g streamgauge.Gone) []byte {
	start := len(dst)
	dst = beginRecord(dst)
	dst = appendString(dst, g.Stream)
	dst = binary.AppendUvarint(dst, uint64(g.Time))
	dst = binary.AppendUvarint(dst, g.Newest)
	dst = binary.AppendUvarint(dst, g.Through)
	last := g.Through
	for _, seq := range g.Seqs {
		dst = binary.AppendUvarint(dst, seq-last)
		last = seq
	}
	endRecord(dst, start, seed, kindGone, true)
	return dst
}

func decodeGone(body []byte) (g streamgauge.Gone, ok bool) {
	d := decoder{b: body}
	g.Stream = string(d.bytes())
	g.Time = int64(d.uvarint())
	g.Newest = d.uvarint()
	g.Through = d.uvarint()
	for last := g.Through; len(d.b) > 0 && !d.failed; {
		delta := d.uvarint()
		if delta == 0 || last+delta < last {
			return g, false
		}
		last += delta
		g.Seqs = append(g.Seqs, last)
	}
	return g, !d.failed
}

// hole is the positions after from, up to through. If it is a single event's,
// the stream is that event's.
type hole struct {
	stream        string
	from, through uint64
}

func appendHole(dst []byte, seed uint32, h hole) []byte {
	start := len(dst)
	dst = beginRecord(dst)
	dst = binary.AppendUvarint(dst, h.from)
	dst = binary.AppendUvarint(dst, h.through)
	dst = append(dst, h.stream...)
	endRecord(dst, start, seed, kindHole, true)
	return dst
}

func decodeHole(body []byte) (h hole, ok bool) {
	d := decoder{b: body}
	h.from, h.through = d.uvarint(), d.uvarint()
	h.stream = string(d.b)
	return h, !d.failed && h.from < h.through
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// decoder takes values from the front of b. After a failure it returns zeros.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	return v * uint64(d.skip(n))
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	return v * int64(d.skip(n))
}

// skip skips n bytes, if n is positive, and returns 1, else 0.
func (d *decoder) skip(n int) int {
	if n <= 0 {
		d.failed, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return 1
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.failed, d.b = true, nil
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

func (d *decoder) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}
