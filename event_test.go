package streamgauge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/sse"
)

func TestValidateSaysWhatIsWrong(t *testing.T) {
	ok := func(change func(*streamgauge.Event)) streamgauge.Event {
		e := streamgauge.Event{Stream: "a", Data: []byte("1")}
		change(&e)
		return e
	}
	for name, tc := range map[string]struct {
		event       streamgauge.Event
		field, says string
	}{
		"fine":              {ok(func(e *streamgauge.Event) {}), "", ""},
		"fine null":         {ok(func(e *streamgauge.Event) { e.Data = []byte("null") }), "", ""},
		"fine empty text":   {ok(func(e *streamgauge.Event) { e.Text, e.Data = true, nil }), "", ""},
		"no stream":         {ok(func(e *streamgauge.Event) { e.Stream = "" }), "stream", "empty"},
		"leading dot":       {ok(func(e *streamgauge.Event) { e.Stream = ".a" }), "stream", "empty"},
		"a pattern":         {ok(func(e *streamgauge.Event) { e.Stream = "a.*" }), "stream", "'*'"},
		"long stream":       {ok(func(e *streamgauge.Event) { e.Stream = strings.Repeat("a", 201) }), "stream", "200"},
		"long type":         {ok(func(e *streamgauge.Event) { e.Type = strings.Repeat("a", 65) }), "type", "64"},
		"reserved type":     {ok(func(e *streamgauge.Event) { e.Type = "hub.bye" }), "type", "reserved"},
		"type with a blank": {ok(func(e *streamgauge.Event) { e.Type = "a b" }), "type", "' '"},
		"long key":          {ok(func(e *streamgauge.Event) { e.Key = strings.Repeat("k", 257) }), "key", "256"},
		"key with NUL":      {ok(func(e *streamgauge.Event) { e.Key = "a\x00" }), "key", "control"},
		"key not UTF-8":     {ok(func(e *streamgauge.Event) { e.Key = "\xff" }), "key", "UTF-8"},
		"time before 1970":  {ok(func(e *streamgauge.Event) { e.Time = time.Unix(-1, 0) }), "time", "1970"},
		"time after 2261":   {ok(func(e *streamgauge.Event) { e.Time = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) }), "time", "2261"},
		"no data":           {ok(func(e *streamgauge.Event) { e.Data = nil }), "data", "missing"},
		"half a value":      {ok(func(e *streamgauge.Event) { e.Data = []byte(`{"a":`) }), "data", "byte 5"},
		"two values":        {ok(func(e *streamgauge.Event) { e.Data = []byte(`1 2`) }), "data", "byte"},
		"a raw line end":    {ok(func(e *streamgauge.Event) { e.Data = []byte("{\n}") }), "data", "compact"},
		"text of two lines": {ok(func(e *streamgauge.Event) { e.Text, e.Data = true, []byte("a\rb") }), "data", "more than one line"},
		"not UTF-8":         {ok(func(e *streamgauge.Event) { e.Data = []byte("\"\xc3\"") }), "data", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.event.Validate()
			if tc.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var invalid *streamgauge.InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, streamgauge.ErrInvalid) || invalid.Field != tc.field || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %s … %s", err, tc.field, tc.says)
			}
		})
	}
}

// Whatever a publisher sends, either it is refused or a subscriber sees exactly
// one event with exactly that.
func FuzzEventsReachASubscriberAsPublished(f *testing.F) {
	f.Add("a.b", "sale", "k", []byte(`{"n":1}`), false)
	f.Add("a", "", "", []byte("a line: \"x\" \x00\t"), true)
	f.Add("a", "x\ndata: y", "", []byte("\r\nevent: hub.bye\r\n\r\n"), true)
	f.Add("a", "hub.gap", "\u2028", []byte("\xef\xbb\xbf: x"), true)
	f.Fuzz(func(t *testing.T, stream, typ, key string, data []byte, text bool) {
		log := streamgauge.NewMemoryLog(streamgauge.DefaultRules())
		published := streamgauge.Event{Stream: stream, Type: typ, Key: key, Data: data, Text: text}
		if _, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{published}}); err != nil {
			if head, _ := log.Head(t.Context()); head.Seq != 0 {
				t.Fatalf("refused with %v but kept", err)
			}
			return
		}
		hub, err := streamgauge.New(&streamgauge.Options{Log: log})
		if err != nil {
			t.Fatal(err)
		}
		for _, encoding := range []streamgauge.Encoding{streamgauge.EncodeEnvelope, streamgauge.EncodeBare} {
			e := onlyEvent(t, hub, stream, encoding)
			if encoding == streamgauge.EncodeBare {
				wantType := typ
				if typ == "" {
					wantType = "message"
				}
				if e.Type != wantType || !bytes.Equal(e.Data, data) {
					t.Fatalf("published %q %q, received %q %q", wantType, data, e.Type, e.Data)
				}
				continue
			}
			var envelope struct {
				Stream, Type, Key string
				Data              json.RawMessage
			}
			if err := json.Unmarshal(e.Data, &envelope); err != nil {
				t.Fatalf("envelope %q: %v", e.Data, err)
			}
			got := []byte(envelope.Data)
			if text {
				var line string
				if err := json.Unmarshal(got, &line); err != nil {
					t.Fatal(err)
				}
				got = []byte(line)
			}
			if envelope.Stream != stream || envelope.Type != typ || envelope.Key != key || !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(data)) {
				t.Fatalf("published %q, received %q", data, e.Data)
			}
		}
	})
}

func onlyEvent(t *testing.T, hub *streamgauge.Hub, stream string, encoding streamgauge.Encoding) sse.Event {
	t.Helper()
	s, err := hub.Subscribe(t.Context(), streamgauge.Subscription{Select: streamgauge.Selection{streamgauge.Selector(stream)}, Encoding: encoding, Last: 1}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var wire strings.Builder
	for {
		p, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			break
		}
		wire.Write(p)
	}
	if !utf8.ValidString(wire.String()) {
		t.Fatalf("the wire is not UTF-8: %q", wire.String())
	}
	events := decode(wire.String())
	if len(events) != 2 || events[0].Type != "hub.hello" {
		t.Fatalf("received %v, want hub.hello and one event", events)
	}
	return events[1]
}

func FuzzACursorNeverBreaksASubscriber(f *testing.F) {
	hub, err := streamgauge.New(nil)
	if err != nil {
		f.Fatal(err)
	}
	receipt, err := hub.Publish(f.Context(), streamgauge.Event{Stream: "a", Data: []byte("1")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(receipt.Position.String())
	f.Add("")
	f.Add("0-0")
	f.Add("-1")
	f.Add(strings.Repeat("9", 70))
	f.Fuzz(func(t *testing.T, cursor string) {
		s, err := hub.Subscribe(t.Context(), streamgauge.Subscription{Select: a, Cursor: cursor}, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		p, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		position, parseErr := streamgauge.ParsePosition(cursor)
		usable := cursor == "" || parseErr == nil && position.Epoch == receipt.Position.Epoch && position.Seq <= receipt.Position.Seq
		if gap := bytes.Contains(p, []byte("hub.gap")); gap == usable {
			t.Fatalf("cursor %q: gap %v, usable %v", cursor, gap, usable)
		}
		if parseErr == nil && position.String() != cursor {
			t.Fatalf("cursor %q is accepted as %s", cursor, position)
		}
	})
}

func FuzzSelector(f *testing.F) {
	f.Add("logs.*", "logs.web")
	f.Add(">", "a")
	f.Add("a.>", "a.b.c")
	f.Fuzz(func(t *testing.T, selector, stream string) {
		parsed, err := streamgauge.ParseSelector(selector)
		if err != nil {
			return
		}
		matches := parsed.Matches(stream) // never panics
		if !parsed.IsPattern() && matches != (selector == stream) {
			t.Fatalf("%q matches %q: %v", selector, stream, matches)
		}
	})
}
