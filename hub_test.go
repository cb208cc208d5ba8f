package streamgauge_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
)

func TestASubscriberGetsHistoryAndThenLiveWithoutASeam(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 5)
	f.publish("b", 0, 5)
	c := f.follow("/v1/events?stream=a&last=3")
	want(t, c.numbers(3), series("a", 2, 3))
	f.publish("b", 5, 1)
	f.publish("a", 5, 3)
	want(t, c.numbers(3), series("a", 5, 3))
}

func TestResumeDeliversExactlyWhatCameAfterTheCursor(t *testing.T) {
	for _, behind := range []int{0, 1, 2, 511, 512, 513, 3000} {
		t.Run(fmt.Sprint(behind), func(t *testing.T) {
			f := newFixture(t, nil)
			cursor := f.publish("a", 0, 10)
			f.publish("a", 10, behind)
			c := f.follow("/v1/events?stream=a", "Last-Event-ID", cursor.String())
			want(t, c.numbers(behind), series("a", 10, behind))
			f.publish("a", 10+behind, 2)
			want(t, c.numbers(2), series("a", 10+behind, 2))
		})
	}
}

func TestACutBeforeTheFirstEventLosesNothing(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 3)
	c := f.follow("/v1/events?stream=a")
	id := c.LastEventID()
	c.cancel()
	f.publish("a", 3, 2)
	want(t, f.follow("/v1/events?stream=a", "Last-Event-ID", id).numbers(2), series("a", 3, 2))
}

func TestEvictedEventsAreCountedExactlyPerStream(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "few.>", Keep: streamgauge.Keep{Events: 5}},
		streamgauge.Rule{Match: ">"})
	if err != nil {
		t.Fatal(err)
	}
	for _, away := range []int{0, 1, 4, 5, 6, 50} {
		t.Run(fmt.Sprintf("%d events away", away), func(t *testing.T) {
			f := newFixture(t, &streamgauge.Options{Rules: rules})
			cursor := f.publish("few.a", 0, 5)
			f.publish("few.a", 5, away)
			f.publish("few.b", 0, 50) // trims 45 of its own
			f.publish("many", 0, 1)
			f.settle() // or a feed would still be handed what is trimmed

			kept := min(away, 5)
			c := f.follow("/v1/events?stream=few.a", "Last-Event-ID", cursor.String())
			if lost := away - kept; lost > 0 {
				g := c.gap()
				if got, want := g.String(), fmt.Sprintf("evicted few.a lost %d", lost); got != want {
					t.Errorf("gap %q, want %q", got, want)
				}
				if *g.From != cursor.String() {
					t.Errorf("from %s, want the cursor %s", *g.From, cursor)
				}
			}
			want(t, c.numbers(kept), series("few.a", 5+away-kept, kept))

			c = f.follow("/v1/events?stream=many", "Last-Event-ID", cursor.String())
			want(t, c.numbers(1), series("many", 0, 1)) // no gap: other streams were trimmed
		})
	}
}

func TestAGapIsSaidOnceForEachStreamEvenWhenReplayTakesManyPages(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: "few.>", Keep: streamgauge.Keep{Events: 2}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	cursor := f.publish("many", 0, 1)
	for i := range 1500 {
		f.publish("many", 1+i, 1)
		f.publish("few.a", i, 1)
		f.publish("few.b", i, 1)
	}
	c := f.follow("/v1/events?stream=%3E", "Last-Event-ID", cursor.String())
	want(t, []string{c.gap().String(), c.gap().String()}, []string{"evicted few.a lost 1498", "evicted few.b lost 1498"})
	c.numbers(1500 + 4) // any other gap would end this
}

func TestAFilterMakesTheCountOfAGapUnknown(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules, CompileFilter: evenNumbers})
	cursor := f.publish("a", 0, 1)
	f.publish("a", 1, 4)
	c := f.follow("/v1/events?stream=a&filter=even", "Last-Event-ID", cursor.String())
	if got, want := c.gap().String(), "evicted a lost null"; got != want {
		t.Errorf("gap %q, want %q", got, want)
	}
	want(t, c.numbers(1), series("a", 4, 1))
}

func TestFiltersApplyToReplayAndLive(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: evenNumbers})
	f.publish("a", 0, 100)
	c := f.follow("/v1/events?stream=a&filter=even&last=3")
	want(t, c.numbers(3), []string{"a:94", "a:96", "a:98"})
	f.publish("a", 100, 4)
	want(t, c.numbers(2), []string{"a:100", "a:102"})
}

func TestDrainSaysByeToEveryoneAndRefusesNewcomers(t *testing.T) {
	f := newFixture(t, nil)
	var clients []*client
	for range 5 {
		clients = append(clients, f.follow("/v1/events?stream=a"))
	}
	drained := make(chan error, 1)
	go func() { drained <- f.hub.Drain(t.Context()) }()
	for _, c := range clients {
		if e := c.next(); e.Type != "hub.bye" || !strings.Contains(string(e.Data), `"reason":"drain"`) {
			t.Errorf("got %s %s, want hub.bye", e.Type, e.Data)
		}
		if _, err := c.Next(); err != io.EOF {
			t.Errorf("after hub.bye: %v, want the end", err)
		}
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if response := f.get("/v1/events?stream=a"); response.StatusCode != 503 {
		t.Errorf("a newcomer got %s", response.Status)
	}
}

func TestALaggingSubscriberOfLatestGetsTheNewestOfEachKeyInOrder(t *testing.T) {
	f := newFixture(t, nil)
	hub := f.hub
	s, err := hub.Subscribe(t.Context(), streamgauge.Subscription{Select: streamgauge.Selection{"x"}, Delivery: streamgauge.DeliverLatest}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Next(t.Context()) // hello
	for i := range 30 {
		if _, err := hub.Publish(t.Context(), streamgauge.Event{Stream: "x", Key: fmt.Sprint(i % 3), Data: fmt.Appendf(nil, `{"n":%d}`, i)}); err != nil {
			t.Fatal(err)
		}
	}
	f.settle()
	want(t, drainNumbers(t, s), series("x", 27, 3))
}

func TestHistoryThatWasAskedForIsNotConflated(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: "host.>", Delivery: streamgauge.DeliverLatest})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	cursor := f.publish("host.cpu", 0, 1)
	f.publish("host.cpu", 1, 9)
	f.settle()
	want(t, f.follow("/v1/events?stream=host.cpu&last=5").numbers(5), series("host.cpu", 5, 5))
	// Who resumes has lagged.
	want(t, f.follow("/v1/events?stream=host.cpu&last-event-id="+cursor.String()).numbers(1), series("host.cpu", 9, 1))
	want(t, f.follow("/v1/events?stream=host.cpu&delivery=all&last-event-id="+cursor.String()).numbers(9), series("host.cpu", 1, 9))
}

func TestAHubOverALogThatHasEventsBeginsAtItsHead(t *testing.T) {
	log := streamgauge.NewMemoryLog(streamgauge.DefaultRules())
	var cursor streamgauge.Position
	for i := range 20 {
		receipt, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{{Stream: "a", Data: fmt.Appendf(nil, `{"n":%d}`, i)}}})
		if err != nil {
			t.Fatal(err)
		}
		if i == 9 {
			cursor = receipt.Position
		}
	}
	f := newFixture(t, &streamgauge.Options{Log: log})
	// Resumed before anything new is published, and without hearing anything twice.
	c := f.follow("/v1/events?stream=a", "Last-Event-ID", cursor.String())
	live := f.follow("/v1/events?stream=a")
	want(t, c.numbers(10), series("a", 10, 10))
	f.publish("a", 20, 1)
	want(t, c.numbers(1), series("a", 20, 1))
	want(t, live.numbers(1), series("a", 20, 1))
	if s := f.hub.Stats(); s.EventsIn != 1 {
		t.Errorf("the hub counts %d events in, want 1", s.EventsIn)
	}
}
