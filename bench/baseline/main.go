// Command baseline is the plainest server of events that one would write in
// Go: net/http, a goroutine for every connection, a channel for every
// subscriber, every event written and flushed by itself. It has no log, no
// replay, no heartbeats and no limits, and drops what doesn't fit in a
// subscriber's channel. The benchmark runs it beside Streamgauge; it has the
// same URLs for publishing and subscribing to one stream.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7072", "`address` to listen on")
	nothing := flag.Bool("nothing", false, "read what is published, answer, and do nothing with it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, *nothing); err != nil {
		fmt.Fprintln(os.Stderr, "baseline: error:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, listen string, nothing bool) error {
	h := &hub{subscribers: make(map[string]map[chan []byte]struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/streams/{stream}/events", h.subscribe)
	if nothing {
		mux.HandleFunc("POST /v1/streams/{stream}/events", doNothing)
	} else {
		mux.HandleFunc("POST /v1/streams/{stream}/events", h.publish)
	}
	server := &http.Server{Addr: listen, Handler: mux}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type hub struct {
	mu          sync.Mutex // protects following
	seq         uint64
	subscribers map[string]map[chan []byte]struct{} // by stream
}

func (h *hub) subscribe(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, 64)
	stream := r.PathValue("stream")
	h.mu.Lock()
	if h.subscribers[stream] == nil {
		h.subscribers[stream] = make(map[chan []byte]struct{})
	}
	h.subscribers[stream][events] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.subscribers[stream], events)
		h.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flusher := w.(http.Flusher)
	io.WriteString(w, ": welcome\n\n")
	flusher.Flush()
	for {
		select {
		case event := <-events:
			if _, err := w.Write(event); err != nil {
				return
			}
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (h *hub) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stream := r.PathValue("stream")
	h.mu.Lock()
	defer h.mu.Unlock()
	for line := range bytes.Lines(body) {
		h.seq++
		event := fmt.Appendf(nil, "id: b-%d\ndata: %s\n\n", h.seq, bytes.TrimSuffix(line, []byte{'\n'}))
		for events := range h.subscribers[stream] {
			select {
			case events <- event:
			default:
			}
		}
	}
	answer(w, h.seq)
}

func doNothing(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, 0)
}

func answer(w http.ResponseWriter, seq uint64) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"id\":\"b-%d\"}\n", seq)
}
