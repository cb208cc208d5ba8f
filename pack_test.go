package streamgauge

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// unpacked returns what a gzip stream without an end has, and demands that all of it can be had.
func unpacked(t testing.TB, stream []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("after what there is: %v", err)
	}
	return out
}

func FuzzPacksFollowEachOther(f *testing.F) {
	f.Add([]byte("a"), []byte(""), uint16(1))
	f.Add([]byte(strings.Repeat("id: 1\ndata: {}\n\n", 50)), []byte("id: 2"), uint16(9000))
	f.Fuzz(func(t *testing.T, a, b []byte, times uint16) {
		ps := newPacks(nil)[CodingGzip]
		large := bytes.Repeat(a, int(times)%(1<<20/max(len(a), 1)+1))
		var stream, want []byte
		stream = append(stream, ps.header...)
		for _, p := range [][]byte{a, b, large, b, a} {
			stream, want = ps.compress(stream, p), append(want, p...)
			if got := unpacked(t, stream); !bytes.Equal(got, want) {
				t.Fatalf("got %d bytes, want %d", len(got), len(want))
			}
		}
		if len(large) < minPacked {
			return
		}
		a = large
		first := ps.of(a)
		if again := ps.of(bytes.Clone(a)); len(again) != len(first) || &again[0] != &first[0] {
			t.Error("the same bytes are packed twice")
		}
		if got := unpacked(t, append(bytes.Clone(ps.header), first...)); !bytes.Equal(got, a) {
			t.Errorf("shared: got %q", got)
		}
	})
}

// A block may grow, and be one of very many.
func TestPacksAreThoseOfTheBytes(t *testing.T) {
	ps := newPacks(nil)[CodingGzip]
	buf := bytes.Repeat([]byte("0123456789 events and more "), 1000)
	for n := 1; n < len(buf); n += 997 {
		for _, p := range [][]byte{buf[:n], buf[:n], buf[n-1 : n], buf[n/2 : n]} {
			if got := unpacked(t, append(bytes.Clone(ps.header), ps.of(p)...)); !bytes.Equal(got, p) {
				t.Fatalf("%d bytes: got others", len(p))
			}
		}
	}
	for i := range 1000 {
		p := bytes.Repeat([]byte{byte(i)}, 300)
		if got := unpacked(t, append(bytes.Clone(ps.header), ps.of(p)...)); !bytes.Equal(got, p) {
			t.Fatal("got others")
		}
	}
	for i := range 40 { // packed as little as can be
		p := make([]byte, 1<<20)
		rand.NewChaCha8([32]byte{byte(i)}).Read(p)
		ps.of(p)
		if ps.size > cachedBytes {
			t.Fatalf("%d bytes are kept", ps.size)
		}
	}
	if len(ps.cached) != len(ps.order) || len(ps.cached) == 0 || len(ps.cached) > 4 {
		t.Errorf("%d are kept, in an order of %d", len(ps.cached), len(ps.order))
	}
}

func TestGzipIsForThoseWhoAcceptIt(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "deflate, gzip": true, "GZIP;q=0.5": true, "br;q=1, *;q=0.1": true,
		"*, gzip;q=0": false, "gzip, *;q=0": true, "gzip;q=0": false, "gzip; q=0.0": false, "deflate, br": false, "xgzip": false,
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {header}}}
		if got := accepts(r, CodingGzip); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}
