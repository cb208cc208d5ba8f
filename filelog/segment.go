package filelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// Names in the data directory.
const (
	segmentSuffix = ".log"
	sidecarSuffix = ".idx"
	tempSuffix    = ".tmp"
	damagedSuffix = ".damaged"
	metaName      = "meta"
	lockName      = "lock"
)

// loc is where a record is.
type loc struct {
	segment uint32 // by number
	offset  uint32
	size    uint32
}

// header is at the beginning of every segment file.
type header struct {
	epoch       streamgauge.Epoch
	id          uint64 // random; a compacted segment is another
	first, last uint32 // the segment's number, and that of the last merged into it
	base        uint64 // every event in it and after it is after this position
	through     uint64 // if it was compacted: it tells of what there was up to here
	whole       int64  // and is so large
}

const (
	segmentMagic = "sgauge\x01l"
	headerSize   = 64
)

func newHeader(epoch streamgauge.Epoch, number uint32, base uint64) header {
	return header{epoch: epoch, id: rand.Uint64(), first: number, last: number, base: base}
}

// seed is what the checksums of the segment's records begin with.
func (h header) seed() uint32 { return uint32(h.id) ^ uint32(h.id>>32) }

func (h header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint64(b[8:], uint64(h.epoch))
	binary.LittleEndian.PutUint64(b[16:], h.id)
	binary.LittleEndian.PutUint32(b[24:], h.first)
	binary.LittleEndian.PutUint32(b[28:], h.last)
	binary.LittleEndian.PutUint64(b[32:], h.base)
	binary.LittleEndian.PutUint64(b[40:], h.through)
	binary.LittleEndian.PutUint64(b[48:], uint64(h.whole))
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

func decodeHeader(b []byte) (h header, err error) {
	if len(b) < headerSize {
		return h, errors.New("its header is cut short")
	}
	if string(b[:6]) != segmentMagic[:6] || binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return h, errors.New("its header is damaged")
	}
	if string(b[:8]) != segmentMagic { // the checksum is there in every format
		return h, errVersion
	}
	h.epoch = streamgauge.Epoch(binary.LittleEndian.Uint64(b[8:]))
	h.id = binary.LittleEndian.Uint64(b[16:])
	h.first, h.last = binary.LittleEndian.Uint32(b[24:]), binary.LittleEndian.Uint32(b[28:])
	h.base, h.through = binary.LittleEndian.Uint64(b[32:]), binary.LittleEndian.Uint64(b[40:])
	h.whole = int64(binary.LittleEndian.Uint64(b[48:]))
	return h, nil
}

var errVersion = errors.New("it has a format version that this program does not know")

// segment is one file of the log. Except for the header all of it is guarded by
// the log's mutex.
type segment struct {
	header

	size    int64  // of what is valid
	written int64  // so much of it is in the file, the rest in pending
	pending []byte // level memory only
	broken  bool   // nothing may be written to the file any more

	// What is kept of it. Fixed are the bytes that are not events.
	live, fixed int64
	marks       []mark
	index       sidecar // while the segment is written to

	// Readers pin the file. It stays open after the last as long as it is not
	// obsolete and the log does not have too many files open.
	file     file
	pins     int
	used     uint64
	obsolete bool
}

// mark is a record in a segment that is about events elsewhere too: that a
// stream was forgotten, or else a hole.
type mark struct {
	at     uint64 // the head when it was written
	forget string
	hole   hole
}

func segmentName(number uint32) string { return fmt.Sprintf("%08d%s", number, segmentSuffix) }

func sidecarName(number uint32) string { return fmt.Sprintf("%08d%s", number, sidecarSuffix) }

// segmentNumber returns the number in a segment's file name.
func segmentNumber(name string) (uint32, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n > 0 && segmentName(uint32(n)) == name
}

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }

// createSegment creates the file of the next segment. It appears under its name
// only with a whole header.
func (l *Log) createSegment(durable bool) (*segment, error) {
	if err := l.checkPlace(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	h := newHeader(l.epoch, l.lastNumber+1, l.index.Head().Seq)
	l.mu.Unlock()
	name := l.path(segmentName(h.first))
	if err := replaceFile(l.fs, name, h.encode(), durable); err != nil {
		return nil, err
	}
	f, err := l.fs.open(name, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	return &segment{header: h, size: headerSize, written: headerSize, file: f}, nil
}

// maxOpen is how many sealed segments are kept open for reading.
const maxOpen = 64

// pin opens the segment's file if it is not open and keeps it open until unpin.
// The log's mutex is held, so that the file can't be replaced meanwhile.
func (l *Log) pin(s *segment) error {
	if s.file == nil {
		f, err := l.fs.open(l.path(segmentName(s.first)), os.O_RDONLY)
		if err != nil {
			return fmt.Errorf("%w: %w", streamgauge.ErrUnavailable, err)
		}
		s.file = f
		l.opened++
	}
	l.uses++
	s.used = l.uses
	s.pins++
	return nil
}

func (l *Log) unpin(s *segment) {
	s.pins--
	if s.obsolete && s.pins == 0 {
		l.closeFile(s)
	}
	for l.opened > maxOpen {
		var oldest *segment
		for _, s := range l.segments {
			if s != l.active && s.file != nil && s.pins == 0 && (oldest == nil || s.used < oldest.used) {
				oldest = s
			}
		}
		if oldest == nil {
			return
		}
		l.closeFile(oldest)
	}
}

// retire lets go of a segment that has been replaced, once nobody reads it.
func (l *Log) retire(s *segment) {
	s.obsolete = true
	if s.pins == 0 {
		l.closeFile(s)
	}
}

func (l *Log) closeFile(s *segment) {
	if s.file == nil {
		return
	}
	_ = s.file.Close() // what must be on the disk was synced before
	s.file = nil
	if s != l.active {
		l.opened--
	}
}
