package streamgauge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
)

func TestAnEventsKeyComesFromTheRulesPointerUnlessItHasOne(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: "host.>", Key: "/core"})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	events := []streamgauge.Event{
		{Stream: "host.cpu", Data: []byte(`{"core":3}`)},
		{Stream: "host.cpu", Data: []byte(`{"core":3}`), Key: "mine"},
		{Stream: "host.cpu", Data: []byte(`{"core":[]}`)},
		{Stream: "other", Data: []byte(`{"core":3}`)},
	}
	if _, err := f.hub.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	if events[0].Key != "" {
		t.Error("Publish changed the caller's event")
	}
	c := f.follow("/v1/events?stream=%3E&last=4")
	for _, key := range []string{"3", "mine", "", ""} {
		var e struct{ Key string }
		if err := json.Unmarshal(c.next().Data, &e); err != nil || e.Key != key {
			t.Errorf("key %q, want %q (%v)", e.Key, key, err)
		}
	}
}

func TestRefusedPublishesLeaveNoTrace(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{Limits: streamgauge.Limits{EventBytes: 10, BatchEvents: 2, BatchBytes: 15, Streams: 2}})
	ok := []byte(`1`)
	for name, tc := range map[string]struct {
		events []streamgauge.Event
		want   error
	}{
		"no event":            {nil, streamgauge.ErrInvalid},
		"bad stream":          {[]streamgauge.Event{{Stream: "a b", Data: ok}}, streamgauge.ErrInvalid},
		"bad data":            {[]streamgauge.Event{{Stream: "a", Data: []byte("{")}}, streamgauge.ErrInvalid},
		"one bad of two":      {[]streamgauge.Event{{Stream: "a", Data: ok}, {Stream: "a", Data: []byte("{")}}, streamgauge.ErrInvalid},
		"big event":           {[]streamgauge.Event{{Stream: "a", Data: []byte(`"123456789"`)}}, streamgauge.ErrTooLarge},
		"many events":         {[]streamgauge.Event{{Stream: "a", Data: ok}, {Stream: "a", Data: ok}, {Stream: "a", Data: ok}}, streamgauge.ErrTooLarge},
		"big batch":           {[]streamgauge.Event{{Stream: "a", Data: []byte(`"1234567"`)}, {Stream: "a", Data: []byte(`"1234567"`)}}, streamgauge.ErrTooLarge},
		"the hub's own":       {[]streamgauge.Event{{Stream: "hub.stats", Data: ok}}, streamgauge.ErrReserved},
		"the hub's own type":  {[]streamgauge.Event{{Stream: "a", Type: "hub.gap", Data: ok}}, streamgauge.ErrInvalid},
		"a CR in the type":    {[]streamgauge.Event{{Stream: "a", Type: "x\rdata: y", Data: ok}}, streamgauge.ErrInvalid},
		"a line end in text":  {[]streamgauge.Event{{Stream: "a", Text: true, Data: []byte("x\rid: 9")}}, streamgauge.ErrInvalid},
		"data that isn't UTF": {[]streamgauge.Event{{Stream: "a", Data: []byte("\"\xff\"")}}, streamgauge.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.hub.Publish(t.Context(), tc.events...); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if s := f.hub.Stats(); s.Streams != 0 || s.Head != 0 {
		t.Errorf("something was kept: %+v", s)
	}
	f.publish("a", 0, 1)
	f.publish("b", 0, 1)
	if _, err := f.hub.Publish(t.Context(), streamgauge.Event{Stream: "c", Data: ok}); !errors.Is(err, streamgauge.ErrTooManyStreams) {
		t.Errorf("a third stream of two: %v", err)
	}
	if found, err := f.hub.Forget(t.Context(), "b"); !found || err != nil {
		t.Fatal(found, err)
	}
	f.publish("c", 0, 1)
}

func TestStreamsTellWhatThereIs(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("b", 0, 1)
	f.publish("a", 0, 3)
	f.settle()
	f.follow("/v1/events?stream=a")
	streams, err := f.hub.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(streams) != 2 || streams[0].Name != "a" || streams[0].Events != 3 || streams[0].Subscribers != 1 ||
		streams[0].Rate <= 0 || streams[1].Subscribers != 0 || streams[1].Rule.Keep.Events != 10_000 {
		t.Errorf("got %+v", streams)
	}
}

func TestABatchArrivesInOrder(t *testing.T) {
	f := newFixture(t, nil)
	c := f.follow("/v1/events?stream=a")
	var batch []streamgauge.Event
	for i := range 1000 {
		batch = append(batch, streamgauge.Event{Stream: "a", Data: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	if _, err := f.hub.Publish(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	want(t, c.numbers(1000), series("a", 0, 1000))
}

// What the hub says of itself takes nobody's place, and needs none.
func TestTheHubsOwnStreamsDoNotCount(t *testing.T) {
	hub, err := streamgauge.New(&streamgauge.Options{Limits: streamgauge.Limits{Streams: 1}})
	if err != nil {
		t.Fatal(err)
	}
	say := func(publish func(context.Context, ...streamgauge.Event) (streamgauge.Receipt, error), stream string) error {
		_, err := publish(t.Context(), streamgauge.Event{Stream: stream, Data: []byte("1")})
		return err
	}
	for _, err := range []error{say(hub.PublishOwn, "hub.a"), say(hub.Publish, "x"), say(hub.PublishOwn, "hub.b"), say(hub.PublishOwn, "hub.a")} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := say(hub.Publish, "y"); !errors.Is(err, streamgauge.ErrTooManyStreams) || !strings.Contains(err.Error(), "there are 1 ") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := hub.Forget(t.Context(), "hub.b"); err != nil {
		t.Error(err)
	}
	if err := say(hub.Publish, "y"); !errors.Is(err, streamgauge.ErrTooManyStreams) {
		t.Errorf("after one of the hub's was forgotten: %v", err)
	}
	if _, err := hub.Forget(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if err := say(hub.Publish, "y"); err != nil {
		t.Error(err)
	}
}
