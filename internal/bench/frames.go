package bench

import (
	"encoding/binary"
	"fmt"
)

// frames reads the WebSocket frames of a server (RFC 6455, 5.2) as they arrive, in pieces of any
// size. What messages contain is text of an event stream, so that where one ends does not matter.
type frames struct {
	head   [10]byte // of a frame, as far as it has come
	n      int
	left   uint64 // bytes of the payload to come
	opcode byte
}

const (
	opLast  = 0x2 // of what is data: continuation, text, binary
	opClose = 0x8
)

// next takes bytes off p. It returns a piece of a message, if there is one, and what is left of p.
func (f *frames) next(p []byte) (text, rest []byte, err error) {
	if f.left > 0 {
		n := min(f.left, uint64(len(p)))
		f.left -= n
		if f.opcode > opLast { // it controls the connection
			return nil, p[n:], nil
		}
		return p[:n], p[n:], nil
	}
	f.head[f.n] = p[0]
	f.n++
	p = p[1:]
	if f.n < 2 {
		return nil, p, nil
	}
	size := f.head[1] & 0x7f
	switch {
	case f.head[1]&0x80 != 0:
		return nil, nil, fmt.Errorf("the server's frame is masked")
	case size == 126 && f.n < 4, size == 127 && f.n < 10:
		return nil, p, nil
	case size == 126:
		f.left = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case size == 127:
		f.left = binary.BigEndian.Uint64(f.head[2:])
	default:
		f.left = uint64(size)
	}
	f.n, f.opcode = 0, f.head[0]&0xf
	if f.opcode == opClose {
		return nil, nil, errClosed
	}
	return nil, p, nil
}
