package replica

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/streamgauge/streamgauge"
)

// AppendBody appends what a log keeps of an event beside its stream, its number and when
// it was appended: when it happened in Unix milliseconds or zero for when it was appended,
// flags, and type, key and data.
func AppendBody(dst []byte, e *streamgauge.Event) []byte {
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

// ParseBody undoes AppendBody. It reports whether that is what wrote the body.
func ParseBody(body string, e *streamgauge.Event) bool {
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
