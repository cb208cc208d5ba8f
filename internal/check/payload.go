package check

import (
	"bytes"
	"encoding/hex"
	"hash/crc32"
	"strconv"
	"time"
)

// Payload is the data of a checked event: a JSON object of one line, with
// padding and a checksum over itself and the name of the stream, so that what
// comes under another name is not taken for the stream's own.
type Payload struct {
	Publisher int           // from 0
	N         uint64        // the publisher's how manieth event on the stream, from 1
	Due       time.Duration // when it was to be published, on the publisher's clock; 0 where it doesn't matter
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	payloadPublisher = `{"p":`
	payloadN         = `,"n":`
	payloadDue       = `,"due":`
	payloadPad       = `,"pad":"`
	payloadSum       = `","sum":"`
	payloadEnd       = `"}`
	sumDigits        = 8

	padding = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
)

// Append appends the payload for the stream, padded to size bytes if it is
// smaller.
func (p Payload) Append(dst []byte, stream string, size int) []byte {
	start := len(dst)
	dst = append(dst, payloadPublisher...)
	dst = strconv.AppendUint(dst, uint64(p.Publisher), 10)
	dst = append(dst, payloadN...)
	dst = strconv.AppendUint(dst, p.N, 10)
	dst = append(dst, payloadDue...)
	dst = strconv.AppendUint(dst, uint64(p.Due), 10)
	dst = append(dst, payloadPad...)
	from := int(p.N % 26)
	for pad := size - (len(dst) - start) - len(payloadSum) - sumDigits - len(payloadEnd); pad > 0; {
		n := min(pad, len(padding)-from)
		dst = append(dst, padding[from:from+n]...)
		pad -= n
	}
	sum := checksum(stream, dst[start:])
	dst = append(dst, payloadSum...)
	dst = hex.AppendEncode(dst, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return append(dst, payloadEnd...)
}

func checksum(stream string, data []byte) uint32 {
	sum := uint32(0)
	for i := range len(stream) {
		sum = sum*31 + uint32(stream[i])
	}
	return crc32.Update(sum, castagnoli, data)
}

// ParsePayload reads what [Payload.Append] has written for the stream, and
// reports whether it is that to the byte.
func ParsePayload(stream string, data []byte) (Payload, bool) {
	tail := len(data) - len(payloadSum) - sumDigits - len(payloadEnd)
	if tail < 0 {
		return Payload{}, false
	}
	sum, ok := bytes.CutPrefix(data[tail:], []byte(payloadSum))
	if !ok || string(sum[sumDigits:]) != payloadEnd || parseHex(sum[:sumDigits]) != uint64(checksum(stream, data[:tail])) {
		return Payload{}, false
	}
	publisher, rest, ok1 := cutNumber(data[:tail], payloadPublisher)
	n, rest, ok2 := cutNumber(rest, payloadN)
	due, rest, ok3 := cutNumber(rest, payloadDue)
	if !ok1 || !ok2 || !ok3 || !bytes.HasPrefix(rest, []byte(payloadPad)) || n == 0 || publisher >= maxPublishers {
		return Payload{}, false
	}
	return Payload{int(publisher), n, time.Duration(due)}, true
}

// maxPublishers bounds what a subscriber keeps for each stream.
const maxPublishers = 1 << 16

// cutNumber takes the prefix and the digits after it off data.
func cutNumber(data []byte, prefix string) (n uint64, rest []byte, ok bool) {
	if len(data) < len(prefix) || string(data[:len(prefix)]) != prefix {
		return 0, nil, false
	}
	return cutDigits(data[len(prefix):])
}

func cutDigits(data []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(data) && '0' <= data[i] && data[i] <= '9'; i++ {
		n = n*10 + uint64(data[i]-'0')
	}
	return n, data[i:], 0 < i && i < 20
}

// parseHex returns the value of lower-case hex digits, and one that is no
// checksum if there are others among them.
func parseHex(digits []byte) (n uint64) {
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 1 << 63
		}
	}
	return n
}
