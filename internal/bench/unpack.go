package bench

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
)

// unpacker reads a gzip stream (RFC 1952) as it arrives, in pieces of any size, if its blocks
// (RFC 1951) are packed by themselves and flushed: then they can be read by themselves, and what
// many subscribers are sent is unpacked once.
type unpacker struct {
	partial []byte
	begun   bool // the header has been read
	known   *unpacked
}

// unpacked is what blocks were unpacked to, for all subscribers of a run.
type unpacked struct {
	inflate io.ReadCloser
	texts   map[string][]byte
}

const (
	gzipHead   = 10
	storedHead = 5
	mostTexts  = 256
)

var (
	flushed  = []byte{0, 0, 0xff, 0xff}
	lastOne  = []byte{1, 0, 0, 0xff, 0xff} // an empty block that ends a stream
	errNoZip = errors.New("the server's answer is not gzip as Streamgauge writes it")
)

func newUnpacked() *unpacked {
	return &unpacked{inflate: flate.NewReader(bytes.NewReader(nil)), texts: make(map[string][]byte)}
}

// feed takes a piece and calls each with the text of every block in it.
func (u *unpacker) feed(piece []byte, each func([]byte)) error {
	if len(u.partial) > 0 {
		u.partial = append(u.partial, piece...)
		piece = u.partial
	}
	if !u.begun && len(piece) >= gzipHead {
		if piece[0] != 0x1f || piece[1] != 0x8b || piece[3] != 0 {
			return errNoZip
		}
		piece, u.begun = piece[gzipHead:], true
	}
	for u.begun {
		text, n, err := u.block(piece)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if len(text) > 0 {
			each(text)
		}
		piece = piece[n:]
	}
	u.partial = append(u.partial[:0], piece...)
	return nil
}

// block reads a block, of n bytes; 0 if it has not come as a whole.
func (u *unpacker) block(p []byte) (text []byte, n int, err error) {
	const kind = 0b111
	switch {
	case len(p) < storedHead:
		return nil, 0, nil
	case p[0]&kind == 0: // it is stored
		n = storedHead + int(binary.LittleEndian.Uint16(p[1:]))
		if len(p) < n {
			return nil, 0, nil
		}
		return p[storedHead:n], n, nil
	}
	for n < len(p) {
		i := bytes.Index(p[n:], flushed)
		if i < 0 {
			return nil, 0, nil
		}
		n += i + len(flushed)
		if text, ok := u.known.unpack(p[:n]); ok {
			return text, n, nil
		}
		n-- // that was part of something else
	}
	return nil, 0, nil
}

// unpack reads what ends with a flush, and reports whether it really does.
func (k *unpacked) unpack(p []byte) ([]byte, bool) {
	if text, ok := k.texts[string(p)]; ok {
		return text, true
	}
	ended := io.MultiReader(bytes.NewReader(p), bytes.NewReader(lastOne))
	if err := k.inflate.(flate.Resetter).Reset(ended, nil); err != nil {
		return nil, false
	}
	text, err := io.ReadAll(k.inflate)
	if err != nil {
		return nil, false
	}
	if len(k.texts) >= mostTexts {
		clear(k.texts)
	}
	k.texts[string(p)] = text
	return text, true
}
