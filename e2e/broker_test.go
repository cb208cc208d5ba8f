//go:build linux

package e2e_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/redistest"
)

// brokers start what instances may share a log in, until the test ends. They return the
// setting of that log.
var brokers = map[string]func(*testing.T) (setting string, process *os.Process){
	"redis": func(t *testing.T) (string, *os.Process) {
		s := redistest.Start(t, "--save", "")
		return "log: " + s.URL("e2e") + "\n", s.Process
	},
	"nats": func(t *testing.T) (string, *os.Process) {
		s := natstest.Start(t)
		return "log: " + s.URL("e2e") + "\n", s.Process
	},
}

// While the broker hangs, everybody is told so and nobody is sent away; then all goes on.
func TestWhileTheBrokerHangs(t *testing.T) {
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setting, process := start(t)
			hang(t, startServer(t, "heartbeat: 1s\n"+setting), process)
		})
	}
}

func hang(t *testing.T, s *server, broker *os.Process) {
	mustPublish(t, s.api, "x", numbers(1, 3)...)
	c := mustConnect(t, s.api, onStream("x", "?last=3"))
	c.mustHub(t, "hello")
	for range 3 {
		c.mustEvent(t)
	}
	signal := func(what syscall.Signal) {
		if err := broker.Signal(what); err != nil {
			t.Fatal(err)
		}
	}
	ready := func() bool {
		resp, err := adminClient.Get("http://" + s.admin + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT)
	eventually(t, 10*time.Second, "it is not ready", func() bool { return !ready() })
	eventually(t, 5*time.Second, "heartbeats say so", func() bool {
		_, data := c.mustHub(t, "heartbeat")
		return data["state"] == "degraded"
	})
	resp, err := http.Post("http://"+s.api+"/v1/streams/x/events", "application/json", strings.NewReader("4"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a publish meanwhile: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	// Who comes gets what is known here.
	late := mustConnect(t, s.api, onStream("x", "?last=3"))
	late.mustHub(t, "hello")
	for range 3 {
		late.mustEvent(t)
	}
	signal(syscall.SIGCONT)
	eventually(t, 10*time.Second, "it is ready again", ready)
	mustPublish(t, s.api, "x", `"last"`)
	for _, conn := range []*connection{c, late} {
		// Whether the refused one was stored nobody knew.
		for m := conn.mustEvent(t); string(m.data) != `"last"`; m = conn.mustEvent(t) {
			if string(m.data) != "4" {
				t.Fatalf("there came %s", m.data)
			}
		}
	}
}
