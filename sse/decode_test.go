package sse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/streamgauge/streamgauge/sse"
)

// vectors reads a file of the language-neutral vectors.
func vectors[T any](t testing.TB, name string) []T {
	t.Helper()
	text, err := os.ReadFile("../protocol/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no vectors", name)
	}
	return out
}

type decodeVector struct {
	Name   string   `json:"name"`
	Input  string   `json:"input"`
	Chunks []string `json:"chunks"`
	After  []int    `json:"after"`
	parsed
}

// cut reads in pieces whose sizes next gives.
type cut struct {
	rest []byte
	next func() int
}

func (c *cut) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.next())], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// decode reads a whole stream with the decoder, in pieces.
func decode(t testing.TB, stream []byte, next func() int) parsed {
	t.Helper()
	d := sse.NewDecoder(&cut{stream, next})
	out := parsed{Events: []event{}}
	for {
		e, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if e.ID != d.LastEventID() {
			t.Fatalf("event has id %q, last event id is %q", e.ID, d.LastEventID())
		}
		out.Events = append(out.Events, event{e.ID, e.Type, string(e.Data)})
	}
	out.LastEventID = d.LastEventID()
	if retry, ok := d.Retry(); ok {
		ms := retry.Milliseconds()
		out.Retry = &ms
	}
	return out
}

// cuts are the ways in which a stream is cut up.
func cuts(seed uint64) map[string]func() int {
	random := rand.New(rand.NewPCG(seed, 1))
	return map[string]func() int{
		"whole":   func() int { return 1 << 20 },
		"1 byte":  func() int { return 1 },
		"2 bytes": func() int { return 2 },
		"3 bytes": func() int { return 3 },
		"random":  func() int { return 1 + random.IntN(9) },
	}
}

func checkDecode(t *testing.T, stream []byte, want parsed) {
	t.Helper()
	for name, next := range cuts(uint64(len(stream))) {
		if got := decode(t, stream, next); !reflect.DeepEqual(got, want) {
			t.Errorf("%q, cut %s:\ngot  %s\nwant %s", stream, name, show(got), show(want))
		}
	}
}

func show(p parsed) string {
	text, _ := json.Marshal(p)
	return string(text)
}

func TestDecoderFollowsTheVectors(t *testing.T) {
	for _, v := range vectors[decodeVector](t, "decode.json") {
		t.Run(v.Name, func(t *testing.T) {
			checkDecode(t, []byte(v.Input), v.parsed)
			if got := reference([]byte(v.Input)); !reflect.DeepEqual(got, v.parsed) {
				t.Errorf("the reference parser disagrees with the vector: %s", show(got))
			}
		})
	}
}

func TestDecoderDispatchesWithoutWaiting(t *testing.T) {
	tried := 0
	for _, v := range vectors[decodeVector](t, "decode.json") {
		if v.Chunks == nil {
			continue
		}
		tried++
		t.Run(v.Name, func(t *testing.T) {
			if strings.Join(v.Chunks, "") != v.Input || len(v.After) != len(v.Chunks) {
				t.Fatal("the vector's chunks are not its input")
			}
			r := &script{chunks: v.Chunks}
			d := sse.NewDecoder(r)
			seen := 0
			for i, n := range v.After {
				for ; seen < n; seen++ {
					if _, err := d.Next(); err != nil {
						t.Fatal(err)
					}
				}
				if n > 0 && r.read > i+1 {
					t.Errorf("event %d needs %d chunks, %d were read", n, i+1, r.read)
				}
			}
			if _, err := d.Next(); err != io.EOF {
				t.Errorf("after the last event: got %v, want EOF", err)
			}
		})
	}
	if tried == 0 {
		t.Error("no vector has chunks")
	}
}

// script returns one chunk per read and counts them.
type script struct {
	chunks []string
	read   int
}

func (s *script) Read(p []byte) (int, error) {
	if s.read == len(s.chunks) {
		return 0, io.EOF
	}
	s.read++
	return copy(p, s.chunks[s.read-1]), nil
}

func TestDecoderReplacesWhatIsNotUTF8AsABrowserDoes(t *testing.T) {
	for in, want := range map[string]string{
		"a\x80b":                 "a\uFFFDb",
		"a\xFF\xFEb":             "a\uFFFD\uFFFDb",
		"cut short \xE2\x80":     "cut short \uFFFD",
		"\xF0\x9F\x98x":          "\uFFFDx",
		"surrogate \xED\xA0\x80": "surrogate \uFFFD\uFFFD\uFFFD",
		"overlong \xC0\xAF":      "overlong \uFFFD\uFFFD",
		"\xE2\xE2\x80\xA6":       "\uFFFD\u2026",
		"real \uFFFD":            "real \uFFFD",
	} {
		checkDecode(t, []byte("id:"+in+"\ndata:"+in+"\n\n"), parsed{
			Events:      []event{{ID: want, Type: "message", Data: want}},
			LastEventID: want,
		})
	}
}

func TestDecoderKeepsToItsLimit(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, test := range []struct {
		name   string
		stream string
		fails  bool
	}{
		{"a line at the limit", "data" + ":" + long[:95] + "\n\n", false},
		{"a line beyond it", "data:" + long[:96] + "\n\n", true},
		{"a line beyond it that never ends", long + long, true},
		{"a comment beyond it", ":" + long + "\n", true},
		{"data of many lines at the limit", "data:" + long[:60] + "\ndata:" + long[:39] + "\n\n", false},
		{"data of many lines beyond it", "data:" + long[:60] + "\ndata:" + long[:40] + "\n\n", true},
		{"empty lines count with their line ends", strings.Repeat("data\n", 102) + "\n", true},
		{"many events", strings.Repeat("data:"+long[:90]+"\n\n", 50), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, next := range cuts(1) {
				d := sse.NewDecoder(&cut{[]byte(test.stream), next})
				d.MaxBytes = 100
				var err error
				for err == nil {
					_, err = d.Next()
				}
				if got := errors.Is(err, sse.ErrTooLong); got != test.fails || !got && err != io.EOF {
					t.Errorf("cut %s: got %v", how, err)
				}
				if _, again := d.Next(); again != err {
					t.Errorf("cut %s: the error does not stay: %v", how, again)
				}
			}
		})
	}
}

func TestDecoderReadsLongLinesUpToTheDefaultLimit(t *testing.T) {
	data := strings.Repeat("x", sse.DefaultMaxBytes-len("data:"))
	d := sse.NewDecoder(strings.NewReader("data:" + data + "\n\ndata:" + data + "x\n\n"))
	if e, err := d.Next(); err != nil || string(e.Data) != data {
		t.Fatalf("got %d bytes, %v", len(e.Data), err)
	}
	if _, err := d.Next(); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

func TestDecoderShowsComments(t *testing.T) {
	d := sse.NewDecoder(strings.NewReader(": keep-alive\n:\ndata:1\n\n:\xFF\n"))
	var got []string
	d.OnComment = func(text []byte) { got = append(got, string(text)) }
	for {
		if _, err := d.Next(); err != nil {
			break
		}
	}
	if want := []string{" keep-alive", "", "\uFFFD"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecoderReturnsTheReadersError(t *testing.T) {
	broken := errors.New("connection reset")
	d := sse.NewDecoder(io.MultiReader(
		iotest.DataErrReader(strings.NewReader("data:1\n\ndata:2\n")), iotest.ErrReader(broken)))
	if e, err := d.Next(); err != nil || string(e.Data) != "1" {
		t.Fatalf("got %q, %v", e.Data, err)
	}
	for range 2 {
		if _, err := d.Next(); err != broken {
			t.Errorf("got %v, want %v", err, broken)
		}
	}
}

// fruitless never returns anything.
type fruitless struct{}

func (fruitless) Read([]byte) (int, error) { return 0, nil }

func TestDecoderGivesUpOnAReaderThatReturnsNothing(t *testing.T) {
	if _, err := sse.NewDecoder(fruitless{}).Next(); err != io.ErrNoProgress {
		t.Errorf("got %v, want io.ErrNoProgress", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors[decodeVector](f, "decode.json") {
		f.Add([]byte(v.Input))
	}
	f.Add([]byte("\xEF\xBB\xBFid:\xE2\x80\rdata:\xED\xA0\x80\r\n\r\n"))
	f.Add([]byte("retry:99999999999999999999\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		checkDecode(t, stream, reference(stream))
	})
}

func BenchmarkDecode(b *testing.B) {
	one := sse.AppendEvent(nil, "3w5e11264sgsf-1234567", "", []byte(`{"stream":"host.cpu","data":{"usage_percent":12.5}}`))
	stream := bytes.Repeat(one, 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		d := sse.NewDecoder(bytes.NewReader(stream))
		for {
			if _, err := d.Next(); err != nil {
				break
			}
		}
	}
}
