//go:build linux

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/sse"
)

// stream is a subscription over HTTP/2.
type stream struct {
	io.Closer
	*sse.Decoder
}

// openStream subscribes to one stream of events and reads hub.hello.
func openStream(t *testing.T, client *http.Client, s *server, name string) stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.api+"/v1/streams/"+name+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK {
		t.Fatalf("the answer is %s %s, want HTTP/2 and 200", resp.Proto, resp.Status)
	}
	opened := stream{resp.Body, sse.NewDecoder(resp.Body)}
	if e, err := opened.Next(); err != nil || e.Type != "hub.hello" {
		t.Fatalf("the stream begins with %v, %v, want hub.hello", e, err)
	}
	return opened
}

// mustNumbers reads events whose data ends in the numbers.
func (s stream) mustNumbers(t *testing.T, from, through int) {
	t.Helper()
	for n := from; n <= through; {
		e, err := s.Next()
		if err != nil {
			t.Fatalf("the stream ended before number %d: %v", n, err)
		}
		if strings.HasPrefix(e.Type, "hub.") {
			continue
		}
		if !strings.HasSuffix(string(e.Data), fmt.Sprintf(`"n":%d}`, n)) {
			t.Fatalf("got %.100s, want number %d", e.Data, n)
		}
		n++
	}
}

// How much of one stream a client takes before it is read: little, so that it
// is the stream that blocks, or enough that the connection is.
const (
	smallWindow = 64 << 10
	largeWindow = 4<<20 - 1
)

// http2Client speaks HTTP/2 without TLS, over connections of its own.
func http2Client(window int, dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	transport := &http.Transport{DialContext: dial, Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetUnencryptedHTTP2(true)
	transport.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: window}
	return &http.Client{Transport: transport}
}

// Many streams and publishes share one connection.
func TestHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	s := startServer(t, "")
	var dials atomic.Int32
	client := http2Client(smallWindow, func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	})
	var all []stream
	for i := range 20 {
		all = append(all, openStream(t, client, s, fmt.Sprintf("s%d", i)))
	}
	for n := 1; n <= 5; n++ {
		for i := range all {
			url := fmt.Sprintf("http://%s/v1/streams/s%d/events", s.api, i)
			resp, err := client.Post(url, "application/json", strings.NewReader(fmt.Sprintf(`{"n":%d}`, n)))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body) // to its end, or it counts as reset
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
				t.Fatalf("publish: %s %s", resp.Proto, resp.Status)
			}
		}
	}
	for _, one := range all {
		one.mustNumbers(t, 1, 5)
	}
	for _, one := range all[:10] {
		one.Close()
	}
	eventually(t, 10*time.Second, "those who left are gone", func() bool { return s.metric("subscribers") == 10 })
	mustPublish(t, s.api, "s19", `{"n":6}`)
	all[19].mustNumbers(t, 6, 6)
	if n := dials.Load(); n != 1 {
		t.Errorf("there were %d connections, want 1", n)
	}
}

// publishLoad publishes the events with these numbers, of 20 kB each.
func publishLoad(t *testing.T, s *server, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		mustPublish(t, s.api, "load", fmt.Sprintf(`{"pad":%q,"n":%d}`, strings.Repeat("x", 20_000), n))
	}
}

// A client that gives no leave to send is let go, and only its stream is.
func TestHTTP2StreamThatIsNotRead(t *testing.T) {
	t.Parallel()
	s := startServer(t, "write_timeout: 1s\nheartbeat: 1s")
	client := http2Client(smallWindow, nil)
	openStream(t, client, s, "load") // and is not read any more
	same := openStream(t, client, s, "load")
	other := mustConnect(t, s.api, onStream("load", ""))
	other.mustHub(t, "hello")
	const events = 100
	for n := 1; n <= events; n++ { // those who read must not stall because we don't
		publishLoad(t, s, n, n)
		same.mustNumbers(t, n, n)
		other.mustEvent(t)
	}
	eventually(t, 10*time.Second, "it is let go", func() bool {
		return s.metric("write_timeouts_total") == 1 && s.metric("subscribers") == 2
	})
	mustPublish(t, s.api, "load", fmt.Sprintf(`{"n":%d}`, events+1))
	same.mustNumbers(t, events+1, events+1)
	other.mustEvent(t)
}

// A connection that takes nothing is closed with all its streams.
func TestHTTP2ConnectionThatIsNotRead(t *testing.T) {
	t.Parallel()
	s := startServer(t, "write_timeout: 1s\nheartbeat: 1s")
	var stalled gated
	client := http2Client(largeWindow, func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		if stalled.Conn != nil {
			t.Error("there is more than one connection")
		}
		stalled.Conn, err = (&net.Dialer{Control: smallBuffers}).DialContext(ctx, network, address)
		stalled.closed = make(chan struct{})
		return &stalled, err
	})
	other := mustConnect(t, s.api, onStream("load", ""))
	other.mustHub(t, "hello")
	for range 5 {
		openStream(t, client, s, "load")
	}
	stalled.stop.Store(true)
	if !s.holds(stalled.LocalAddr()) {
		t.Fatal("the connection can't be found")
	}
	const events = 200
	for n := 1; n <= events; n++ {
		publishLoad(t, s, n, n)
		other.mustEvent(t)
	}
	eventually(t, 10*time.Second, "its subscribers are let go", func() bool { return s.metric("subscribers") == 1 })
	mustPublish(t, s.api, "load", `{"n":0}`)
	other.mustEvent(t)
	// At once if there was something left to write, or else when no PING is answered.
	eventually(t, 45*time.Second, "the connection is closed", func() bool { return !s.holds(stalled.LocalAddr()) })
}

// holds reports whether the server has the connection with a client's address
// open.
func (s *server) holds(client net.Addr) bool {
	s.t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		s.t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.api)
	if err != nil {
		s.t.Fatal(err)
	}
	local, err := strconv.Atoi(port)
	if err != nil {
		s.t.Fatal(err)
	}
	const loopback, established = "0100007F", "01"
	connection := fmt.Sprintf(" %s:%04X %s:%04X %s ", loopback, local, loopback, client.(*net.TCPAddr).Port, established)
	return strings.Contains(string(table), connection)
}

// gated is a connection that is not read any more once it is told to stop.
type gated struct {
	net.Conn
	stop   atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (g *gated) Read(p []byte) (int, error) {
	if g.stop.Load() {
		<-g.closed
		return 0, net.ErrClosed
	}
	return g.Conn.Read(p)
}

func (g *gated) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Conn.Close()
}
