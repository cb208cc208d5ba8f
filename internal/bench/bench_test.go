package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/sse"
)

func TestHistogramQuantiles(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
	for i := range 100_000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999} {
		exact := time.Duration(q*100_000+1) * time.Microsecond
		got := h.quantile(q)
		if got < exact || got > exact+exact/64+1 {
			t.Errorf("quantile %v is %v, want %v to a 64th", q, got, exact)
		}
	}
	if got := h.quantile(1); got != 100*time.Millisecond {
		t.Errorf("the longest is %v", got)
	}
}

func TestHistogramBucketsJoin(t *testing.T) {
	for i := range histogramBuckets - 1 {
		end := bucketEnd(i)
		if end == 1<<63-1 {
			break // what is beyond is no duration
		}
		if bucketOf(end) != i || bucketOf(end+1) != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in bucket %d, the next is in %d", i, end, bucketOf(end), bucketOf(end+1))
		}
	}
}

// pieces cuts p at random, into pieces of at most so many bytes, empty ones too.
func pieces(p []byte, most int, rng *rand.Rand) (out [][]byte) {
	for len(p) > 0 {
		n := rng.IntN(min(len(p), most) + 1)
		out = append(out, bytes.Clone(p[:n]))
		p = p[n:]
	}
	return out
}

const answers = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" +
	"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n" +
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
	"4\r\nab\r\n\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n" +
	"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno"

func TestResponsesInPieces(t *testing.T) {
	want := []string{"200 hello", "204 ", "200 ab\r\nabcdefghijklmnopqrstuvwxyz", "503 no"}
	for seed := range uint64(500) {
		var r response
		var got []string
		var body []byte
		for _, p := range pieces([]byte(answers), 40, rand.New(rand.NewPCG(seed, 0))) {
			for len(p) > 0 {
				piece, rest, done, err := r.next(p)
				if err != nil {
					t.Fatal(err)
				}
				body = append(body, piece...)
				if done {
					got = append(got, fmt.Sprintf("%d %s", r.status, body))
					body = nil
				}
				p = rest
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %q, want %q", seed, got, want)
		}
	}
}

func TestResponsesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"SSH-2.0-x\r\n\r\n",
		"HTTP/1.1 abc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		"HTTP/1.1 200 OK\r\n" + string(make([]byte, maxHead)),
	} {
		var r response
		var err error
		for p := []byte(text); len(p) > 0 && err == nil; {
			_, p, _, err = r.next(p)
		}
		if err == nil {
			t.Errorf("%.60q was taken for an answer", text)
		}
	}
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte(answers))
	f.Add([]byte("HTTP/1.0 200 OK\r\n\r\nx"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var r response
		for range len(p) + 1 {
			_, rest, done, err := r.next(p)
			if err != nil || len(rest) == 0 {
				return
			}
			if len(rest) == len(p) && !done {
				t.Fatalf("%q is not getting shorter", p)
			}
			p = rest
		}
	})
}

// encodeMessages writes what the hub writes: events, comments, retry lines.
func encodeMessages() (wire []byte, want []string) {
	for i, data := range []string{`{"n":1}`, "one\ntwo\nthree", "", "x:y", string(bytes.Repeat([]byte("long"), 3000)), "last"} {
		id, kind := fmt.Sprintf("e-%d", i), ""
		if i%2 == 1 {
			kind = "hub.gap"
		}
		wire = sse.AppendRetry(wire, time.Second)
		wire = sse.AppendID(wire, []byte(id))
		wire = sse.AppendType(wire, kind)
		wire = sse.AppendData(wire, []byte(data))
		wire = sse.AppendEnd(wire)
		wire = sse.AppendEnd(sse.AppendComment(wire, "keep-alive"))
		if kind == "" {
			kind = "message"
		}
		want = append(want, fmt.Sprintf("%s %s %s", id, kind, data))
	}
	return wire, want
}

func TestBlocksInPiecesAreWhatTheDecoderReads(t *testing.T) {
	wire, want := encodeMessages()
	d := sse.NewDecoder(bytes.NewReader(wire))
	for _, one := range want {
		e, err := d.Next()
		if got := fmt.Sprintf("%s %s %s", e.ID, e.Type, e.Data); err != nil || got != one {
			t.Fatalf("the decoder read %q, %v, want %q", got, err, one)
		}
	}
	for seed := range uint64(200) {
		var b blocks
		var got []string
		for _, p := range pieces(wire, 40, rand.New(rand.NewPCG(seed, 0))) {
			b.feed(p, nil, func(m message) {
				kind := string(m.kind)
				if kind == "" {
					kind = "message"
				}
				got = append(got, fmt.Sprintf("%s %s %s", m.id, kind, m.data))
			})
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %q, want %q", seed, got, want)
		}
	}
}
