package streamgauge_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
)

func mustRules(t *testing.T, rules ...streamgauge.Rule) streamgauge.Rules {
	t.Helper()
	out, err := streamgauge.NewRules(rules...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A page of the log that comes to nothing must not leave the subscriber asleep.
func TestResumingAQuietStreamWakesWithItsNextEvent(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		cursor := s.publish("quiet", "1")
		for i := range 10 {
			s.publish("busy", fmt.Sprint(i))
		}
		v := s.subscribe(streamgauge.Subscription{Select: streamgauge.Selection{"quiet"}, Cursor: cursor.String()})
		defer v.Close()
		v.events()
		s.publish("quiet", "2")
		if v.woken.Load() != 1 {
			t.Fatalf("woken %d times by the event, want once", v.woken.Load())
		}
		if got := types(v.events()); got != "message" {
			t.Errorf("got %q, want the event", got)
		}
	})
}

func containing(source string) (streamgauge.Filter, error) {
	return filterFunc(func(e *streamgauge.Event) bool { return strings.Contains(string(e.Data), source) }), nil
}

func TestLatestFiltersBeforeItConflatesLiveAndInReplay(t *testing.T) {
	bubble(t, &streamgauge.Options{CompileFilter: containing}, func(s *simulation) {
		want := streamgauge.Subscription{Select: a, Filter: "match", Delivery: streamgauge.DeliverLatest}
		start := s.publish("a", `"first"`)
		live := s.subscribe(want)
		defer live.Close()
		live.events()
		s.publish("a", `"match"`)
		s.publish("a", `"other"`)
		if got := types(live.events()); got != "message" {
			t.Errorf("live: %q", got)
		}
		want.Cursor = start.String()
		live.Close()
		replay := s.subscribe(want)
		if got := types(replay.events()); got != "hub.hello message" {
			t.Errorf("replay: %q", got)
		}
		live = replay
	})
}

func TestForgettingAStreamLeavesOthersTheirEvents(t *testing.T) {
	bubble(t, &streamgauge.Options{Heartbeat: time.Hour, WriteTimeout: time.Hour}, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: streamgauge.Selection{"a", "b"}, Rate: 1})
		defer v.Close()
		v.events()
		s.publish("b", "1") // shown at once
		v.events()
		woken := v.woken.Load()
		s.publish("a", "2") // waits for the flush
		if found, err := s.hub.Forget(t.Context(), "b"); !found || err != nil {
			t.Fatal(found, err)
		}
		s.pass(2 * time.Second)
		if v.woken.Load() == woken {
			t.Fatal("not woken")
		}
		if got := types(v.events()); got != "message" {
			t.Errorf("got %q", got)
		}
	})
}

func TestWhoWasLiveIsToldOverflow(t *testing.T) {
	rules := mustRules(t, streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10}})
	bubble(t, &streamgauge.Options{Rules: rules}, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: a})
		defer v.Close()
		s.publish("a", "1")
		v.events()
		pad := `"` + strings.Repeat("x", 100_000) + `"`
		for range 30 {
			s.publish("a", pad)
		}
		got := v.events()
		if got[0].Type != "hub.gap" || !strings.Contains(string(got[0].Data), `"lost":20,"reason":"overflow"`) {
			t.Errorf("got %s %.200s, want a gap of 20 by overflow", got[0].Type, got[0].Data)
		}
	})
}

func TestAReplayOfSmallEventsComesInBoundedBlocks(t *testing.T) {
	const events = 2000
	bubble(t, nil, func(s *simulation) {
		pad := strings.Repeat("x", 150)
		for i := range events {
			s.publish("a", fmt.Sprintf(`{"n":%d,"pad":%q}`, i, pad))
		}
		v := s.subscribe(streamgauge.Subscription{Select: a, Last: events})
		defer v.Close()
		var got []string
		for {
			p, err := v.Next(v.Context())
			if err != nil {
				s.Fatal(err)
			}
			if p == nil {
				break
			}
			if len(p) > 64<<10 {
				s.Errorf("a block has %d bytes", len(p))
			}
			for _, e := range decode(string(p)) {
				if e.Type == "message" {
					got = append(got, number(s.T, e.Data))
				}
			}
			if at := v.Position().Seq; at != uint64(len(got)) {
				s.Fatalf("the position is %d after %d events", at, len(got))
			}
		}
		want(s.T, got, series("a", 0, events))
	})
}

// What a stalled subscriber may cost bounds every block, and so what is said at
// a time of ten thousand streams that were trimmed.
func TestGapsOfManyStreamsComeInPiecesEachOnceBeforeItsEvents(t *testing.T) {
	const streams, piece = 10_000, 64 << 10
	rules := mustRules(t, streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1}})
	bubble(t, &streamgauge.Options{Rules: rules, Limits: streamgauge.Limits{Streams: streams + 1}}, func(s *simulation) {
		start := s.publish("first", "1")
		for range 3 {
			batch := make([]streamgauge.Event, streams)
			for i := range batch {
				batch[i] = streamgauge.Event{Stream: fmt.Sprintf("some.stream.with.a.name.%d", i), Data: []byte("1")}
			}
			if _, err := s.hub.Publish(s.Context(), batch...); err != nil {
				s.Fatal(err)
			}
			synctest.Wait()
		}
		v := s.subscribe(streamgauge.Subscription{Select: streamgauge.Selection{">"}, Cursor: start.String()})
		defer v.Close()
		told, received := map[string]int{}, 0
		for {
			p, err := v.Next(v.Context())
			if err != nil {
				s.Fatal(err)
			}
			if p == nil {
				break
			}
			for _, e := range decode(string(p)) {
				switch e.Type {
				case "hub.gap":
					var gap gap
					if err := json.Unmarshal(e.Data, &gap); err != nil {
						s.Fatal(err)
					}
					if gap.Reason != "evicted" || *gap.Lost != 2 || *gap.From != start.String() || len(p) > piece {
						s.Fatalf("a block of %d bytes has %s", len(p), e.Data)
					}
					told[*gap.Stream]++
				case "message":
					if received++; len(told) != streams {
						s.Fatalf("an event came after %d gaps", len(told))
					}
				}
			}
		}
		for stream, n := range told {
			if n != 1 {
				s.Errorf("%s was told %d times", stream, n)
			}
		}
		if len(told) != streams || received != streams {
			s.Errorf("got %d gaps and %d events, want %d of both", len(told), received, streams)
		}
	})
}

func TestALatestStreamTellsWhatWasNotSuperseded(t *testing.T) {
	rules := mustRules(t, streamgauge.Rule{Match: ">", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}})
	bubble(t, &streamgauge.Options{Rules: rules}, func(s *simulation) {
		start := s.publish("a", "1")
		for i := range 10 {
			s.publish("a", fmt.Sprint(i)) // all of one key: the newest is kept
		}
		resume := func() string {
			v := s.subscribe(streamgauge.Subscription{Select: a, Cursor: start.String()})
			defer v.Close()
			return types(v.events())
		}
		if got := resume(); got != "hub.hello message" {
			t.Errorf("what was superseded is no gap, got %q", got)
		}
		if _, err := s.hub.Forget(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if got := resume(); got != "hub.hello hub.gap" {
			t.Errorf("what was forgotten is a gap, got %q", got)
		}
	})
}

// Received and lost must add up to what was published, for every stream, however
// slowly a subscriber reads, whatever has left the ring and the log.
func TestReceivedAndLostAddUp(t *testing.T) {
	for seed := range uint64(20) {
		rules := mustRules(t, streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 15, Bytes: 1 << 40}})
		bubble(t, &streamgauge.Options{Rules: rules}, func(s *simulation) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			tally := tally{simulation: s, published: map[string]int{}}
			for range 200 {
				switch n := rnd.IntN(7); {
				case n < 4:
					stream := string("abc"[rnd.IntN(3)])
					for range 1 + rnd.IntN(4) {
						tally.published[stream]++
						s.publish(stream, `"`+strings.Repeat("x", rnd.IntN(60_000))+`"`)
					}
				case n == 4 && len(tally.viewers) < 5:
					tally.add(1+rnd.IntN(3), float64(5*rnd.IntN(2)))
				case len(tally.viewers) > 0:
					v := tally.viewers[rnd.IntN(len(tally.viewers))]
					for range rnd.IntN(4) {
						v.take()
					}
				}
			}
			s.pass(time.Second)
			for _, v := range tally.viewers {
				for v.take() {
				}
				v.check(seed)
				v.Close()
			}
		})
		if t.Failed() {
			return
		}
	}
}

// tally compares what subscribers have heard with what was published.
type tally struct {
	*simulation
	published map[string]int
	viewers   []*tallied
}

type tallied struct {
	*viewer
	of      *tally
	streams []string
	begin   map[string]int
	heard   map[string]int // received, or declared lost
}

func (y *tally) add(streams int, rate float64) {
	v := &tallied{of: y, streams: []string{"a", "b", "c"}[:streams], begin: map[string]int{}, heard: map[string]int{}}
	selection, err := streamgauge.NewSelection(v.streams...)
	if err != nil {
		y.Fatal(err)
	}
	for stream, n := range y.published {
		v.begin[stream] = n
	}
	v.viewer = y.subscribe(streamgauge.Subscription{Select: selection, Rate: rate})
	y.viewers = append(y.viewers, v)
}

func (v *tallied) take() bool {
	p, err := v.Next(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	for _, e := range decode(string(p)) {
		var said struct {
			Stream string
			Lost   int
		}
		if err := json.Unmarshal(e.Data, &said); err != nil {
			v.Fatal(err)
		}
		switch e.Type {
		case "message":
			v.heard[said.Stream]++
		case "hub.gap":
			v.heard[said.Stream] += said.Lost
		}
	}
	synctest.Wait()
	return p != nil
}

func (v *tallied) check(seed uint64) {
	for _, stream := range v.streams {
		if got, want := v.heard[stream], v.of.published[stream]-v.begin[stream]; got != want {
			v.Errorf("seed %d, stream %s: %d were received or declared lost of %d", seed, stream, got, want)
		}
	}
}
