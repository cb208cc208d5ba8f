package check_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

// world is a publisher per stream, a hub that stores what it is told to, and
// one subscriber of a and b.*.
type world struct {
	t          *testing.T
	ledger     check.Ledger
	publishers map[string]*check.Publisher
	stored     []stored // position i+1
	subscriber *check.Subscriber
}

type stored struct {
	stream string
	data   []byte
}

func newWorld(t *testing.T) *world {
	selection, err := streamgauge.NewSelection("a", "b.*")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, publishers: make(map[string]*check.Publisher), subscriber: check.NewSubscriber("one", selection)}
	w.subscriber.Connected()
	return w
}

func (w *world) publisher(stream string) *check.Publisher {
	p := w.publishers[stream]
	if p == nil {
		p = w.ledger.NewPublisher(0, stream)
		w.publishers[stream] = p
	}
	return p
}

// publish stores n events and acknowledges them.
func (w *world) publish(stream string, n int) {
	for range n {
		w.stored = append(w.stored, stored{stream, w.publisher(stream).Append(nil, 1, 100)})
	}
	w.publisher(stream).Acked(n)
}

func id(seq int) []byte { return fmt.Appendf(nil, "e1-%d", seq) }

// deliver delivers stored events by their positions.
func (w *world) deliver(seqs ...int) {
	for _, seq := range seqs {
		e := w.stored[seq-1]
		w.subscriber.SSE(id(seq), nil, w.envelope(e.stream, id(seq), e.data))
	}
}

func (w *world) envelope(stream string, id, data []byte) []byte {
	return fmt.Appendf(nil, `{"stream":"%s","id":"%s","time":"2026-01-02T03:04:05Z","key":"k\",\"data\":","data":%s}`, stream, id, data)
}

func (w *world) control(seq int, name, format string, args ...any) {
	var at []byte
	if seq >= 0 {
		at = id(seq)
	}
	w.subscriber.SSE(at, []byte("hub."+name), fmt.Appendf(nil, format, args...))
}

func (w *world) gap(stream string, lost int) {
	w.control(-1, "gap", `{"stream":%q,"from":"e1-1","to":null,"lost":%d,"reason":"evicted"}`, stream, lost)
}

// broken are guarantees and how many events break them.
type broken map[error]uint64

func TestSubscriber(t *testing.T) {
	tests := []struct {
		name string
		run  func(w *world)
		want broken
	}{
		{"everything once and in order", func(w *world) {
			w.publish("a", 3)
			w.deliver(1, 2, 3)
		}, nil},
		{"several streams are counted apart", func(w *world) {
			w.publish("a", 2)
			w.publish("b.x", 2)
			w.publish("c", 1)
			w.deliver(1, 2, 3, 4)
		}, nil},
		{"a heartbeat through the last event, then more", func(w *world) {
			w.publish("a", 2)
			w.control(0, "hello", `{}`)
			w.deliver(1)
			w.control(1, "heartbeat", `{}`)
			w.deliver(2)
		}, nil},
		{"a resumed connection goes on", func(w *world) {
			w.publish("a", 4)
			w.deliver(1, 2)
			w.subscriber.Connected()
			w.control(2, "hello", `{}`)
			w.deliver(3, 4)
		}, nil},
		{"who joins live is not promised the past", func(w *world) {
			w.publish("a", 5)
			w.subscriber.Live(&w.ledger)
			w.publish("a", 2)
			w.deliver(6, 7)
		}, nil},
		{"who joins live loses what is published next", func(w *world) {
			w.publish("a", 5)
			w.subscriber.Live(&w.ledger)
			w.publish("a", 2)
			w.deliver(7)
		}, broken{check.ErrSilentGap: 1, check.ErrLost: 1}},
		{"the last events never come", func(w *world) {
			w.publish("a", 5)
			w.deliver(1, 2)
		}, broken{check.ErrLost: 3}},
		{"events in the middle are left out", func(w *world) {
			w.publish("a", 5)
			w.deliver(1, 4, 5)
		}, broken{check.ErrSilentGap: 2, check.ErrLost: 2}},
		{"an event comes twice", func(w *world) {
			w.publish("a", 2)
			w.deliver(1, 2)
			w.subscriber.Connected()
			w.deliver(2)
		}, broken{check.ErrDuplicate: 1}},
		{"an event comes late on another connection", func(w *world) {
			w.publish("a", 3)
			w.deliver(1, 3)
			w.subscriber.Connected()
			w.deliver(2)
		}, broken{check.ErrReordered: 1}},
		{"an event comes late and twice", func(w *world) {
			w.publish("a", 5)
			w.deliver(1, 5)
			w.subscriber.Connected()
			w.deliver(2, 3, 4)
			w.subscriber.Connected()
			w.deliver(3)
		}, broken{check.ErrReordered: 3, check.ErrDuplicate: 1}},
		{"a heartbeat is ahead of what was delivered", func(w *world) {
			w.publish("a", 2)
			w.deliver(1)
			w.control(2, "heartbeat", `{}`)
			w.deliver(2)
		}, broken{check.ErrPosition: 1}},
		{"a heartbeat is behind what was delivered", func(w *world) {
			w.publish("a", 2)
			w.deliver(1, 2)
			w.control(1, "heartbeat", `{}`)
		}, broken{check.ErrPosition: 1}},
		{"two events have one id", func(w *world) {
			w.publish("a", 2)
			w.subscriber.Event(id(1), []byte("a"), w.stored[0].data)
			w.subscriber.Event(id(1), []byte("a"), w.stored[1].data)
		}, broken{check.ErrPosition: 1}},
		{"an event has no id, another none of ours", func(w *world) {
			w.publish("a", 2)
			w.subscriber.Event(nil, []byte("a"), w.stored[0].data)
			w.subscriber.Event([]byte("e1-2x"), []byte("a"), w.stored[1].data)
		}, broken{check.ErrPosition: 2}},
		{"the epoch changes on a connection", func(w *world) {
			w.publish("a", 2)
			w.deliver(1)
			w.subscriber.Event([]byte("e2-2"), []byte("a"), w.stored[1].data)
		}, broken{check.ErrPosition: 1}},
		{"an event of another stream comes", func(w *world) {
			w.publish("c", 1)
			w.deliver(1)
		}, broken{check.ErrForeign: 1}},
		{"an event comes under another stream's name", func(w *world) {
			w.publish("a", 1)
			w.subscriber.Event(id(1), []byte("b.x"), w.stored[0].data)
		}, broken{check.ErrCorrupt: 1, check.ErrLost: 1}},
		{"one byte of an event is another", func(w *world) {
			w.publish("a", 2)
			w.deliver(1)
			w.stored[1].data[50] ^= 1
			w.deliver(2)
		}, broken{check.ErrCorrupt: 1, check.ErrLost: 1}},
		{"an envelope has another id than its block", func(w *world) {
			w.publish("a", 1)
			w.subscriber.SSE(id(1), []byte("message"), w.envelope("a", id(2), w.stored[0].data))
		}, broken{check.ErrCorrupt: 1, check.ErrLost: 1}},
		{"an event comes that nobody published", func(w *world) {
			w.publish("a", 1)
			w.deliver(1)
			w.subscriber.Event(id(2), []byte("a"), check.Payload{N: 2, Due: 1}.Append(nil, "a", 100))
		}, broken{check.ErrCorrupt: 1}},
		{"a refused event is not promised", func(w *world) {
			w.publisher("a").Append(nil, 1, 100)
			w.publisher("a").Refused(1)
			w.publish("a", 1)
			w.deliver(1)
		}, nil},
		{"a refused event comes", func(w *world) {
			w.stored = append(w.stored, stored{"a", w.publisher("a").Append(nil, 1, 100)})
			w.publisher("a").Refused(1)
			w.publish("a", 1)
			w.deliver(1, 2)
		}, broken{check.ErrForeign: 1}},
		{"events of unknown outcome may come or not", func(w *world) {
			for range 2 {
				w.stored = append(w.stored, stored{"a", w.publisher("a").Append(nil, 1, 100)})
				w.publisher("a").Unknown(1)
			}
			w.publish("a", 1)
			w.publisher("a").Append(nil, 1, 100) // under way
			w.deliver(2, 3)
		}, nil},
		{"an event of unknown outcome comes twice", func(w *world) {
			w.stored = append(w.stored, stored{"a", w.publisher("a").Append(nil, 1, 100)})
			w.publisher("a").Unknown(1)
			w.deliver(1)
			w.subscriber.Connected()
			w.deliver(1)
		}, broken{check.ErrDuplicate: 1}},
		{"a gap declares exactly what is missing", func(w *world) {
			w.publish("a", 6)
			w.deliver(1)
			w.gap("a", 3)
			w.deliver(5, 6)
		}, nil},
		{"a gap at the end declares exactly what is missing", func(w *world) {
			w.publish("a", 6)
			w.deliver(1)
			w.gap("a", 5)
		}, nil},
		{"a gap declares too little", func(w *world) {
			w.publish("a", 6)
			w.deliver(1)
			w.gap("a", 1)
			w.deliver(5, 6)
		}, broken{check.ErrSilentGap: 2, check.ErrLost: 2}},
		{"a gap declares too much", func(w *world) {
			w.publish("a", 6)
			w.deliver(1)
			w.gap("a", 4)
			w.deliver(5, 6)
		}, broken{check.ErrFalseGap: 1}},
		{"a gap where nothing is missing", func(w *world) {
			w.publish("a", 2)
			w.deliver(1)
			w.gap("a", 1)
			w.deliver(2)
		}, broken{check.ErrFalseGap: 1}},
		{"a gap on the wrong stream", func(w *world) {
			w.publish("a", 4)
			w.publish("b.x", 1)
			w.deliver(1)
			w.gap("b.x", 2)
			w.deliver(4, 5)
		}, broken{check.ErrSilentGap: 2, check.ErrLost: 2, check.ErrFalseGap: 2}},
		{"a gap of a stream that was not selected", func(w *world) {
			w.publish("c", 1)
			w.gap("c", 1)
		}, broken{check.ErrForeign: 1, check.ErrFalseGap: 1}},
		{"a gap does not excuse what goes missing later", func(w *world) {
			w.publish("a", 9)
			w.deliver(1)
			w.gap("a", 2)
			w.deliver(4, 7, 8, 9)
		}, broken{check.ErrSilentGap: 2, check.ErrLost: 2}},
		{"two gaps one after the other share what is missing", func(w *world) {
			w.publish("a", 9)
			w.deliver(1)
			w.gap("a", 2)
			w.subscriber.Connected()
			w.gap("a", 3)
			w.deliver(7, 8, 9)
		}, nil},
		{"a gap may count an event of unknown outcome", func(w *world) {
			w.publish("a", 1)
			w.stored = append(w.stored, stored{"a", w.publisher("a").Append(nil, 1, 100)})
			w.publisher("a").Unknown(1)
			w.publish("a", 2)
			w.deliver(1)
			w.gap("a", 2)
			w.deliver(4)
		}, nil},
		{"a gap without a number hides any number", func(w *world) {
			w.publish("a", 5)
			w.publish("b.x", 5)
			w.deliver(1)
			w.subscriber.Connected()
			w.control(4, "gap", `{"stream":null,"from":null,"to":null,"lost":null,"reason":"unknown"}`)
			w.deliver(5, 10)
		}, nil},
		{"a cursor is called unknown though nothing is missing", func(w *world) {
			w.publish("a", 3)
			w.deliver(1)
			w.subscriber.Connected()
			w.control(1, "gap", `{"stream":null,"from":null,"to":null,"lost":null,"reason":"unknown"}`)
			w.deliver(2, 3)
		}, broken{check.ErrFalseGap: 1}},
		{"a gap can't be read", func(w *world) {
			w.control(-1, "gap", `{"stream":"a","lost":-1,"reason":"evicted"}`)
			w.control(-1, "gap", `{"stream":`)
		}, broken{check.ErrCorrupt: 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.run(w)
			report := w.subscriber.Finish(&w.ledger)
			for _, guarantee := range guarantees {
				if got, want := report.Count(guarantee), test.want[guarantee]; got != want {
					t.Errorf("%d times %q, want %d; report:\n%v", got, guarantee, want, report.Err())
				}
			}
			if (report.Err() == nil) != (len(test.want) == 0) {
				t.Errorf("report is %v", report.Err())
			}
		})
	}
}

var guarantees = []error{check.ErrLost, check.ErrSilentGap, check.ErrFalseGap, check.ErrDuplicate, check.ErrReordered, check.ErrPosition, check.ErrForeign, check.ErrCorrupt}

func TestCaughtUp(t *testing.T) {
	w := newWorld(t)
	w.publish("c", 1)
	w.publish("a", 2)
	if w.deliver(2); w.subscriber.CaughtUp(&w.ledger) {
		t.Error("caught up with an event missing")
	}
	if w.deliver(3); !w.subscriber.CaughtUp(&w.ledger) {
		t.Error("not caught up with every selected event here")
	}
	if got := w.subscriber.Cursor(); got != "e1-3" {
		t.Errorf("cursor is %q", got)
	}
	if got := w.ledger.Acked(); got != 3 {
		t.Errorf("%d events acknowledged, want 3", got)
	}
}

func TestReportsAreMerged(t *testing.T) {
	var all check.Report
	for range 3 {
		w := newWorld(t)
		w.publish("a", 2)
		w.deliver(2)
		all.Merge(w.subscriber.Finish(&w.ledger))
	}
	if all.Events != 3 || all.Count(check.ErrSilentGap) != 3 {
		t.Errorf("merged: %d events, %v", all.Events, all.Err())
	}
	var violation *check.Violation
	if !errors.As(all.Err(), &violation) || !strings.Contains(violation.Error(), "silent gap: lost: 3, first: one: publisher 0 on a: 1 acknowledged") {
		t.Errorf("the error says %v", all.Err())
	}
}

func TestAnEventAsItShouldBeAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	const n = 1000
	w.publish("a", n+1)
	ids := make([][]byte, n+1)
	for i := range ids {
		ids[i] = id(i + 1)
	}
	stream, next := []byte("a"), 0
	allocs := testing.AllocsPerRun(n, func() {
		w.subscriber.Event(ids[next], stream, w.stored[next].data)
		next++
	})
	if err := w.subscriber.Finish(&w.ledger).Err(); err != nil || allocs != 0 {
		t.Errorf("%v allocations per event, %v", allocs, err)
	}
}

func BenchmarkEvent(b *testing.B) {
	const n = 10_000
	var ids, events [n][]byte
	for i := range n {
		ids[i] = id(i + 1)
		events[i] = check.Payload{N: uint64(i + 1), Due: 1e9}.Append(nil, "bench.0", 128)
	}
	selection, err := streamgauge.NewSelection("bench.0")
	if err != nil {
		b.Fatal(err)
	}
	stream := []byte("bench.0")
	b.ReportAllocs()
	var s *check.Subscriber
	for i := 0; b.Loop(); i++ {
		if i%n == 0 {
			s = check.NewSubscriber("one", selection)
		}
		s.Event(ids[i%n], stream, events[i%n])
	}
}

func TestPayload(t *testing.T) {
	for _, size := range []int{0, 60, 128, 1000} {
		p := check.Payload{Publisher: 7, N: 123, Due: 4567}
		data := p.Append(nil, "a.b", size)
		if got, ok := check.ParsePayload("a.b", data); !ok || got != p {
			t.Errorf("got %v, %v from %s", got, ok, data)
		}
		if size >= 128 && len(data) != size {
			t.Errorf("%d bytes, want %d", len(data), size)
		}
		if _, ok := check.ParsePayload("a.c", data); ok {
			t.Error("accepted on another stream")
		}
	}
}

func FuzzParsePayload(f *testing.F) {
	f.Add("a", check.Payload{Publisher: 1, N: 2, Due: 3}.Append(nil, "a", 128))
	f.Add("a", []byte(`{"p":1,"n":2,"due":3,"pad":"","sum":"00000000"}`))
	f.Add("", []byte(`"}`))
	f.Fuzz(func(t *testing.T, stream string, data []byte) {
		if p, ok := check.ParsePayload(stream, data); ok && (p.N == 0 || p.Publisher < 0) {
			t.Errorf("%v from %q", p, data)
		}
	})
}
