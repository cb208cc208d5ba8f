package bench

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// words returns text that can be packed.
func words(rng *rand.Rand, n int) (text []byte) {
	for len(text) < n {
		text = append(text, []string{"data: ", "one", "two\n", "three ", "\n\n", `{"n":`}[rng.IntN(6)]...)
	}
	return text[:n]
}

func TestFramesInPieces(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var wire, want []byte
		for _, size := range []int{5, 0, 125, 126, 60_000, 65_535, 65_536, 3} {
			text := words(rng, size)
			want = append(want, text...)
			switch {
			case size < 126:
				wire = append(wire, 0x81, byte(size))
			case size < 1<<16:
				wire = binary.BigEndian.AppendUint16(append(wire, 0x81, 126), uint16(size))
			default:
				wire = binary.BigEndian.AppendUint64(append(wire, 0x81, 127), uint64(size))
			}
			wire = append(wire, text...)
			wire = append(wire, 0x89, 4, 'p', 'i', 'n', 'g')
		}
		var f frames
		var got []byte
		for _, p := range pieces(wire, 30_000, rng) {
			for len(p) > 0 {
				text, rest, err := f.next(p)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, text...)
				p = rest
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d bytes were read of %d, or others", seed, len(got), len(want))
		}
	}
}

func TestFramesThatAreNone(t *testing.T) {
	for name, wire := range map[string][]byte{"masked": {0x81, 0x85}, "a close": {0x88, 0}} {
		var f frames
		var err error
		for p := wire; len(p) > 0 && err == nil; {
			_, p, err = f.next(p)
		}
		if err == nil {
			t.Errorf("%s is taken for a message", name)
		}
	}
}

func TestPackedBlocksInPieces(t *testing.T) {
	common := newUnpacked()
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		wire := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
		var want []byte
		for range 30 {
			text := words(rng, rng.IntN(2000))
			if rng.IntN(4) == 0 { // so that there are bytes in it like those of a flush
				text = append(text, bytes.Repeat([]byte{0, 0, 255, 255, byte(rng.Int())}, rng.IntN(20))...)
			}
			want = append(want, text...)
			if rng.IntN(3) == 0 {
				wire = append(wire, 0)
				wire = binary.LittleEndian.AppendUint16(wire, uint16(len(text)))
				wire = binary.LittleEndian.AppendUint16(wire, ^uint16(len(text)))
				wire = append(wire, text...)
				continue
			}
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, rng.IntN(10))
			if err != nil {
				t.Fatal(err)
			}
			w.Write(text)
			w.Flush()
			wire = append(wire, out.Bytes()...)
		}
		u := unpacker{known: common}
		var got []byte
		for _, p := range pieces(wire, 3000, rng) {
			if err := u.feed(p, func(text []byte) { got = append(got, text...) }); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d bytes were unpacked of %d, or others", seed, len(got), len(want))
		}
	}
	if err := (&unpacker{known: common}).feed([]byte("data: this is not packed"), nil); err == nil {
		t.Error("plain text is taken for gzip")
	}
}
