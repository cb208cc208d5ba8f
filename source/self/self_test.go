package self_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/source"
	"github.com/streamgauge/streamgauge/source/self"
)

// recorder is a publisher that keeps what it gets, and fails while it is told to.
type recorder struct {
	fail      error
	onPublish func()
	events    []streamgauge.Event
}

func (r *recorder) Publish(_ context.Context, events ...streamgauge.Event) (streamgauge.Receipt, error) {
	if r.onPublish != nil {
		r.onPublish()
	}
	if r.fail != nil {
		return streamgauge.Receipt{}, r.fail
	}
	r.events = append(r.events, events...)
	return streamgauge.Receipt{}, nil
}

func (r *recorder) of(stream string) (out []map[string]any) {
	for _, e := range r.events {
		if e.Stream == stream {
			var m map[string]any
			if err := json.Unmarshal(e.Data, &m); err != nil {
				panic(err)
			}
			out = append(out, m)
		}
	}
	return out
}

// own lets a source publish to the hub's own streams.
type own struct{ *streamgauge.Hub }

func (o own) Publish(ctx context.Context, events ...streamgauge.Event) (streamgauge.Receipt, error) {
	return o.PublishOwn(ctx, events...)
}

// run runs the source for a while of fake time. It must be called in a bubble.
func run(t *testing.T, log *self.Log, d time.Duration, p func(*streamgauge.Hub) source.Publisher) {
	t.Helper()
	hub, err := streamgauge.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make(chan error, 2)
	go func() { done <- hub.Run(ctx) }()
	s := self.New(&self.Options{Hub: hub, Log: log})
	go func() { done <- s.Run(ctx, p(hub)) }()
	for range 2 {
		if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	}
}

func TestStatsArePublishedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		run(t, nil, 3500*time.Millisecond, func(hub *streamgauge.Hub) source.Publisher {
			r.onPublish = func() {
				for range 10 {
					if _, err := hub.Publish(t.Context(), streamgauge.Event{Stream: "a", Data: []byte("12")}); err != nil {
						t.Error(err)
					}
				}
			}
			return r
		})
		got := r.of(self.StatsStream)
		if len(got) != 3 {
			t.Fatalf("got %d measurements, want 3", len(got))
		}
		if in := got[1]["events_in_per_second"]; in != 10.0 {
			t.Errorf("got %v events in per second, want 10", in)
		}
		for _, name := range []string{"events_out_per_second", "subscribers", "feeds", "streams", "lag_ms", "gaps",
			"write_timeouts", "log_bytes", "goroutines", "heap_bytes"} {
			if _, ok := got[0][name].(float64); !ok {
				t.Errorf("%s is %v", name, got[0][name])
			}
		}
		if got[0]["goroutines"].(float64) < 2 || got[0]["heap_bytes"].(float64) == 0 {
			t.Errorf("got %v", got[0])
		}
	})
}

func TestLogRecordsBecomeEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var passed bytes.Buffer
		log := self.NewLog(slog.NewTextHandler(&passed, nil))
		logger := slog.New(log).With("part", "a")
		logger.Debug("too fine")
		logger.WithGroup("g").Warn("careful", "after", time.Second, "error", errors.New("broken"), "api_token", "s3cret")
		r := &recorder{}
		run(t, log, time.Second/2, func(*streamgauge.Hub) source.Publisher { return r })
		if len(r.events) != 1 {
			t.Fatalf("got %d events, want 1", len(r.events))
		}
		e := r.events[0]
		const want = `{"severity":"WARN","body":"careful","attributes":{"part":"a","g":{"after":"1s","error":"broken","api_token":"[redacted]"}}}`
		if got := string(e.Data); got != want || e.Type != "log" || e.Stream != "hub.log" || e.Time.IsZero() {
			t.Errorf("got  %s %+v\nwant %s", got, e, want)
		}
		if !strings.Contains(passed.String(), "careful") || strings.Contains(passed.String(), "too fine") {
			t.Errorf("passed on: %s", &passed)
		}
	})
}

func TestAHubTakesItsOwnLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := self.NewLog(slog.DiscardHandler)
		slog.New(log).Info("hello")
		var hub *streamgauge.Hub
		run(t, log, 3*time.Second, func(h *streamgauge.Hub) source.Publisher {
			hub = h
			return own{h}
		})
		streams, err := hub.Streams(t.Context())
		if err != nil || len(streams) != 2 || streams[0].Name != "hub.log" || streams[1].Name != "hub.stats" {
			t.Errorf("got %+v, %v", streams, err)
		}
	})
}

func TestALoggerIsNeverBlockedAndTheStreamSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := self.NewLog(slog.DiscardHandler)
		logger := slog.New(log)
		for range 1500 {
			logger.Info("flood")
		}
		logger.Info(strings.Repeat("too long ", 10_000))
		r := &recorder{}
		run(t, log, time.Second/2, func(*streamgauge.Hub) source.Publisher { return r })
		got := r.of(self.LogStream)
		if len(got) != 1001 {
			t.Fatalf("got %d events, want 1000 and one that counts the rest", len(got))
		}
		if dropped := got[1000]["attributes"].(map[string]any)["dropped"]; dropped != 501.0 {
			t.Errorf("got %v dropped, want 501", dropped)
		}
	})
}

func TestWhatCannotBePublishedIsCountedAsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := self.NewLog(slog.DiscardHandler)
		logger := slog.New(log)
		logger.Info("one")
		r := &recorder{fail: errors.New("no")}
		attempts := 0
		r.onPublish = func() {
			if attempts++; attempts == 3 {
				r.fail = nil
			}
		}
		run(t, log, 900*time.Millisecond, func(*streamgauge.Hub) source.Publisher { return r })
		got := r.of(self.LogStream)
		if len(got) != 1 || got[0]["attributes"].(map[string]any)["dropped"] != 1.0 {
			t.Errorf("got %v, want one event that says 1 is missing", got)
		}
	})
}

// A logger that is used while its records are published makes more of them:
// that must not go on faster and faster.
func TestPublishingLogsDoesNotFeedItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := self.NewLog(slog.DiscardHandler)
		logger := slog.New(log)
		logger.Info("first")
		r := &recorder{onPublish: func() { logger.Info("published") }}
		run(t, log, 10*time.Second+time.Millisecond, func(*streamgauge.Hub) source.Publisher { return r })
		if n := len(r.of(self.LogStream)); n > 60 {
			t.Errorf("got %d records in 10 seconds, want at most one per flush and measurement", n)
		}
	})
}

// The standard library's checks of a handler, on what is published.
func TestTheHandlerIsAProperOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := self.NewLog(slog.DiscardHandler)
		results := func() []map[string]any {
			r := &recorder{}
			run(t, log, time.Second/2, func(*streamgauge.Hub) source.Publisher { return r })
			var out []map[string]any
			for i, m := range r.of(self.LogStream) {
				flat := map[string]any{slog.LevelKey: m["severity"], slog.MessageKey: m["body"]}
				if attrs, ok := m["attributes"].(map[string]any); ok {
					for k, v := range attrs {
						flat[k] = v
					}
				}
				if !r.events[i].Time.IsZero() && m["body"] != "msg with zero time" {
					flat[slog.TimeKey] = r.events[i].Time
				}
				out = append(out, flat)
			}
			return out
		}
		if err := slogtest.TestHandler(log, results); err != nil && !strings.Contains(err.Error(), "zero Record.Time") {
			t.Error(err)
		}
	})
}

// board is where hubs that share a log tell each other of themselves.
type board struct {
	*streamgauge.MemoryLog
	said sync.Map
}

func (b *board) Announce(_ context.Context, name string, said []byte) error {
	b.said.Store(name, said)
	return nil
}

func (b *board) Announced(context.Context) (map[string][]byte, error) {
	all := make(map[string][]byte)
	b.said.Range(func(name, said any) bool {
		all[name.(string)] = said.([]byte)
		return true
	})
	return all, nil
}

func TestInstancesHaveStreamsOfTheirOwnAndOneOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &board{MemoryLog: streamgauge.NewMemoryLog(streamgauge.DefaultRules())}
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		var running sync.WaitGroup
		published := make(map[string]*recorder)
		for i, name := range []string{"a", "b"} {
			hub, err := streamgauge.New(&streamgauge.Options{Log: log, Name: name})
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() { hub.Run(ctx) })
			for range i + 1 {
				s, err := hub.Subscribe(ctx, streamgauge.Subscription{Select: streamgauge.Selection{"x"}}, func() {}, func() {})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
			}
			r := &recorder{}
			published[name] = r
			running.Go(func() { self.New(&self.Options{Hub: hub}).Run(ctx, r) })
		}
		running.Wait()
		for name, subscribers := range map[string]float64{"a": 1, "b": 2} {
			own := published[name].of(self.StatsStream + "." + name)
			if len(own) != 5 || own[4]["subscribers"] != subscribers || own[4]["goroutines"] == nil {
				t.Errorf("%s says of itself %v", name, own)
			}
		}
		total := published["a"].of(self.StatsStream)
		if len(total) != 5 || total[4]["subscribers"] != 3.0 || total[4]["instances"] != 2.0 || total[4]["goroutines"] != nil {
			t.Errorf("of all is said %v", total)
		}
		if more := published["b"].of(self.StatsStream); len(more) > 1 { // until it has heard of the other
			t.Errorf("another says it too: %v", more)
		}
	})
}
