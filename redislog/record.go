package redislog

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
)

// An event is an entry of two Redis streams, the ordered log and the history of its
// stream. The entry's id says its sequence number and when it was appended; its field
// "e" the rest, as appendBody writes it.

// appendBody appends what an entry says of an event: when it happened in Unix
// milliseconds or zero for when it was appended, flags, and type, key and data.
func appendBody(dst []byte, e *streamgauge.Event) []byte {
	var at uint64
	if !e.Time.IsZero() {
		at = uint64(e.Time.UnixMilli()) + 1
	}
	dst = binary.AppendUvarint(dst, at)
	var flags byte
	if e.Text {
		flags = 1
	}
	dst = append(dst, flags, byte(len(e.Type)))
	dst = append(dst, e.Type...)
	dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
	dst = append(dst, e.Key...)
	return append(dst, e.Data...)
}

// parseBody undoes appendBody. It reports whether that is what wrote the body.
func parseBody(body string, e *streamgauge.Event) bool {
	at, n := uvarint(body)
	if n <= 0 || len(body) < n+2 {
		return false
	}
	flags, typeLen := body[n], int(body[n+1])
	body = body[n+2:]
	if flags > 1 || typeLen > len(body) {
		return false
	}
	e.Type, body = body[:typeLen], body[typeLen:]
	keyLen, n := uvarint(body)
	if n <= 0 || keyLen > uint64(len(body)-n) {
		return false
	}
	e.Key, body = body[n:n+int(keyLen)], body[n+int(keyLen):]
	e.Text, e.Data = flags == 1, []byte(body)
	if at > 0 {
		if at > math.MaxInt64 {
			return false
		}
		e.Time = time.UnixMilli(int64(at - 1)).UTC()
	}
	return true
}

func uvarint(s string) (uint64, int) {
	return binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
}

// An entryID is the id of an entry in Redis: a sequence number, and when the event was
// appended in Unix milliseconds, or from forgotten on that it is no event.
type entryID struct{ seq, appended uint64 }

const forgotten = 1 << 62

func parseID(text string) (id entryID, ok bool) {
	seq, appended, _ := strings.Cut(text, "-")
	var err, err2 error
	id.seq, err = strconv.ParseUint(seq, 10, 64)
	id.appended, err2 = strconv.ParseUint(appended, 10, 64)
	return id, err == nil && err2 == nil
}

func (id entryID) String() string {
	return strconv.FormatUint(id.seq, 10) + "-" + strconv.FormatUint(id.appended, 10)
}

func (id entryID) time() time.Time { return time.UnixMilli(int64(id.appended)).UTC() }

// keyHash is what the log remembers of a trimmed event's key.
func keyHash(key string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(key))
	return h.Sum32()
}
