//go:build linux

package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
	"github.com/streamgauge/streamgauge/internal/testenv"
)

// proxies are as Debian installs them: what their configurations here leave out
// has its default, and what they have is where things are, and those of HAProxy's
// timeouts without which it warns, as in Debian's own file.
var proxies = []struct {
	tool, path string
	flags      []string
	config     string // with DIR, LISTEN and UPSTREAM
}{
	{"nginx", "/usr/sbin/nginx", []string{"-e", "stderr", "-g", "daemon off;", "-c"}, `
pid DIR/nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	server {
		listen LISTEN;
		location / { proxy_pass http://UPSTREAM; }
	}
}
`},
	{"haproxy", "/usr/sbin/haproxy", []string{"-db", "-f"}, `
defaults
	mode http
	timeout connect 5000
	timeout client 50000
	timeout server 50000
frontend all
	bind LISTEN
	default_backend hub
backend hub
	server hub UPSTREAM
`},
}

var tempPaths = regexp.MustCompile(`\t\w+_temp_path .*\n`)

// behindProxies runs a test behind each proxy that there is.
func behindProxies(t *testing.T, settings string, test func(t *testing.T, b *behind)) {
	for _, p := range proxies {
		t.Run(p.tool, func(t *testing.T) {
			if _, err := exec.LookPath(p.path); err != nil {
				if required(p.tool) {
					t.Fatalf("STREAMGAUGE_REQUIRE names %s: %v", p.tool, err)
				}
				t.Skipf("left out because there is no %s; install Debian's package %s", p.path, p.tool)
			}
			b := &behind{t: t, server: startServer(t, settings)}
			b.proxy = &server{t: t, dir: t.TempDir(), api: testenv.FreeAddress(t)}
			if os.Getuid() == 0 { // then it has folders of its own
				p.config = tempPaths.ReplaceAllString(p.config, "")
			}
			config := strings.NewReplacer("DIR", b.proxy.dir, "LISTEN", b.proxy.api, "UPSTREAM", b.server.api).Replace(p.config)
			path := filepath.Join(b.proxy.dir, p.tool+".conf")
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			b.proxy.command = append(append([]string{p.path}, p.flags...), path)
			b.startProxy()
			b.publisher = b.ledger.NewPublisher(0, "proxied")
			test(t, b)
		})
	}
}

// behind is a server and the proxy before it.
type behind struct {
	t             *testing.T
	server, proxy *server
	ledger        check.Ledger
	publisher     *check.Publisher
	viewers       []*viewer
}

// A viewer is a subscriber by way of the proxy.
type viewer struct {
	request request
	conn    *connection
	check   *check.Subscriber
}

func (b *behind) startProxy() {
	b.t.Helper()
	b.proxy.launch()
	// Killing nginx would leave its workers behind.
	b.t.Cleanup(func() { b.stopProxy() })
	eventually(b.t, 10*time.Second, "the proxy listens", func() bool {
		conn, err := net.Dial("tcp", b.proxy.api)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (b *behind) stopProxy() {
	select {
	case <-b.proxy.exited:
	default:
		b.proxy.stop()
	}
}

// connect has every viewer connect, or resume. It returns the longest time
// until the first event.
func (b *behind) connect() (slowest time.Duration) {
	b.t.Helper()
	if b.viewers == nil {
		selection, err := streamgauge.NewSelection("proxied")
		if err != nil {
			b.t.Fatal(err)
		}
		for i, r := range []request{onStream("proxied", ""), on("stream=proxied"), on("stream=proxied").as(ndjson)} {
			b.viewers = append(b.viewers, &viewer{request: r, check: check.NewSubscriber(fmt.Sprint("viewer ", i), selection)})
		}
	}
	for _, v := range b.viewers {
		began := time.Now()
		v.conn = mustConnect(b.t, b.proxy.api, v.request.after(v.check.Cursor()))
		v.check.Connected()
		v.read(b.t)
		slowest = max(slowest, time.Since(began))
	}
	return slowest
}

// read reads one message.
func (v *viewer) read(t *testing.T) message {
	t.Helper()
	m := v.conn.mustNext(t)
	if err := v.conn.tell(v.check, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// publish publishes one event of a size, by way of the proxy or past it.
func (b *behind) publish(address string, size int) {
	b.t.Helper()
	mustPublish(b.t, address, "proxied", string(b.publisher.Append(nil, 0, size)))
	b.publisher.Acked(1)
}

// deliver has the viewers read until they have everything, within 5 s.
func (b *behind) deliver() {
	b.t.Helper()
	for _, v := range b.viewers {
		_ = v.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		for !v.check.CaughtUp(&b.ledger) {
			v.read(b.t)
		}
	}
}

func (b *behind) finish() {
	b.t.Helper()
	for _, v := range b.viewers {
		if err := v.check.Finish(&b.ledger).Err(); err != nil {
			b.t.Error(err)
		}
	}
}

// The first event comes at once, every event before the next is published, and
// resuming works when the proxy or the server comes back.
func TestBehindProxies(t *testing.T) {
	behindProxies(t, "heartbeat: 2s", func(t *testing.T, b *behind) {
		slowest := b.connect()
		t.Logf("first event after %v at most", slowest.Round(time.Millisecond))
		if slowest > time.Second {
			t.Errorf("the first event came after %v, want 1 s at most", slowest)
		}
		var delays []time.Duration
		for n := range 40 {
			size := 0
			if n%10 == 9 {
				size = 100_000
			}
			b.publish([]string{b.server.api, b.proxy.api}[n%2], size)
			began := time.Now()
			b.deliver()
			delays = append(delays, time.Since(began))
		}
		// HAProxy holds what it is sent in chunks back for 200 ms, since there
		// may be more of the chunk.
		slices.Sort(delays)
		median := delays[len(delays)/2]
		t.Logf("events had come %v after they were acknowledged (median)", median.Round(time.Millisecond))
		if median > 100*time.Millisecond {
			t.Errorf("the median of the events came %v after it was acknowledged: something holds them back", median)
		}

		b.stopProxy()
		for range 10 {
			b.publish(b.server.api, 0)
		}
		publishClient.CloseIdleConnections()
		b.startProxy()
		b.connect()
		b.deliver()

		b.server.kill()
		away, err := http.Get("http://" + b.proxy.api + "/v1/events?stream=proxied")
		if err != nil {
			t.Fatal(err)
		}
		away.Body.Close()
		if away.StatusCode != http.StatusBadGateway && away.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("while the server is away the proxy says %s", away.Status)
		}
		b.server.start()
		for range 10 {
			b.publish(b.server.api, 0)
		}
		b.connect()
		b.deliver()
		b.finish()
	})
}

// Two minutes without an event cut nothing: heartbeats are enough.
func TestSilenceBehindProxies(t *testing.T) {
	t.Parallel()
	sized(t, 0, 2*time.Minute, func(t *testing.T, silence time.Duration) {
		if silence == 0 {
			t.Skip("there is no short form of two minutes")
		}
		behindProxies(t, "", func(t *testing.T, b *behind) {
			t.Parallel()
			b.connect()
			var reading sync.WaitGroup
			for i, v := range b.viewers {
				_ = v.conn.SetReadDeadline(time.Now().Add(silence + 30*time.Second))
				reading.Go(func() {
					beats := 0
					for end := time.Now().Add(silence); time.Now().Before(end); beats++ {
						m, err := v.conn.next()
						if err != nil {
							t.Errorf("viewer %d was cut after %d heartbeats: %v", i, beats, err)
							return
						}
						if m.hub != "heartbeat" {
							t.Errorf("viewer %d got %+v", i, m)
						}
					}
					t.Logf("viewer %d got %d heartbeats", i, beats)
				})
			}
			reading.Wait()
			if t.Failed() {
				return
			}
			b.publish(b.proxy.api, 0)
			b.deliver()
			b.finish()
		})
	})
}
