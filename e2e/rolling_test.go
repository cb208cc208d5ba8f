//go:build linux

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
	"github.com/streamgauge/streamgauge/internal/testenv"
)

// balancer returns the configuration in deploy/ of a proxy before two instances, with
// their addresses in it.
func balancer(t *testing.T, tool, dir, listen string, servers [2]*server) string {
	t.Helper()
	name := map[string]string{"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[tool]
	text, err := os.ReadFile(filepath.Join("..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	put := func(what, with string) {
		if !strings.Contains(config, what) {
			t.Fatalf("%s has no %q", name, what)
		}
		config = strings.ReplaceAll(config, what, with)
	}
	for i, host := range []string{"one", "two"} {
		if tool == "haproxy" {
			_, port, _ := net.SplitHostPort(servers[i].admin)
			put(host+":7070 port 7071", servers[i].api+" port "+port)
			put(host+":7070", servers[i].api)
		} else {
			put(host+":7070", servers[i].api)
		}
	}
	if tool == "haproxy" {
		put("bind :7070", "bind "+listen)
		return config
	}
	put("listen 7070", "listen "+listen)
	paths := ""
	if os.Getuid() != 0 {
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			paths += kind + "_temp_path " + dir + "/" + kind + ";\n"
		}
	}
	return "pid " + dir + "/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n" + paths + config + "}\n"
}

type rollingSize struct{ restarts, watchers int }

// A new version is rolled out under load, one instance after the other, again and again.
func TestRollingRestartsLoseNothing(t *testing.T) {
	for _, p := range proxies {
		for broker, start := range brokers {
			t.Run(p.tool+"/"+broker, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(p.path); err != nil {
					if required(p.tool) {
						t.Fatalf("STREAMGAUGE_REQUIRE names %s: %v", p.tool, err)
					}
					t.Skipf("left out because there is no %s", p.path)
				}
				if broker == "nats" && p.tool == "nginx" && !inFull() {
					t.Skip("left out because the other three show it; STREAMGAUGE_E2E=1 runs it")
				}
				sized(t, rollingSize{2, 20}, rollingSize{20, 50}, func(t *testing.T, size rollingSize) {
					setting, _ := start(t)
					roll(t, size, setting, p.tool, p.path, p.flags)
				})
			})
		}
	}
}

func roll(t *testing.T, size rollingSize, setting, tool, path string, flags []string) {
	// The checks of deploy/haproxy.cfg take a second to notice.
	settings := killSettings + setting
	w := &rollingWorld{t: t, stop: make(chan struct{})}
	w.servers[0], w.servers[1] = startServer(t, settings), startServer(t, settings)

	proxy := &server{t: t, dir: t.TempDir(), api: testenv.FreeAddress(t)}
	config := balancer(t, tool, proxy.dir, proxy.api, w.servers)
	file := filepath.Join(proxy.dir, tool+".conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy.command = append(append([]string{path}, flags...), file)
	b := &behind{t: t, proxy: proxy}
	b.startProxy()
	w.address = proxy.api
	w.run(size)
}

type rollingWorld struct {
	t       *testing.T
	servers [2]*server
	address string
	ledger  check.Ledger
	stop    chan struct{} // closed when to stop

	published, retried, failed atomic.Uint64
}

func (w *rollingWorld) run(size rollingSize) {
	selection, err := streamgauge.NewSelection("roll.>")
	if err != nil {
		w.t.Fatal(err)
	}
	var publishers, watchers sync.WaitGroup
	done := make(chan struct{})
	checks := make([]*check.Subscriber, size.watchers)
	var ready sync.WaitGroup
	for i := range checks {
		checks[i] = check.NewSubscriber(fmt.Sprint("watcher ", i), selection)
		ready.Add(1)
		watchers.Go(func() { w.watch(checks[i], done, ready.Done) })
	}
	ready.Wait()
	for i := range 4 {
		publishers.Go(func() { w.publish(i) })
	}
	for i := range size.restarts {
		<-time.After(time.Second)
		s := w.servers[i%2]
		if code := s.stop(); code != 0 {
			w.t.Errorf("an instance ended with %d", code)
		}
		s.start()
		<-time.After(1500 * time.Millisecond) // as a rollout does: until the proxy has it again
	}
	close(w.stop)
	publishers.Wait()
	close(done)
	watchers.Wait()
	var total check.Report
	for _, c := range checks {
		total.Merge(c.Finish(&w.ledger))
	}
	if err := total.Err(); err != nil {
		w.t.Errorf("guarantees are broken:\n%v", err)
	}
	if total.Gaps > 0 || w.failed.Load() > 0 {
		w.t.Errorf("%d gaps, %d publishes failed twice", total.Gaps, w.failed.Load())
	}
	w.t.Logf("%d restarts: %d batches published, %d of them at the second try; %d deliveries to %d subscribers",
		size.restarts, w.published.Load(), w.retried.Load(), total.Events, size.watchers)
}

// publish publishes batches, each of which has to be taken at the second try at the latest.
func (w *rollingWorld) publish(id int) {
	p := w.ledger.NewPublisher(id, fmt.Sprint("roll.s", id))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for batch := 0; ; batch++ {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		n := 1 + rand.IntN(5)
		var body []byte
		for range n {
			body = append(p.Append(body, 0, 100), '\n')
		}
		key := fmt.Sprintf("%d-%d", id, batch)
		path := "/v1/streams/" + p.Stream() + "/events"
		var said []string
		for try := range 3 {
			r, err := publish(w.address, path, "application/x-ndjson", string(body), key)
			if err == nil && r.status == http.StatusOK {
				w.published.Add(1)
				p.Acked(n)
				said = nil
				break
			}
			said = append(said, fmt.Sprint(r.status, " ", r.Detail, " ", err))
			if try == 0 {
				w.retried.Add(1)
			} else {
				w.failed.Add(1)
			}
			<-time.After(50 * time.Millisecond)
		}
		if said != nil {
			w.t.Errorf("a batch was not taken: %q", said)
			p.Unknown(n)
		}
	}
}

// watch follows until all is published and everything has come.
func (w *rollingWorld) watch(c *check.Subscriber, done <-chan struct{}, ready func()) {
	caughtUp := func() bool {
		select {
		case <-done:
			return c.CaughtUp(&w.ledger)
		default:
			return false
		}
	}
	for end := time.Now().Add(5 * time.Minute); !caughtUp(); {
		if time.Now().After(end) {
			w.t.Error("not everything has come")
			return
		}
		conn, err := connect(w.address, on("stream=roll.>").after(c.Cursor()), nil)
		if err != nil {
			<-time.After(20 * time.Millisecond)
			continue
		}
		c.Connected()
		for !caughtUp() { // a heartbeat comes each second
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			m, err := conn.next()
			if err != nil {
				break
			}
			if err := conn.tell(c, m); err != nil {
				w.t.Error(err)
				break
			}
			if ready != nil {
				ready()
				ready = nil
			}
		}
		conn.Close()
	}
}
