package natslog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/natslog"
)

func TestAnInstanceThatComesWhenAllIsDeletedKnowsWhatIsGone(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "short", Keep: streamgauge.Keep{Events: 10}},
		streamgauge.Rule{Match: "keyed", Keep: streamgauge.Keep{Events: 1}},
		streamgauge.Rule{Match: "latest", Delivery: streamgauge.DeliverLatest, Keep: streamgauge.Keep{Events: 2}},
		streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	server := natstest.Start(t)
	stored := func() (n int) {
		info, err := server.Info("x")
		if err != nil {
			t.Fatal(err)
		}
		return int(info.State.Msgs)
	}
	options := natslog.Options{Rules: rules}
	first := open(t, server.URL("x"), options)
	var last *natslog.Log
	var head streamgauge.Position
	var keys []streamgauge.Receipt
	for round := range 3 { // so that there are several records, and they are written anew
		for i := range 30 {
			add(t, first, event("short", i), event("long", i),
				streamgauge.Event{Stream: "latest", Key: fmt.Sprint("k", i%7), Data: fmt.Append(nil, i)})
		}
		if round < 2 {
			if err := first.Forget(t.Context(), "long"); err != nil {
				t.Fatal(err)
			}
		}
		keyed := streamgauge.Batch{Key: fmt.Sprint("key", round), Events: []streamgauge.Event{event("keyed", 99)}}
		r, err := first.Append(t.Context(), keyed)
		if err != nil {
			t.Fatal(err)
		}
		head = r.Position
		kept := 10 + 7 + 30*(round/2) + 1
		eventually(t, 15*time.Second, "what is trimmed is deleted", func() bool { return stored() == kept })
		last = open(t, server.URL("x"), options)
		keys = append(keys, r)
		for i, r := range keys { // though the events of the first are deleted
			keyed.Key, r.Duplicate = fmt.Sprint("key", i), true
			if again, err := last.Append(t.Context(), keyed); err != nil || again != r {
				t.Errorf("key %d again: %+v, %v, want %+v", i, again, err, r)
			}
			other := streamgauge.Batch{Key: keyed.Key, Events: []streamgauge.Event{event("keyed", 1)}}
			if _, err := last.Append(t.Context(), other); !errors.Is(err, streamgauge.ErrKeyReused) {
				t.Errorf("key %d for another event: %v, want ErrKeyReused", i, err)
			}
		}
	}
	for after := range head.Seq {
		q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: head.Epoch, Seq: after}}
		a, err := first.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := last.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
			t.Fatalf("after %d the first reads\n%+v\nand the last\n%+v", after, a, b)
		}
	}
}

func TestWhatInstancesSayOfThemselvesIsForgottenSoon(t *testing.T) {
	t.Parallel()
	address := natstest.Start(t).URL("x")
	tailtest.Announce(t, open(t, address, natslog.Options{}), open(t, address, natslog.Options{}))
}
