package streamgauge

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Compression is whether streams are compressed. How long a text is when it is compressed tells how
// alike its parts are: so where somebody may write what is sent together with what they may not
// know, and sees how much that is, they can guess it (BREACH).
type Compression string

// The kinds of compression.
const (
	// CompressionAuto compresses what everybody may see (there is no [Access]), and else each
	// stream that is followed by itself and may be read as a whole. Who may write to it need not
	// be among those: if that is somebody's case, [CompressionNever]. It is what an empty one
	// means too.
	CompressionAuto Compression = "auto"
	// CompressionAlways compresses everything.
	CompressionAlways Compression = "always"
	// CompressionNever compresses nothing.
	CompressionNever Compression = "never"
)

// Coding is how a stream is coded for the wire: a content coding of HTTP (RFC 9110, 8.4.1).
type Coding string

// The codings.
const (
	CodingIdentity Coding = "" // not at all
	// CodingGzip is a gzip stream (RFC 1952), which ends after a hub.bye only.
	CodingGzip Coding = "gzip"
	// CodingZstd is frames of zstd (RFC 8878).
	CodingZstd Coding = "zstd"
)

// coding returns how a client is answered.
func (h *Hub) coding(r *http.Request, want *Subscription) Coding {
	alone := len(want.Views) == 0 && len(want.Conditions) == 0 && len(want.Select) == 1 && !want.Select[0].IsPattern()
	if alone && want.Access != nil { // what is hidden in the stream must not be told by how long the rest is
		_, alone = want.Access.Reads(string(want.Select[0]))
	}
	// Not all programs that know zstd go on after the first frame. Browsers do, and they alone say
	// this.
	browser := r.Header.Get("Sec-Fetch-Site") != ""
	switch {
	case h.opts.Compression == CompressionNever:
	case h.opts.Compression != CompressionAlways && want.Access != nil && !alone:
	case browser && h.packs[CodingZstd] != nil && accepts(r, CodingZstd):
		return CodingZstd
	case accepts(r, CodingGzip):
		return CodingGzip
	}
	return CodingIdentity
}

const (
	minPacked   = 200 // bytes: what is shorter is stored as it is
	maxStored   = 65535
	cachedBytes = 8 << 20 // of packs, and what they were
)

// packs packs blocks of bytes in one coding, so that they can follow each other in any stream: each
// is compressed by itself. What many are sent is packed once.
type packs struct {
	header []byte // of a stream
	// compress appends what bytes are packed to, and store few bytes as they are.
	compress, store func(dst, p []byte) []byte
	end             func(sum, size uint32) []byte // of a stream; nil if there is none
	seed            maphash.Seed

	mu     sync.Mutex // protects following
	cached map[uint64]*pack
	order  []uint64 // of the cached, the oldest first
	size   int      // of the cached
}

// A pack is what bytes are packed to, by whoever wants it first.
type pack struct {
	once          sync.Once
	plain, packed []byte
	counted       bool // protected by the mutex of packs
}

// newPacks returns the codings that there are.
func newPacks(encodeZstd func(dst, p []byte) []byte) map[Coding]*packs {
	all := map[Coding]*packs{
		CodingGzip: {header: []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, compress: new(deflater).append, store: appendStored, end: endGzip},
	}
	if encodeZstd != nil {
		all[CodingZstd] = &packs{compress: encodeZstd, store: appendRawFrame}
	}
	for _, ps := range all {
		ps.seed, ps.cached = maphash.MakeSeed(), make(map[uint64]*pack)
	}
	return all
}

// of returns what bytes are packed to. Others may have been sent the same; who wants it meanwhile
// waits for it, and nobody else does.
func (ps *packs) of(p []byte) []byte {
	key := maphash.Bytes(ps.seed, p)
	ps.mu.Lock()
	one := ps.cached[key]
	if one == nil {
		one = new(pack)
		ps.cached[key] = one
		ps.order = append(ps.order, key)
	}
	ps.mu.Unlock()
	one.once.Do(func() {
		one.plain, one.packed = bytes.Clone(p), bytes.Clone(ps.compress(nil, p))
		ps.count(one)
	})
	if !bytes.Equal(one.plain, p) { // others have the same hash
		return ps.compress(nil, p)
	}
	return one.packed
}

func (p *pack) size() int { return len(p.plain) + len(p.packed) }

// count counts what has been packed. The oldest goes if there is too much.
func (ps *packs) count(one *pack) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	one.counted = true
	ps.size += one.size()
	for ps.size > cachedBytes && len(ps.order) > 0 {
		oldest := ps.cached[ps.order[0]]
		if !oldest.counted {
			return
		}
		ps.size -= oldest.size()
		delete(ps.cached, ps.order[0])
		ps.order = ps.order[1:]
	}
}

// deflater compresses by itself (RFC 1951) and flushes.
type deflater struct{ writers sync.Pool }

func (d *deflater) append(dst, p []byte) []byte {
	begin := len(dst)
	out := bytes.NewBuffer(dst)
	w, _ := d.writers.Get().(*flate.Writer)
	if w == nil {
		w, _ = flate.NewWriter(out, flate.BestSpeed) // fails for levels that there are not
	} else {
		w.Reset(out)
	}
	w.Write(p) // a buffer takes everything
	w.Flush()
	d.writers.Put(w)
	if dst = out.Bytes(); len(dst)-begin > len(p)+len(p)/8 {
		return appendStored(dst[:begin], p)
	}
	return dst
}

// appendStored appends bytes as they are, and an empty block, at which readers hand out what they
// have.
func appendStored(dst, p []byte) []byte {
	for {
		n := min(len(p), maxStored)
		dst = append(dst, 0)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(n))
		dst = append(dst, p[:n]...)
		if p = p[n:]; n == 0 {
			return dst
		}
	}
}

// endGzip returns the last block, which is empty, and what RFC 1952 has after that: the CRC-32 and
// the size of everything.
func endGzip(sum, size uint32) []byte {
	end := []byte{1, 0, 0, 0xff, 0xff}
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(end, sum), size)
}

// appendRawFrame appends a zstd frame of at most 255 bytes that are as they are.
func appendRawFrame(dst, p []byte) []byte {
	const singleSegment, lastBlock = 0x20, 1
	dst = append(dst, 0x28, 0xb5, 0x2f, 0xfd, singleSegment, byte(len(p)))
	dst = append(dst, byte(len(p)<<3|lastBlock), byte(len(p)>>5), 0)
	return append(dst, p...)
}

var blanks = strings.NewReplacer(" ", "", "\t", "")

// accepts reports whether the client takes a body in the coding (RFC 9110, 12.5.3): what it says of
// that goes before what it says of all.
func accepts(r *http.Request, coding Coding) bool {
	any := false
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ToLower(blanks.Replace(one)), ";")
		takes := !slices.Contains([]string{"q=0", "q=0.0", "q=0.00", "q=0.000"}, weight)
		switch name {
		case string(coding):
			return takes
		case "*":
			any = takes && coding == CodingGzip
		}
	}
	return any
}
