package bench

import (
	"bytes"
	"slices"
	"sort"

	"github.com/streamgauge/streamgauge/internal/check"
)

// A transcript is what the subscribers of one stream were sent, from not long ago on. Who is
// first with an event reads and checks it; who is sent the same bytes later need only compare
// them, which is what lets one client keep up with a server that is fast.
type transcript struct {
	bytes []byte
	past  uint64 // bytes that were before these
	read  []readBlock
	most  int // bytes that are kept
}

// A readBlock is an event of a transcript.
type readBlock struct {
	end     uint64 // where it ends
	id      []byte
	seq     uint64
	payload check.Payload
}

// transcriptBytes is shared by all streams of a run.
const (
	transcriptBytes    = 32 << 20
	minTranscriptBytes = 256 << 10
)

func newTranscript(streams int) *transcript {
	return &transcript{most: max(transcriptBytes/streams, minTranscriptBytes)}
}

func (t *transcript) end() uint64 { return t.past + uint64(len(t.bytes)) }

// from returns the blocks that begin at or after the place.
func (t *transcript) from(place uint64) []readBlock {
	return t.read[sort.Search(len(t.read), func(i int) bool { return t.read[i].end > place }):]
}

// same returns how much of p, in whole blocks, is what comes after the place.
func (t *transcript) same(p []byte, place uint64) (blocks []readBlock, n int) {
	if place < t.past {
		return nil, 0
	}
	rest := t.bytes[place-t.past:]
	if n = min(len(p), len(rest)); n == 0 {
		return nil, 0
	}
	if !bytes.Equal(p[:n], rest[:n]) {
		for n = 0; p[n] == rest[n]; n++ {
		}
	}
	blocks = t.from(place)
	if len(blocks) > 0 && blocks[len(blocks)-1].end > place+uint64(n) {
		blocks = blocks[:sort.Search(len(blocks), func(i int) bool { return blocks[i].end > place+uint64(n) })]
	}
	if len(blocks) == 0 {
		return nil, 0
	}
	return blocks, int(blocks[len(blocks)-1].end - place)
}

// add takes the block of an event, and returns the place after it, or 0 if it is not among what
// is kept.
func (t *transcript) add(block, id []byte, p check.Payload) (place uint64) {
	epoch, seq, ok := check.CutPosition(id)
	if !ok {
		return 0
	}
	if n := len(t.read); n > 0 {
		last := t.read[n-1]
		if known, _, _ := check.CutPosition(last.id); !bytes.Equal(known, epoch) {
			*t = transcript{past: t.end(), most: t.most} // one has one epoch
		} else if seq <= last.seq {
			i := sort.Search(n, func(i int) bool { return t.read[i].seq >= seq })
			begin := t.past
			if i > 0 {
				begin = t.read[i-1].end
			}
			if end := t.read[i].end; bytes.Equal(block, t.bytes[begin-t.past:end-t.past]) {
				return end
			}
			return 0
		}
	}
	if len(t.bytes)+len(block) > t.most {
		t.forget()
	}
	t.bytes = append(t.bytes, block...)
	t.read = append(t.read, readBlock{t.end(), bytes.Clone(id), seq, p})
	return t.end()
}

// forget forgets the older half.
func (t *transcript) forget() {
	keep := t.from(t.past + uint64(t.most/2))
	t.read = slices.Clone(keep)
	begin := t.end()
	if len(keep) > 0 {
		// The first one that is kept has lost its beginning's mark, so it goes too.
		begin = keep[0].end
		t.read = t.read[1:]
	}
	t.bytes = append([]byte(nil), t.bytes[begin-t.past:]...)
	t.past = begin
}
