package streamgauge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/sse"
)

// bubble runs the test in a synctest bubble with a hub that runs.
func bubble(t *testing.T, o *streamgauge.Options, test func(*simulation)) {
	synctest.Test(t, func(t *testing.T) {
		hub, err := streamgauge.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); hub.Run(ctx) }()
		test(&simulation{t, hub})
		cancel()
		<-done
	})
}

type simulation struct {
	*testing.T
	hub *streamgauge.Hub
}

// viewer is a subscriber in simulated time.
type viewer struct {
	*testing.T
	*streamgauge.Subscriber
	woken, aborted atomic.Int32
}

func (s *simulation) subscribe(want streamgauge.Subscription) *viewer {
	s.Helper()
	v := &viewer{T: s.T}
	var err error
	v.Subscriber, err = s.hub.Subscribe(s.Context(), want, func() { v.woken.Add(1) }, func() { v.aborted.Add(1) })
	if err != nil {
		s.Fatal(err)
	}
	return v
}

func (s *simulation) publish(stream, data string) streamgauge.Position {
	s.Helper()
	receipt, err := s.hub.Publish(s.Context(), streamgauge.Event{Stream: stream, Data: []byte(data)})
	if err != nil {
		s.Fatal(err)
	}
	synctest.Wait() // until it is delivered
	return receipt.Position
}

func (s *simulation) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// events returns what the subscriber has to say now.
func (v *viewer) events() []sse.Event {
	v.Helper()
	var out []sse.Event
	for {
		p, err := v.Next(v.Context())
		if err != nil {
			v.Fatalf("Next: %v", err)
		}
		if p == nil {
			return out
		}
		out = append(out, decode(string(p))...)
	}
}

func decode(text string) []sse.Event {
	var out []sse.Event
	decoder := sse.NewDecoder(strings.NewReader(text))
	for {
		e, err := decoder.Next()
		if err != nil {
			return out
		}
		e.Data = append([]byte(nil), e.Data...)
		out = append(out, e)
	}
}

func types(events []sse.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.Type)
	}
	return strings.Join(out, " ")
}

var a = streamgauge.Selection{"a"}

func TestAHeartbeatComesAfterSilenceOnly(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a})
		defer v.Close()
		if got := types(v.events()); got != "hub.hello" {
			t.Fatalf("at first: %s", got)
		}
		for range 4 { // a minute of events every 5 s
			s.pass(5 * time.Second)
			s.publish("a", "1")
			if got := types(v.events()); got != "message" {
				t.Fatalf("while there are events: %s", got)
			}
		}
		s.pass(14 * time.Second)
		if got := types(v.events()); got != "" {
			t.Fatalf("after 14 s of silence: %s", got)
		}
		s.pass(1500 * time.Millisecond)
		if got := types(v.events()); got != "hub.heartbeat" {
			t.Fatalf("after 15.5 s of silence: %q", got)
		}
		s.pass(14 * time.Second)
		if got := types(v.events()); got != "" {
			t.Fatalf("14 s after a heartbeat: %s", got)
		}
	})
}

func TestAHeartbeatsIDIsWhatWasServedAndNeverMore(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a})
		defer v.Close()
		v.events()
		elsewhere := s.publish("b", "1")
		s.pass(16 * time.Second)
		beat := v.events()
		if types(beat) != "hub.heartbeat" || beat[0].ID != elsewhere.String() {
			t.Fatalf("got %s %v, want a heartbeat that moves the cursor of a quiet stream to %s", types(beat), beat, elsewhere)
		}
		// One event is pending when the heartbeat is due: it goes first.
		s.pass(16 * time.Second)
		mine := s.publish("a", "1")
		s.publish("b", "2")
		got := v.events()
		if got[0].Type != "message" || got[0].ID != mine.String() {
			t.Fatalf("got %v, want the pending event before anything that moves the cursor", got)
		}
	})
}

func TestAHeartbeatIsNotAheadOfEventsThatWaitForAFlush(t *testing.T) {
	bubble(t, &streamgauge.Options{Heartbeat: 2 * time.Second}, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a, Rate: 0.1})
		defer v.Close()
		v.events()
		served := s.publish("a", "1") // shown at once
		v.events()
		waiting := s.publish("a", "2") // waits 10 s
		var beats int
		for range 9 {
			s.pass(time.Second)
			for _, e := range v.events() {
				if e.Type == "hub.heartbeat" {
					beats++
				}
				if e.ID != served.String() {
					t.Fatalf("%s has the id %s while %s waits, want %s", e.Type, e.ID, waiting, served)
				}
			}
		}
		if beats == 0 {
			t.Fatal("no heartbeat in 9 s")
		}
		s.pass(2 * time.Second)
		if got := v.events(); len(got) == 0 || got[0].ID != waiting.String() {
			t.Fatalf("after the flush: %v", got)
		}
	})
}

func TestABlockedWriteIsAbortedOnce(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		stalled := s.subscribe(streamgauge.Subscription{Select: a})
		defer stalled.Close()
		healthy := s.subscribe(streamgauge.Subscription{Select: a})
		defer healthy.Close()
		healthy.events()
		if _, err := stalled.Next(t.Context()); err != nil { // and never again: the write blocks
			t.Fatal(err)
		}
		for i := range 9 {
			s.pass(time.Second)
			s.publish("a", fmt.Sprint(i))
			if got := types(healthy.events()); got != "message" {
				t.Fatalf("the healthy one got %q", got)
			}
		}
		if stalled.aborted.Load() != 0 {
			t.Fatal("aborted before the write timeout")
		}
		s.pass(7 * time.Second)
		if stalled.aborted.Load() != 1 || healthy.aborted.Load() != 0 {
			t.Fatalf("aborted %d and %d times, want 1 and 0", stalled.aborted.Load(), healthy.aborted.Load())
		}
		s.pass(time.Minute)
		if n := s.hub.Stats().WriteTimeouts; stalled.aborted.Load() != 1 || n != 1 {
			t.Fatalf("aborted %d times, %d counted", stalled.aborted.Load(), n)
		}
	})
}

func TestAConnectionEndsAtItsAgeAndResumesWithoutLoss(t *testing.T) {
	bubble(t, &streamgauge.Options{MaxAge: 10 * time.Minute}, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a})
		v.events()
		s.pass(8*time.Minute + 59*time.Second)
		if got := v.events(); strings.Contains(types(got), "bye") {
			t.Fatalf("bye before 9 minutes")
		}
		s.pass(2*time.Minute + 2*time.Second)
		got := v.eventsUntilEOF()
		if last := got[len(got)-1]; last.Type != "hub.bye" || !strings.Contains(string(last.Data), `"reason":"age"`) {
			t.Fatalf("got %s, want hub.bye {age}", types(got))
		}
		cursor := v.Position()
		v.Close()
		s.publish("a", "1")
		again := s.subscribe(streamgauge.Subscription{Select: a, Cursor: cursor.String()})
		defer again.Close()
		if got := types(again.events()); got != "hub.hello message" {
			t.Fatalf("after resuming: %s", got)
		}
	})
}

func (v *viewer) eventsUntilEOF() []sse.Event {
	var out []sse.Event
	for {
		p, err := v.Next(v.Context())
		if err != nil || p == nil {
			return out
		}
		out = append(out, decode(string(p))...)
	}
}

func TestARateBoundsFlushesAndDropsOnlyUnderLatest(t *testing.T) {
	for _, delivery := range []streamgauge.Delivery{streamgauge.DeliverAll, streamgauge.DeliverLatest} {
		t.Run(string(delivery), func(t *testing.T) {
			bubble(t, nil, func(s *simulation) {
				v := s.subscribe(streamgauge.Subscription{Select: a, Delivery: delivery, Rate: 2.7}) // 2
				defer v.Close()
				v.events()
				flushes, received := 0, []sse.Event(nil)
				for i := range 100 { // 10 a second for 10 s
					s.publish("a", fmt.Sprint(i))
					if got := v.events(); len(got) > 0 {
						flushes++
						received = append(received, got...)
					}
					s.pass(100 * time.Millisecond)
				}
				s.pass(time.Second)
				received = append(received, v.events()...)
				if flushes < 18 || flushes > 21 {
					t.Errorf("%d flushes in 10 s at 2 per second", flushes)
				}
				if last := received[len(received)-1]; !strings.Contains(string(last.Data), `"data":99}`) {
					t.Errorf("the last event is %s", last.Data)
				}
				if delivery == streamgauge.DeliverAll && len(received) != 100 {
					t.Errorf("received %d events of 100", len(received))
				}
				if delivery == streamgauge.DeliverLatest && len(received) > 22 {
					t.Errorf("received %d events, want about one for each flush", len(received))
				}
			})
		})
	}
}

func TestAFlushIntervalHasEventsWaitForOthers(t *testing.T) {
	bubble(t, &streamgauge.Options{FlushInterval: 20 * time.Millisecond}, func(s *simulation) {
		fast := s.subscribe(streamgauge.Subscription{Select: a})
		defer fast.Close()
		slow := s.subscribe(streamgauge.Subscription{Select: a, Rate: 2})
		defer slow.Close()
		fast.events()
		slow.events()
		s.publish("a", "-1")
		if got := fast.events(); len(got) != 1 {
			t.Fatalf("after silence %d events came at once, want the first", len(got))
		}
		flushes, received := 0, 0
		for i := range 1000 { // a second
			s.publish("a", fmt.Sprint(i))
			if got := fast.events(); len(got) > 0 {
				flushes++
				received += len(got)
			}
			s.pass(time.Millisecond)
		}
		s.pass(50 * time.Millisecond)
		received += len(fast.events())
		if flushes < 35 || flushes > 51 || received != 1000 {
			t.Errorf("%d events came in %d flushes, want 1000 in 35 to 51", received, flushes)
		}
		if got := len(slow.events()); got == 0 || slow.woken.Load() > 5 {
			t.Errorf("whoever asked for less got %d events, woken %d times", got, slow.woken.Load())
		}
	})
}

func TestADeepReplayCannotTakeMoreThanItsBandwidth(t *testing.T) {
	bubble(t, &streamgauge.Options{Limits: streamgauge.Limits{ReplayBytesPerSecond: 100 << 10}}, func(s *simulation) {
		data := `"` + strings.Repeat("x", 1000) + `"`
		for range 500 {
			s.publish("a", data)
		}
		v := s.subscribe(streamgauge.Subscription{Select: a, Last: 500})
		defer v.Close()
		start := time.Now()
		received := 0
		for received < 500 {
			received += strings.Count(types(v.events()), "message")
			if received < 500 {
				s.pass(10 * time.Millisecond)
			}
		}
		if took := time.Since(start); took < 3*time.Second || took > 6*time.Second {
			t.Errorf("500 kB at 100 kB/s took %s", took)
		}
	})
}

// One who resumes from the beginning again and again takes a share, and leaves the others
// theirs.
func TestOneClientLeavesOthersTheirReplay(t *testing.T) {
	bubble(t, &streamgauge.Options{Limits: streamgauge.Limits{ReplayBytesPerSecond: 400 << 10, ReplayBytesPerToken: 100 << 10}}, func(s *simulation) {
		data := `"` + strings.Repeat("x", 1000) + `"`
		for range 500 {
			s.publish("a", data)
		}
		of := func(id string) *viewer {
			return s.subscribe(streamgauge.Subscription{Select: a, Last: 500, Access: &streamgauge.Access{ID: id, Read: []streamgauge.Grant{{Select: a}}}})
		}
		var greedy []*viewer
		for range 20 {
			v := of("greedy")
			defer v.Close()
			greedy = append(greedy, v)
		}
		taken, start := 0, time.Now()
		took := time.Duration(0)
		other := of("other")
		defer other.Close()
		received := 0
		for time.Since(start) < 10*time.Second {
			for _, v := range greedy {
				taken += strings.Count(types(v.events()), "message")
			}
			if received < 500 {
				if received += strings.Count(types(other.events()), "message"); received == 500 {
					took = time.Since(start)
				}
			}
			s.pass(10 * time.Millisecond)
		}
		if taken < 900 || taken > 1700 {
			t.Errorf("one client took %d kB in 10 s, its limit is 100 a second", taken)
		}
		if received < 500 || took > 6*time.Second {
			t.Errorf("another one got %d of 500 events, in %v", received, took)
		}
	})
}

// Pages and the search for the last events that pass a filter read the log too.
func TestEveryoneWhoReadsTheLogSharesTheReplayBandwidth(t *testing.T) {
	accept := func(r *http.Request) *http.Request { r.Header.Set("Accept", "application/json"); return r }
	for name, read := range map[string]func(*simulation){
		"pages": func(s *simulation) {
			w := httptest.NewRecorder()
			s.hub.ServeHTTP(w, accept(httptest.NewRequest("GET", "/?stream=a&limit=500", nil)))
			if n := strings.Count(w.Body.String(), `"stream"`); n != 500 {
				s.Errorf("got %d events", n)
			}
		},
		"pages with a filter": func(s *simulation) {
			w := httptest.NewRecorder()
			s.hub.ServeHTTP(w, accept(httptest.NewRequest("GET", "/?stream=a&filter=nothing&since=1h", nil)))
			if w.Code != http.StatusOK {
				s.Errorf("got %s", w.Body)
			}
		},
		"the last that pass a filter": func(s *simulation) {
			v := s.subscribe(streamgauge.Subscription{Select: a, Last: 400, Filter: "nothing"})
			v.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := &streamgauge.Options{CompileFilter: containing, Limits: streamgauge.Limits{ReplayBytesPerSecond: 100 << 10, ReplayBytesPerToken: 100 << 10}}
			bubble(t, o, func(s *simulation) {
				data := `"` + strings.Repeat("x", 1000) + `"`
				for range 500 {
					s.publish("a", data)
				}
				start := time.Now()
				for range 3 {
					read(s)
				}
				if took := time.Since(start); took < 8*time.Second || took > 30*time.Second {
					t.Errorf("3 times 500 kB at 100 kB/s took %s", took)
				}
				ctx, cancel := context.WithTimeout(s.Context(), time.Second)
				defer cancel()
				_, err := s.hub.Subscribe(ctx, streamgauge.Subscription{Select: a, Last: 1, Filter: "nothing"}, func() {}, func() {})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("whoever has no time to wait got %v", err)
				}
			})
		})
	}
}

func TestSubscribersAreWokenOnlyWhenTheyHadNothing(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a})
		defer v.Close()
		v.events()
		for i := range 10 {
			s.publish("a", fmt.Sprint(i))
		}
		if v.woken.Load() != 1 {
			t.Errorf("woken %d times for what is read at once, want 1", v.woken.Load())
		}
		p, err := v.Next(t.Context())
		if err != nil || len(decode(string(p))) != 10 {
			t.Errorf("what has piled up should be one block, got %s (%v)", p, err)
		}
	})
}

func TestRunReturnsTheContextsCauseAndRunsOnce(t *testing.T) {
	hub, err := streamgauge.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := hub.Run(ctx); !errors.Is(err, cause) {
		t.Errorf("Run returned %v", err)
	}
	if err := hub.Run(ctx); err == nil || errors.Is(err, cause) {
		t.Errorf("a second Run returned %v", err)
	}
}

func TestASlowViewerOfAFastStreamStillMoves(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a, Delivery: streamgauge.DeliverLatest, Rate: 1})
		defer v.Close()
		v.events()
		received := 0
		for i := range 50 { // a newer value always waits when the viewer looks
			s.publish("a", fmt.Sprint(i))
			s.pass(60 * time.Millisecond)
			s.publish("a", fmt.Sprint(-i))
			received += len(v.events())
			s.pass(60 * time.Millisecond)
		}
		if received < 4 {
			t.Errorf("received %d events in 6 s at one flush per second", received)
		}
	})
}
