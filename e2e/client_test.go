//go:build linux

package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/check"
	"github.com/streamgauge/streamgauge/sse"
)

// form is what a client asks for.
type form uint8

const (
	envelopes form = iota // text/event-stream on any streams
	bare                  // text/event-stream on one stream
	ndjson                // application/x-ndjson
)

func (f form) accept() string {
	if f == ndjson {
		return "application/x-ndjson"
	}
	return "text/event-stream"
}

// A request is a subscription as a client asks for it.
type request struct {
	form   form
	stream string // of the bare form
	path   string // with parameters
	cursor string // Last-Event-ID; empty is none
	token  string // that says who asks; empty is none
}

func onStream(stream, params string) request {
	return request{form: bare, stream: stream, path: "/v1/streams/" + stream + "/events" + params}
}

func on(params string) request { return request{path: "/v1/events?" + params} }

func (r request) as(f form) request {
	r.form = f
	return r
}

func (r request) after(cursor string) request {
	r.cursor = cursor
	return r
}

func (r request) with(token string) request {
	r.token = token
	return r
}

// header returns the request as it goes over the wire.
func (r request) header() string {
	more := ""
	if r.cursor != "" {
		more += "Last-Event-ID: " + r.cursor + "\r\n"
	}
	if r.token != "" {
		more += "Authorization: Bearer " + r.token + "\r\n"
	}
	return "GET " + r.path + " HTTP/1.1\r\nHost: localhost\r\nAccept: " + r.form.accept() + "\r\n" + more + "\r\n"
}

// A connection is one subscription's, over plain TCP so that it can be ended in
// every way that there is.
type connection struct {
	*net.TCPConn
	request request
	status  int
	header  http.Header
	lines   *bufio.Reader // of the ndjson form
	decoder *sse.Decoder  // of the others
}

// connect dials and reads the answer's header. The connection's input is read
// through wrap, unless that is nil.
func connect(address string, r request, wrap func(*net.TCPConn) io.Reader) (*connection, error) {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c := &connection{TCPConn: conn.(*net.TCPConn), request: r}
	var input io.Reader = conn
	if wrap == nil {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	} else {
		input = wrap(c.TCPConn)
	}
	if err := c.ask(input); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *connection) ask(input io.Reader) error {
	if _, err := io.WriteString(c, c.request.header()); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(input, 16<<10), nil)
	if err != nil {
		return err
	}
	c.status, c.header = resp.StatusCode, resp.Header
	if c.request.form == ndjson {
		c.lines = bufio.NewReader(resp.Body)
	} else {
		c.decoder = sse.NewDecoder(resp.Body)
	}
	if c.status != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return &refusal{c.request, c.status, c.header, string(body)}
	}
	return nil
}

// A refusal is an answer that is not 200.
type refusal struct {
	request request
	status  int
	header  http.Header
	body    string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("GET %s: status %d: %s", r.request.path, r.status, r.body)
}

// mustConnect is connect for a server that must be there.
func mustConnect(t *testing.T, address string, r request) *connection {
	t.Helper()
	c, err := connect(address, r, nil)
	if err != nil {
		t.Fatalf("GET %s: %v", r.path, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// reset ends the connection with RST.
func (c *connection) reset() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// A message is what a connection brought: an event or a control event.
type message struct {
	id   []byte
	hub  string // a control event's name without the prefix; empty for events
	kind string // an event's type
	data []byte // an event's data or envelope, or a control event's data
}

// next returns the next message, valid until the one after it.
func (c *connection) next() (message, error) {
	if c.request.form == ndjson {
		return c.nextLine()
	}
	e, err := c.decoder.Next()
	m := message{id: []byte(e.ID), kind: e.Type, data: e.Data}
	if name, ok := strings.CutPrefix(e.Type, "hub."); ok {
		m.hub, m.kind = name, ""
	}
	return m, err
}

func (c *connection) nextLine() (message, error) {
	line, err := c.lines.ReadBytes('\n')
	if err != nil {
		return message{}, err // what has no end of line is torn
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	var head struct {
		Hub  string `json:"hub"`
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return message{}, fmt.Errorf("a line is no JSON: %w: %.200q", err, line)
	}
	return message{id: []byte(head.ID), hub: head.Hub, kind: head.Type, data: line}, nil
}

// tell has the checker look at a message.
func (c *connection) tell(s *check.Subscriber, m message) error {
	switch {
	case m.hub != "":
		s.Control(m.id, []byte(m.hub), m.data)
	case c.request.form == bare:
		s.Event(m.id, []byte(c.request.stream), m.data)
	case c.request.form == envelopes:
		s.SSE(m.id, []byte(m.kind), m.data)
	default:
		var e struct {
			Stream string          `json:"stream"`
			Data   json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(m.data, &e); err != nil {
			return err
		}
		s.Event(m.id, []byte(e.Stream), e.Data)
	}
	return nil
}

// mustNext returns the next message, which must come.
func (c *connection) mustNext(t *testing.T) message {
	t.Helper()
	m, err := c.next()
	if err != nil {
		t.Fatalf("GET %s: the stream ended: %v", c.request.path, err)
	}
	return m
}

// mustHub returns the next message, which must be that control event, with its
// data in members.
func (c *connection) mustHub(t *testing.T, name string) (m message, members map[string]any) {
	t.Helper()
	m = c.mustNext(t)
	if m.hub != name {
		t.Fatalf("GET %s: got %+v, want hub.%s", c.request.path, m, name)
	}
	if err := json.Unmarshal(m.data, &members); err != nil {
		t.Fatalf("hub.%s: %v", name, err)
	}
	return m, members
}

// mustEvent returns the next message that is no heartbeat; it must be an event.
func (c *connection) mustEvent(t *testing.T) message {
	t.Helper()
	for {
		m := c.mustNext(t)
		switch m.hub {
		case "":
			return m
		case "heartbeat":
		default:
			t.Fatalf("GET %s: got hub.%s %s, want an event", c.request.path, m.hub, m.data)
		}
	}
}

// stall opens a subscription of which next to nothing fits into the kernel's
// buffers, and never reads it.
func stall(t *testing.T, address string, r request) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: 10 * time.Second, Control: smallBuffers}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, r.header()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// smallBuffers makes the kernel take little for a client that does not read: on
// this side by the buffer's size, on the other by that of the packets, which
// the size of its buffer follows.
func smallBuffers(_, _ string, conn syscall.RawConn) error {
	var failed error
	err := conn.Control(func(fd uintptr) {
		failed = errors.Join(
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536))
	})
	return errors.Join(err, failed)
}
