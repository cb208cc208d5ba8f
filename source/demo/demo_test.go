package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder keeps what is published. It fails as often as it is told to.
type recorder struct {
	events  []streamgauge.Event
	batches int
	fail    int
}

func (r *recorder) Publish(_ context.Context, events ...streamgauge.Event) (streamgauge.Receipt, error) {
	if r.batches++; r.fail > 0 {
		r.fail--
		return streamgauge.Receipt{}, errors.New("no")
	}
	r.events = append(r.events, events...)
	return streamgauge.Receipt{}, nil
}

// play runs a source for a while and returns what it published.
func play(t *testing.T, o *demo.Options, d time.Duration, r *recorder) []streamgauge.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := demo.New(o).Run(ctx, r); err != nil {
		t.Fatal(err)
	}
	return r.events
}

func TestTheSameSeedPlaysTheSameShop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		long := play(t, &demo.Options{Seed: 7, Since: start}, 30*time.Second+time.Millisecond, &recorder{})
		// The same time again, looked at from its end.
		again := play(t, &demo.Options{Seed: 7, Since: start}, time.Millisecond, &recorder{})
		if len(long) < 100 || !reflect.DeepEqual(long, again) {
			t.Errorf("got %d events, then %d", len(long), len(again))
		}
		if other := play(t, &demo.Options{Seed: 8, Since: start}, time.Millisecond, &recorder{}); reflect.DeepEqual(other, again) {
			t.Error("another seed plays the same shop")
		}
	})
}

func TestItGoesOnFromWhatIsThereAndNotTooFarBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct{ since, least, most time.Duration }{
			"nothing is there": {1 << 60, 14 * time.Minute, 15 * time.Minute},
			"a minute ago":     {time.Minute, 50 * time.Second, time.Minute},
		} {
			var since time.Time
			if c.since < time.Hour {
				since = time.Now().Add(-c.since)
			}
			events := play(t, &demo.Options{Since: since}, time.Millisecond, &recorder{})
			if age := time.Since(events[0].Time); age < c.least || age > c.most {
				t.Errorf("%s: the first event is %v old", name, age)
			}
			for i, e := range events {
				if e.Time.After(time.Now()) || i > 0 && e.Time.Before(events[i-1].Time) {
					t.Fatalf("%s: event %d is of %v", name, i, e.Time)
				}
			}
		}
	})
}

func TestADayHasEverythingThatPanelsShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		states, streams, verbs := map[string]int{}, map[string]int{}, map[string]int{}
		var slow, rollbacks, errors, colours int
		for _, e := range play(t, nil, 20*time.Minute, &recorder{}) {
			if !strings.HasPrefix(e.Stream, "demo.") {
				t.Fatalf("an event of %s", e.Stream)
			}
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			streams[e.Stream]++
			var d struct {
				State, Verb, Body string
				Status            int
				MS                float64
				Rollback          bool
			}
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatal(err)
			}
			states[d.State]++
			verbs[d.Verb]++
			if strings.Contains(d.Body, "\x1b[") {
				colours++
			}
			if d.MS > 1000 {
				slow++
			}
			if d.Status >= 500 {
				errors++
			}
			if d.Rollback {
				rollbacks++
			}
		}
		if len(streams) != 7 || states["up"] == 0 || states["degraded"] == 0 || states["down"] == 0 || len(verbs) < 8 {
			t.Errorf("got %v, %v, %v", streams, states, verbs)
		}
		if slow < 50 || errors < 50 || rollbacks < 3 || rollbacks > 4 || colours < 50 {
			t.Errorf("%d slow, %d errors, %d rollbacks, %d coloured lines", slow, errors, rollbacks, colours)
		}
		if perSecond := float64(streams["demo.requests"]) / (35 * 60); perSecond < 2 || perSecond > 12 {
			t.Errorf("%.1f requests a second", perSecond)
		}
	})
}

func TestAPublishThatFailsIsGotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{fail: 3}
		if events := play(t, &demo.Options{Since: time.Now()}, 20*time.Second, r); len(events) == 0 || r.fail > 0 {
			t.Errorf("got %d events", len(events))
		}
	})
}
