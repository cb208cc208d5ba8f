package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// start serves what the program serves, until the test ends.
func start(t *testing.T) (url string) {
	t.Helper()
	hub, err := streamgauge.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hub.Run(ctx)
	}()
	server := httptest.NewServer(routes(hub))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		stop()
		<-ended
	})
	return server.URL
}

func get(t *testing.T, url string, header http.Header) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// visit makes a request that the program publishes.
func visit(t *testing.T, url string, want int) {
	t.Helper()
	response := get(t, url, nil)
	io.Copy(io.Discard, response.Body)
	if response.StatusCode != want {
		t.Fatalf("GET %s: status %d, want %d", url, response.StatusCode, want)
	}
}

// A viewer reads a connection's events.
type viewer struct {
	lines *bufio.Scanner
	close func() error
}

func view(t *testing.T, url, lastEventID string) *viewer {
	t.Helper()
	header := http.Header{}
	if lastEventID != "" {
		header.Set("Last-Event-ID", lastEventID)
	}
	response := get(t, url, header)
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("status %d, Content-Type %q", response.StatusCode, got)
	}
	v := &viewer{bufio.NewScanner(response.Body), response.Body.Close}
	if typ, _, _ := v.next(t); typ != "hub.hello" {
		t.Fatalf("the first event is a %q, want hub.hello", typ)
	}
	return v
}

// next returns the next event.
func (v *viewer) next(t *testing.T) (typ, id, data string) {
	t.Helper()
	for v.lines.Scan() {
		field, value, _ := strings.Cut(v.lines.Text(), ": ")
		switch field {
		case "event":
			typ = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if v.lines.Text() == "" && data != "" {
				return typ, id, data
			}
		}
	}
	t.Fatalf("the stream ended: %v", v.lines.Err())
	return
}

// wants fails the test unless the next event is a request of the path.
func (v *viewer) wants(t *testing.T, path string, status int) (id string) {
	t.Helper()
	typ, id, data := v.next(t)
	var got served
	if err := json.Unmarshal([]byte(data), &got); err != nil || typ != "" {
		t.Fatalf("event %q %s: %v", typ, data, err)
	}
	if got.Method != http.MethodGet || got.Path != path || got.Status != status || got.Ms < 0 {
		t.Fatalf("got %+v, want a GET of %s with status %d", got, path, status)
	}
	return id
}

func TestAViewerSeesTheRequests(t *testing.T) {
	url := start(t)
	visit(t, url+"/hello", http.StatusOK)
	v := view(t, url+"/streams/app.requests/events?last=50", "")
	v.wants(t, "/hello", http.StatusOK)
	visit(t, url+"/nowhere", http.StatusNotFound)
	v.wants(t, "/nowhere", http.StatusNotFound)
}

func TestAViewerResumes(t *testing.T) {
	url := start(t)
	v := view(t, url+"/streams/app.requests/events", "")
	visit(t, url+"/hello?1", http.StatusOK)
	last := v.wants(t, "/hello", http.StatusOK)
	v.close()
	visit(t, url+"/away", http.StatusNotFound)
	visit(t, url+"/hello", http.StatusOK)
	v = view(t, url+"/streams/app.requests/events", last)
	v.wants(t, "/away", http.StatusNotFound)
	v.wants(t, "/hello", http.StatusOK)
	visit(t, url+"/live", http.StatusNotFound)
	v.wants(t, "/live", http.StatusNotFound)
}

func TestAShutdownLetsViewersGo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener) }()
	v := view(t, "http://"+listener.Addr().String()+"/events?stream=app.requests", "")
	stop()
	if typ, _, data := v.next(t); typ != "hub.bye" || !strings.Contains(data, `"reason":"drain"`) {
		t.Errorf("event %q %s, want hub.bye", typ, data)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestThePageFollowsTheStreamThatIsPublished(t *testing.T) {
	url := start(t)
	response := get(t, url+"/", nil)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), "new EventSource('/streams/app.requests/events") {
		t.Error("the page follows another stream")
	}
}
