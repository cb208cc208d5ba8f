// Command websocket is the best fan-out over WebSocket that one would write in Go: an event is
// encoded once for everybody, and a connection's writer sends what has come meanwhile in one
// message. The benchmark runs it beside Streamgauge; it has the same URLs, and the text of a
// message is what an event stream would have.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7073", "`address` to listen on")
	flag.Parse()
	h := &hub{subscribers: make(map[string]map[chan *event]struct{})}
	http.HandleFunc("GET /v1/streams/{stream}/events", h.subscribe)
	http.HandleFunc("POST /v1/streams/{stream}/events", h.publish)
	log.Fatal(http.ListenAndServe(*listen, nil))
}

type hub struct {
	mu          sync.Mutex // protects following
	seq         uint64
	subscribers map[string]map[chan *event]struct{} // by stream
}

// An event is encoded once, as a message of its own and as text to be joined to others.
type event struct {
	message *websocket.PreparedMessage
	text    []byte
}

var upgrader = websocket.Upgrader{WriteBufferPool: new(sync.Pool)}

func (h *hub) subscribe(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	stream, events := r.PathValue("stream"), make(chan *event, 256)
	h.mu.Lock()
	if h.subscribers[stream] == nil {
		h.subscribers[stream] = make(map[chan *event]struct{})
	}
	h.subscribers[stream][events] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.subscribers[stream], events)
		h.mu.Unlock()
	}()
	gone := make(chan struct{})
	go func() { // a reader has to read, so that it learns of the end
		defer close(gone)
		for {
			if _, _, err := conn.NextReader(); err != nil {
				return
			}
		}
	}()
	for {
		select {
		case e := <-events:
			if write(conn, e, events) != nil {
				return
			}
		case <-gone:
			return
		}
	}
}

// write writes an event, and with it those that wait.
func write(conn *websocket.Conn, e *event, events chan *event) error {
	waiting := len(events)
	if waiting == 0 {
		return conn.WritePreparedMessage(e.message)
	}
	w, err := conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	w.Write(e.text)
	for range waiting {
		w.Write((<-events).text)
	}
	return w.Close()
}

func (h *hub) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	e := &event{text: fmt.Appendf(nil, "id: b-%d\ndata: %s\n\n", h.seq, body)}
	if e.message, err = websocket.NewPreparedMessage(websocket.TextMessage, e.text); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for events := range h.subscribers[r.PathValue("stream")] {
		select {
		case events <- e:
		default: // it is too slow
		}
	}
	w.WriteHeader(http.StatusCreated)
}
