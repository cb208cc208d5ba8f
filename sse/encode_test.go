package sse_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/sse"
)

func TestEncoderFollowsTheVectors(t *testing.T) {
	type vector struct{ Name, ID, Type, Data, Output string }
	for _, v := range vectors[vector](t, "encode.json") {
		t.Run(v.Name, func(t *testing.T) {
			if got := sse.AppendEvent(nil, v.ID, v.Type, []byte(v.Data)); string(got) != v.Output {
				t.Errorf("got %q, want %q", got, v.Output)
			}
		})
	}
}

func TestAppendRetryIsAPositiveNumberOfMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2 * time.Second:         "retry: 2000\n",
		2500 * time.Microsecond: "retry: 2\n",
		time.Microsecond:        "retry: 1\n",
		0:                       "retry: 1\n",
		-time.Second:            "retry: 1\n",
	} {
		if got := sse.AppendRetry(nil, d); string(got) != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestAppendCommentStaysAComment(t *testing.T) {
	for text, want := range map[string]string{
		"keep-alive":         ": keep-alive\n",
		"":                   ": \n",
		"a\ndata: b\r\n\rid": ": a\n: data: b\n: \n: id\n",
	} {
		if got := sse.AppendComment(nil, text); string(got) != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestABlockCanBeBuiltFromItsParts(t *testing.T) {
	b := sse.AppendID([]byte("data: before\n\n"), []byte("k9-8"))
	b = sse.AppendEnd(b)
	b = sse.AppendType(b, []byte("hub.gap"))
	b = sse.AppendData(b, []byte("{}"))
	b = sse.AppendEnd(b)
	if want := "data: before\n\nid: k9-8\n\nevent: hub.gap\ndata: {}\n\n"; string(b) != want {
		t.Errorf("got %q, want %q", b, want)
	}
}

func TestCheckIDAndCheckTypeSayWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, s, want string }{
		{"LF", "a\nb", `%s "a\nb" has a control character at byte 1`},
		{"CR", "a\r", `%s "a\r" has a control character at byte 1`},
		{"NUL", "\x00a", `%s "\x00a" has a control character at byte 0`},
		{"DEL", "\x7f", `%s "\x7f" has a control character at byte 0`},
		{"a leading blank", " a", `%s " a" begins or ends with a blank`},
		{"a trailing blank", "a ", `%s "a " begins or ends with a blank`},
		{"too long", strings.Repeat("x", 129), `%s is 129 bytes long, at most 128 are allowed`},
		{"not UTF-8", "a\xff", `%s "a\xff" is not valid UTF-8`},
		{"longest", strings.Repeat("x", 128), ""},
		{"a blank inside, not ASCII", "a …", ""},
		{"a position", "3w5e11264sgsf-1234567", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for field, check := range map[string]func(string) error{"id": sse.CheckID, "type": sse.CheckType} {
				got, want := "", strings.Replace(test.want, "%s", field, 1)
				if err := check(test.s); err != nil {
					got = err.Error()
				}
				if got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
	if err := sse.CheckID(""); err == nil || err.Error() != "id is empty" {
		t.Errorf("empty id: got %v", err)
	}
	if err := sse.CheckType(""); err != nil {
		t.Errorf("empty type: got %v", err)
	}
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 4096)
	id, data, lines := []byte("k9-123456"), []byte(`{"n":1}`), []byte("a\r\nb\rc\n")
	if n := testing.AllocsPerRun(100, func() {
		dst = sse.AppendEvent(dst[:0], "k9-7", "deploy", data)
		dst = sse.AppendID(dst, id)
		dst = sse.AppendData(dst, lines)
		dst = sse.AppendEnd(dst)
		dst = sse.AppendRetry(dst, 2*time.Second)
		dst = sse.AppendComment(dst, "keep-alive")
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

// Whatever is encoded is read back as exactly one event, between neighbours
// that are left alone.
func FuzzRoundTrip(f *testing.F) {
	type vector struct{ Name, ID, Type, Data, Output string }
	for _, v := range vectors[vector](f, "encode.json") {
		f.Add(v.ID, v.Type, []byte(v.Data), "comment")
	}
	f.Add("\xff", " ", []byte("a\xe2\x80"), "\r\ndata: evil\r\r")
	newlines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	f.Fuzz(func(t *testing.T, id, typ string, data []byte, comment string) {
		b := sse.AppendEvent(nil, "before", "", []byte("before"))
		b = sse.AppendRetry(b, time.Second)
		b = sse.AppendComment(b, comment)
		b = sse.AppendEvent(b, id, typ, data)
		b = sse.AppendEvent(b, "after", "", []byte("after"))

		one := event{ID: decodeUTF8([]byte(id)), Type: decodeUTF8([]byte(typ)), Data: newlines.Replace(decodeUTF8(data))}
		if id == "" || strings.ContainsAny(id, "\r\n\x00") {
			one.ID = "before"
		}
		if typ == "" || strings.ContainsAny(typ, "\r\n\x00") {
			one.Type = "message"
		}
		second := int64(1000)
		want := parsed{
			Events:      []event{{"before", "message", "before"}, one, {"after", "message", "after"}},
			LastEventID: "after",
			Retry:       &second,
		}
		checkDecode(t, b, want)

		if sse.CheckID(id) == nil && one.ID != id {
			t.Errorf("id %q passed the check and became %q", id, one.ID)
		}
		if sse.CheckType(typ) == nil && typ != "" && one.Type != typ {
			t.Errorf("type %q passed the check and became %q", typ, one.Type)
		}
	})
}

func BenchmarkAppendEvent(b *testing.B) {
	for _, bench := range []struct {
		name string
		data []byte
	}{
		{"100 bytes of JSON", bytes.Repeat([]byte("x"), 100)},
		{"10 lines", bytes.Repeat([]byte("ten bytes\n"), 10)},
		{"256 KiB of CR", bytes.Repeat([]byte("\r"), 256<<10)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			dst := make([]byte, 0, 4<<20)
			b.SetBytes(int64(len(bench.data)))
			b.ReportAllocs()
			for b.Loop() {
				dst = sse.AppendEvent(dst[:0], "3w5e11264sgsf-1234567", "", bench.data)
			}
		})
	}
}
