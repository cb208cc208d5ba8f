package filelog

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/streamgauge/streamgauge"
)

// A sidecar says what is in a sealed segment without the data, so that opening
// the log does not read these. It is only a cache: one that is missing, damaged
// or of another file is made anew from the segment.
//
//	0   [8]byte  magic
//	8   uint64   id of the segment
//	16  uint64   size of the segment
//	24  uint32   CRC32C of the bytes before and of the items
//	28           items, in the order of the records
//
// An item is a byte and then: itemStream, the name of the next stream;
// itemEvent, of varints: stream, length of the record, how much the sequence
// number and the time of appending are higher than those of the item before,
// size of the data, and the key; itemOther, the record itself.
const (
	sidecarMagic = "sgauge\x01i"
	sidecarHead  = 28

	itemStream = 0
	itemEvent  = 1
	itemOther  = 2
)

// sidecar is a sidecar in the making.
type sidecar struct {
	items    []byte
	streams  map[string]uint64
	seq      uint64
	appended int64
}

func (s *sidecar) addEvent(e streamgauge.Entry[loc]) {
	i, ok := s.streams[e.Stream]
	if !ok {
		if s.streams == nil {
			s.streams = make(map[string]uint64)
		}
		i = uint64(len(s.streams))
		s.streams[e.Stream] = i
		s.items = appendString(append(s.items, itemStream), e.Stream)
	}
	s.items = binary.AppendUvarint(append(s.items, itemEvent), i)
	s.items = binary.AppendUvarint(s.items, uint64(e.Loc.size))
	s.items = binary.AppendVarint(s.items, int64(e.Seq-s.seq))
	s.items = binary.AppendVarint(s.items, e.Appended-s.appended)
	s.items = binary.AppendUvarint(s.items, uint64(e.Size))
	s.items = appendString(s.items, e.Key)
	s.seq, s.appended = e.Seq, e.Appended
}

func (s *sidecar) addOther(record []byte) {
	s.items = binary.AppendUvarint(append(s.items, itemOther), uint64(len(record)))
	s.items = append(s.items, record...)
}

// encode returns the file of a segment of this id and size.
func (s *sidecar) encode(id uint64, size int64) []byte {
	b := make([]byte, sidecarHead, sidecarHead+len(s.items))
	copy(b, sidecarMagic)
	binary.LittleEndian.PutUint64(b[8:], id)
	binary.LittleEndian.PutUint64(b[16:], uint64(size))
	binary.LittleEndian.PutUint32(b[24:], crc32.Update(crc32.Checksum(b[:24], castagnoli), castagnoli, s.items))
	return append(b, s.items...)
}

// openSidecar checks a sidecar file and returns its items and the size of the
// segment that it describes.
func openSidecar(b []byte, id uint64) (items []byte, size int64, ok bool) {
	if len(b) < sidecarHead || string(b[:8]) != sidecarMagic || binary.LittleEndian.Uint64(b[8:]) != id ||
		binary.LittleEndian.Uint32(b[24:]) != crc32.Update(crc32.Checksum(b[:24], castagnoli), castagnoli, b[sidecarHead:]) {
		return nil, 0, false
	}
	return b[sidecarHead:], int64(binary.LittleEndian.Uint64(b[16:])), true
}

// decodeItems calls event and other with what is in the segment with this
// number and size, and reports whether all of it made sense. Nothing is called
// for an item that does not.
func decodeItems(items []byte, number uint32, size int64, event func(streamgauge.Entry[loc]), other func(raw []byte)) bool {
	var (
		d        = decoder{b: items}
		streams  []string
		seq      uint64
		appended int64
		off      = int64(headerSize)
	)
	for len(d.b) > 0 {
		switch d.byte() {
		case itemStream:
			streams = append(streams, string(d.bytes()))
		case itemEvent:
			stream, length := d.uvarint(), d.uvarint()
			seq += uint64(d.varint())
			appended += d.varint()
			bytes, key := d.uvarint(), d.bytes()
			if d.failed || stream >= uint64(len(streams)) || length > uint64(size-off) || bytes > length || seq == 0 {
				return false
			}
			event(streamgauge.Entry[loc]{
				Stream: streams[stream], Seq: seq, Appended: appended, Key: string(key), Size: int(bytes),
				Loc: loc{number, uint32(off), uint32(length)},
			})
			off += int64(length)
		case itemOther:
			raw := d.bytes()
			if d.failed || int64(len(raw)) > size-off {
				return false
			}
			other(raw)
			off += int64(len(raw))
		default:
			return false
		}
		if d.failed {
			return false
		}
	}
	return off == size
}
