package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"time"

	"github.com/streamgauge/streamgauge"
)

// A served request, as the page gets it.
type served struct {
	Method string  `json:"method"`
	Path   string  `json:"path"`
	Status int     `json:"status"`
	Ms     float64 `json:"ms"`
}

// published is next, whose every request is an event of the stream app.requests.
func published(hub *streamgauge.Hub, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		took := float64(time.Since(began).Microseconds()) / 1000
		data, err := json.Marshal(served{r.Method, r.URL.Path, seen.status, took})
		if err == nil {
			// Also when the client has left, which ends the request's context.
			ctx := context.WithoutCancel(r.Context())
			_, err = hub.Publish(ctx, streamgauge.Event{Stream: "app.requests", Data: data})
		}
		if err != nil {
			log.Printf("a request was not published: %v", err)
		}
	})
}

// statusWriter remembers the status that is sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	// Those below 200 are no answer yet.
	if status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an http.ResponseController through, which streaming handlers use.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
