package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/bench"
)

// TestMain is the server too: the benchmark starts the test's own binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		if err := serve(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the least that can be benchmarked.
func serve(addr string) error {
	if addr == "fail" {
		return fmt.Errorf("this server does not want to start")
	}
	hub, err := streamgauge.New(nil)
	if err != nil {
		return err
	}
	go hub.Run(context.Background())
	mux := http.NewServeMux()
	mux.Handle("GET /v1/streams/{stream}/events", hub)
	mux.HandleFunc("POST /v1/streams/{stream}/events", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var events []streamgauge.Event
		for line := range bytes.Lines(body) {
			events = append(events, streamgauge.Event{Stream: r.PathValue("stream"), Data: bytes.TrimSpace(line)})
		}
		if _, err := hub.Publish(r.Context(), events...); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	return http.ListenAndServe(addr, mux)
}

func run(t *testing.T, o bench.Options) *bench.Result {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Server = &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) { return []string{"serve", addr}, nil }}
	result, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := result.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &text)
	if !result.Sound() {
		t.Errorf("the run is not sound")
	}
	return result
}

func TestEveryEventOfAShortRunArrives(t *testing.T) {
	o := bench.Defaults(bench.FanOut)
	o.Subscribers, o.Stalled, o.Streams, o.Publishers, o.Rate = 50, 5, 2, 2, 100
	o.Warmup, o.Duration = 100*time.Millisecond, 900*time.Millisecond
	r := run(t, o)
	if want := uint64(1 * 100 * 50 / 2); r.Checked < want-50 || r.Checked > want+50 {
		t.Errorf("%d events were checked, want about %d", r.Checked, want)
	}
	if r.Latency.P50 <= 0 || r.Latency.P99 < r.Latency.P50 || r.Latency.Max < r.Latency.P99 {
		t.Errorf("latency is %v", r.Latency)
	}
	if r.MemoryBytes <= 0 || r.AfterBytesPerSubscriber <= 0 {
		t.Errorf("memory is %d bytes and %v for each subscriber", r.MemoryBytes, r.AfterBytesPerSubscriber)
	}
}

func TestPublishingAsMuchAsIsAcknowledged(t *testing.T) {
	o := bench.Defaults(bench.Publish)
	o.Subscribers, o.Batch, o.Publishers = 1, 10, 2
	o.Warmup, o.Duration = 50*time.Millisecond, 200*time.Millisecond
	if r := run(t, o); r.Acked == 0 || r.CPUSeconds <= 0 || r.AckLatency.P50 <= 0 {
		t.Errorf("%d events acknowledged in %v s of CPU, %v", r.Acked, r.CPUSeconds, r.AckLatency)
	}
}

func TestReplayToEveryone(t *testing.T) {
	o := bench.Defaults(bench.Replay)
	o.Subscribers, o.Backlog = 20, 2500
	if r := run(t, o); r.Checked != 20*2500 || r.Latency.P50 <= 0 {
		t.Errorf("%d events were checked, latency %v", r.Checked, r.Latency)
	}
}

func TestGzipIsReadAndCheckedToo(t *testing.T) {
	o := bench.Defaults(bench.FanOut)
	o.Subscribers, o.Rate, o.Batch = 20, 200, 20
	o.Warmup, o.Duration = 100*time.Millisecond, 400*time.Millisecond
	plain := run(t, o)
	o.Gzip = true
	packed := run(t, o)
	if packed.Checked < 20*80 || packed.BytesPerDelivery == 0 || packed.BytesPerDelivery > plain.BytesPerDelivery/2 {
		t.Errorf("%d events were checked, of %.0f bytes, and %.0f without gzip", packed.Checked, packed.BytesPerDelivery, plain.BytesPerDelivery)
	}
}

func TestACeilingIsWhatIsStillInTime(t *testing.T) {
	o := bench.Defaults(bench.Ceiling)
	o.Subscribers, o.Publishers, o.Pipeline, o.Rate = 1, 1, 1, 60_000 // more than one request at a time can be
	o.Warmup, o.Duration = 0, 100*time.Millisecond
	r := run(t, o)
	if r.Rate >= 60_000 || r.Rate < 100 || r.DeliveriesPerSecond < 0.9*r.Rate || r.Latency.P99 > 250 {
		t.Errorf("the ceiling is %.0f events/s, with %.0f deliveries/s and %v", r.Rate, r.DeliveriesPerSecond, r.Latency)
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Rate, o.Latency = 1, time.Nanosecond
	o.Server = &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) { return []string{"serve", addr}, nil }}
	if _, err := bench.Run(t.Context(), o); !errors.Is(err, bench.ErrTooMany) {
		t.Errorf("where nothing is in time the error is %v", err)
	}
}

func TestIdleSubscribersAreOnlyMeasured(t *testing.T) {
	o := bench.Defaults(bench.Idle)
	o.Subscribers, o.Duration = 50, 100*time.Millisecond
	if r := run(t, o); r.Checked != 0 || r.IdleBytesPerSubscriber <= 0 {
		t.Errorf("%d events came, %v bytes for each subscriber", r.Checked, r.IdleBytesPerSubscriber)
	}
}

func TestAServerThatLosesEventsIsFoundOut(t *testing.T) {
	var seen int
	mux := http.NewServeMux()
	events := make(chan []byte, 1000)
	mux.HandleFunc("GET /v1/streams/{stream}/events", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for {
			select {
			case e := <-events:
				if seen++; seen%10 == 0 {
					continue
				}
				fmt.Fprintf(w, "id: e-%d\ndata: %s\n\n", seen, e)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("POST /v1/streams/{stream}/events", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		events <- body
	})
	server := newServer(t, mux)
	o := bench.Defaults(bench.FanOut)
	o.URL, o.Subscribers, o.Rate = server, 1, 100
	o.Warmup, o.Duration = 0, 305*time.Millisecond
	result, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Sound() || result.Lost != 3 {
		t.Errorf("%d events are said to be lost, want 3: %s", result.Lost, result.Violations)
	}
}

func TestRunsThatCannotBeMade(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	failing := &bench.Command{Path: path, Args: func(string, string) ([]string, error) { return []string{"serve", "fail"}, nil }}
	refusing := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not today", http.StatusTeapot)
	}))
	tests := []struct {
		name   string
		change func(*bench.Options)
		want   string
	}{
		{"a server that does not start says why", func(o *bench.Options) { o.Server = failing }, "does not want to start"},
		{"no server at all", func(o *bench.Options) {}, "neither a URL nor a server"},
		{"a server that refuses subscribers says why", func(o *bench.Options) { o.URL = refusing }, "418: not today"},
		{"a server that refuses events says why", func(o *bench.Options) { o.URL, o.Subscribers = refusing, 0 }, "418: not today"},
		{"a URL that is none", func(o *bench.Options) { o.URL = "localhost:7070" }, `url is "localhost:7070"`},
		{"a mode that there isn't", func(o *bench.Options) { o.Mode = "fast" }, `mode is "fast"; it must be`},
		{"too many of something", func(o *bench.Options) { o.Batch = 10_001 }, "batch is 10001; it must be from 1 to 10000"},
		{"more connections than files", func(o *bench.Options) { o.URL, o.Subscribers, o.Stalled = refusing, 100_000, 100_000 }, "ulimit -n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := bench.Defaults(bench.FanOut)
			o.Subscribers, o.Duration = 1, time.Second
			test.change(&o)
			if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func newServer(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
