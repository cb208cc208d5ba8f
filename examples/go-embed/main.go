// Command go-embed is an ordinary web server with a page that shows the server's
// requests as they come.
package main

import (
	"context"
	_ "embed"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge"
)

//go:embed index.html
var page []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	listener, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("open http://%s", listener.Addr())
	if err := serve(ctx, listener); err != nil {
		log.Fatal(err)
	}
}

// serve serves until the context ends, and then lets viewers go.
func serve(ctx context.Context, listener net.Listener) error {
	hub, err := streamgauge.New(nil) // in memory; see Options.Log for one on disk
	if err != nil {
		return err
	}
	hubContext, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHub()
	server := &http.Server{Handler: routes(hub), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- hub.Run(hubContext) }()
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		server.Close()
		return err
	case <-ctx.Done():
	}
	soon, cancel := context.WithTimeout(hubContext, 5*time.Second)
	defer cancel()
	// Shutdown waits for answers to end, and those of the hub don't by themselves:
	// Drain tells each browser when to come back, and not all at once.
	if err := hub.Drain(soon); err != nil {
		server.Close()
		return err
	}
	return server.Shutdown(soon)
}

// routes is the whole server: the page, the hub, and the program's own work.
func routes(hub *streamgauge.Hub) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /streams/{stream}/events", hub) // bare data of one stream
	mux.Handle("GET /events", hub)                  // many streams: ?stream=app.requests&stream=…
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})
	mux.Handle("/", published(hub, http.HandlerFunc(work)))
	return mux
}

// work stands for what the program is really for.
func work(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/hello" {
		http.NotFound(w, r)
		return
	}
	w.Write([]byte("hello\n"))
}
