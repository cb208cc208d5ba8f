package bench

import "bytes"

// blocks reads an event stream as it arrives, in pieces of any size. It is made
// for speed: it knows LF line ends only, and an event has the id of its own
// block or none. Package sse has the decoder that knows all of the standard.
type blocks struct {
	partial []byte // a block that has not come as a whole
	data    []byte // the lines of data that is more than one, joined
}

// A message is one block. Its members are valid until the next one.
type message struct {
	id, kind, data []byte
	hasData        bool
	block          []byte // as it came
}

var blockEnd = []byte("\n\n")

// feed takes a piece and calls each for every block in it that has data. Before it reads a block
// it asks skip, if that is not nil, how much of what comes next needs no reading, in whole blocks.
func (b *blocks) feed(piece []byte, skip func([]byte) int, each func(message)) {
	if len(b.partial) > 0 {
		b.partial = append(b.partial, piece...)
		piece = b.partial
	}
	for len(piece) > 0 {
		if skip != nil {
			if n := skip(piece); n > 0 {
				piece = piece[n:]
				continue
			}
		}
		i := bytes.Index(piece, blockEnd)
		if i < 0 {
			break
		}
		m := b.parse(piece[:i+1])
		m.block = piece[:i+2]
		if m.hasData {
			each(m)
		}
		piece = piece[i+2:]
	}
	if len(piece) == 0 && cap(b.partial) > maxPartial {
		b.partial = nil // what was long once must not stay for thousands
	}
	b.partial = append(b.partial[:0], piece...)
}

const maxPartial = 4 << 10

// parse reads a block of whole lines.
func (b *blocks) parse(block []byte) (m message) {
	for len(block) > 0 {
		i := bytes.IndexByte(block, '\n')
		line := block[:i]
		block = block[i+1:]
		name, value, _ := bytes.Cut(line, []byte{':'})
		if len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		switch string(name) {
		case "id":
			m.id = value
		case "event":
			m.kind = value
		case "data":
			if m.hasData {
				b.data = append(append(append(b.data[:0], m.data...), '\n'), value...)
				value = b.data
			}
			m.data, m.hasData = value, true
		}
	}
	return m
}
