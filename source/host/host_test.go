package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source/host"
)

// recorder takes batches as a hub does: all or none.
type recorder struct {
	batches [][]streamgauge.Event
	at      []time.Time
	publish func(n int) error // of the n-th batch, from 0
}

func (r *recorder) Publish(_ context.Context, events ...streamgauge.Event) (streamgauge.Receipt, error) {
	n := len(r.at)
	r.at = append(r.at, time.Now())
	if r.publish != nil {
		if err := r.publish(n); err != nil {
			return streamgauge.Receipt{}, err
		}
	}
	batch := streamgauge.Batch{Events: events}
	if err := batch.Validate(); err != nil {
		return streamgauge.Receipt{}, err
	}
	r.batches = append(r.batches, events)
	return streamgauge.Receipt{Count: len(events)}, nil
}

// run runs a source against this very machine, on a clock of its own, for a
// while.
func run(t *testing.T, o *host.Options, r *recorder, d time.Duration) (start time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	start = time.Now()
	if err := host.New(o).Run(ctx, r); err != nil {
		t.Errorf("Run: %v", err)
	}
	return start
}

func TestTheMachineIsPublishedAtOnceAndThenEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		start := run(t, nil, r, 3500*time.Millisecond)
		if len(r.batches) != 4 {
			t.Fatalf("got %d batches in 3.5 s, want 4", len(r.batches))
		}
		if d := r.at[0].Sub(start); d != 200*time.Millisecond {
			t.Errorf("the first batch came after %v, want 200ms", d)
		}
		for i, at := range r.at[1:] {
			if !at.Equal(at.Truncate(time.Second)) || at.Sub(r.at[i]) > time.Second {
				t.Errorf("batch %d came at %v, after one at %v", i+1, at, r.at[i])
			}
		}
	})
}

func TestEveryBatchHasTheMachinesStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		run(t, nil, r, 1500*time.Millisecond)
		if len(r.batches) != 2 {
			t.Fatalf("got %d batches, want 2", len(r.batches))
		}
		members := map[string]string{
			"host.cpu": "usage_percent", "host.cpu.core": "core", "host.load": "load1", "host.memory": "used_bytes", "host.processes": "count",
		}
		for stream, member := range members {
			if !has(t, r.batches[0], stream, member) {
				t.Errorf("the first batch has no %s with %s", stream, member)
			}
		}
		if !has(t, r.batches[0], "host.disk", "mount") || has(t, r.batches[1], "host.disk", "mount") {
			t.Error("disks are not in the first batch only")
		}
	})
}

// has reports whether the batch has an event of the stream whose data has the
// member, and no other of that stream, and no key twice.
func has(t *testing.T, batch []streamgauge.Event, stream, member string) bool {
	t.Helper()
	keys := map[string]bool{}
	for _, e := range batch {
		if e.Stream != stream {
			continue
		}
		var data map[string]any
		if err := json.Unmarshal(e.Data, &data); err != nil || data[member] == nil || keys[e.Key] {
			t.Errorf("%s %q %s: %v", e.Stream, e.Key, e.Data, err)
		}
		keys[e.Key] = true
	}
	return len(keys) > 0
}

func TestASlowPublisherMakesNoTicksPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		r.publish = func(n int) error {
			if n == 1 {
				<-time.After(3300 * time.Millisecond) // from second 1 to 4.3
			}
			return nil
		}
		start := run(t, nil, r, 6500*time.Millisecond)
		var got []time.Duration
		for _, at := range r.at {
			got = append(got, at.Sub(start))
		}
		want := []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 6 * time.Second}
		if len(got) != len(want) {
			t.Fatalf("got batches at %v, want at %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got batches at %v, want at %v", got, want)
			}
		}
	})
}

func TestAPublisherThatFailsIsLoggedOnceAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := new(recorder)
		r.publish = func(n int) error {
			if n < 3 {
				return errors.New("disk full")
			}
			return nil
		}
		run(t, &host.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, r, 4500*time.Millisecond)
		if len(r.batches) != 2 {
			t.Errorf("got %d batches after the failures, want 2", len(r.batches))
		}
		if n := strings.Count(log.String(), "disk full"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, &log)
		}
		if !strings.Contains(log.String(), "batches_lost=3") {
			t.Errorf("does not say how many were lost:\n%s", &log)
		}
	})
}

func TestEveryHasALowerBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		run(t, &host.Options{Every: time.Nanosecond}, r, 550*time.Millisecond)
		if len(r.at) < 4 || len(r.at) > 5 {
			t.Errorf("got %d batches in 550 ms, want one per 100 ms", len(r.at))
		}
	})
}
