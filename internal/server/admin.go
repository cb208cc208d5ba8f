package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"runtime"
	"strconv"
	"time"

	"github.com/streamgauge/streamgauge"
)

// readyTimeout is how long delivery may take to catch up with the log before
// the server counts as not ready.
const readyTimeout = 2 * time.Second

// newAdmin returns the handler of the admin listener: health, metrics and
// profiles. None of it asks who wants to know, but pages in a browser get nothing of it. On
// loopback only known names are answered; elsewhere it is asked by names of services.
func newAdmin(hub *streamgauge.Hub, version string, local bool, allowed []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := hub.Ready(ctx); err != nil {
			streamgauge.NewProblem(http.StatusServiceUnavailable, "not ready: "+err.Error()).ServeHTTP(w, r)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Write(appendMetrics(nil, hub.Stats(), logBytes(r.Context(), hub), version))
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	// Without cmdline: a flag may have a password.
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "/healthz\n/readyz\n/metrics\n/debug/pprof/")
	})
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			streamgauge.NewProblem(http.StatusForbidden, "A page of another origin may not do this.").ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	if !local {
		return guarded
	}
	return newHosts(guarded, allowed)
}

// logBytes returns how much data the log keeps, or -1 if it can't say.
func logBytes(ctx context.Context, hub *streamgauge.Hub) int64 {
	streams, err := hub.Streams(ctx)
	if err != nil {
		return -1
	}
	var n int64
	for _, s := range streams {
		n += s.Bytes
	}
	return n
}

// appendMetrics appends the figures in Prometheus's text format. There is none
// per stream: names are the publishers' choice, and too many.
func appendMetrics(dst []byte, s streamgauge.Stats, logBytes int64, version string) []byte {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	metric := func(name, kind, help string, value float64) {
		dst = fmt.Appendf(dst, "# HELP streamgauge_%s %s\n# TYPE streamgauge_%s %s\nstreamgauge_%s ", name, help, name, kind, name)
		dst = strconv.AppendFloat(dst, value, 'f', -1, 64)
		dst = append(dst, '\n')
	}
	metric("events_in_total", "counter", "Events that reached delivery, once each.", float64(s.EventsIn))
	metric("events_out_total", "counter", "Events written, once for each subscriber.", float64(s.EventsOut))
	metric("gaps_total", "counter", "Gaps said to subscribers.", float64(s.Gaps))
	metric("write_timeouts_total", "counter", "Subscribers let go because a write took too long.", float64(s.WriteTimeouts))
	metric("subscribers", "gauge", "Subscribers that are connected.", float64(s.Subscribers))
	metric("feeds", "gauge", "Different selections that are followed.", float64(s.Feeds))
	metric("views", "gauge", "Different views that are watched.", float64(s.Views))
	metric("view_rows", "gauge", "Rows of views that are kept.", float64(s.ViewRows))
	metric("streams", "gauge", "Streams that exist.", float64(s.Streams))
	metric("lag_events", "gauge", "Events in the log that delivery has not reached.", float64(s.Head-s.Delivered))
	metric("degraded", "gauge", "1 if delivery does not work.", float64(boolToInt(s.Degraded)))
	if logBytes >= 0 {
		metric("log_bytes", "gauge", "Data of all events that are kept.", float64(logBytes))
	}
	metric("goroutines", "gauge", "Goroutines.", float64(runtime.NumGoroutine()))
	metric("heap_bytes", "gauge", "Memory of objects on the heap.", float64(m.HeapAlloc))
	metric("memory_bytes", "gauge", "Memory obtained from the operating system.", float64(m.Sys))
	metric("gc_cycles_total", "counter", "Garbage collections.", float64(m.NumGC))
	return fmt.Appendf(dst, "# HELP streamgauge_build_info What runs here.\n# TYPE streamgauge_build_info gauge\nstreamgauge_build_info{version=%q,go=%q} 1\n", version, runtime.Version())
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
