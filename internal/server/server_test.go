package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

// running is a server that Run runs, on free ports.
type running struct {
	url  string
	log  *lockedBuffer
	stop context.CancelFunc
	done chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var adminAddress = regexp.MustCompile(`admin=(http://\S+)`)

func start(t *testing.T, change func(*config.Config)) *running {
	t.Helper()
	c := config.Default()
	c.Listen, c.Admin, c.Log, c.Sources = "127.0.0.1:0", "127.0.0.1:0", "memory", config.Sources{}
	c.Limits.DrainTimeout = 5 * time.Second
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	r := &running{log: &lockedBuffer{}, stop: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- server.Run(ctx, server.Options{Config: &c, Version: "test", Stdout: in, Stderr: r.log})
		_ = in.CloseWithError(errors.New("the server has ended: " + r.log.String()))
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var ok bool
	if r.url, ok = strings.CutPrefix(strings.TrimSpace(line), "Streamgauge is at "); !ok {
		t.Fatalf("got %q", line)
	}
	t.Cleanup(func() { r.wait(t) })
	return r
}

// wait stops the server and waits for its end, once.
func (r *running) wait(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case err, ok := <-r.done:
		if ok && err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
	select {
	case <-r.done:
	default:
		close(r.done)
	}
}

func (r *running) adminURL(t *testing.T) string {
	t.Helper()
	var url string
	eventually(t, "the log names the admin listener", func() bool {
		m := adminAddress.FindStringSubmatch(r.log.String())
		if m != nil {
			url = m[1]
		}
		return m != nil
	})
	return url
}

// eventually waits for the condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (r *running) publish(t *testing.T, client *http.Client, stream, body string) {
	t.Helper()
	resp, err := client.Post(r.url+"/v1/streams/"+stream+"/events", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d %v: %s", resp.StatusCode, err, text)
	}
}

// follow subscribes and returns the lines as they come.
func (r *running) follow(t *testing.T, client *http.Client, path string) *bufio.Scanner {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d", resp.StatusCode)
	}
	return bufio.NewScanner(resp.Body)
}

func untilLine(t *testing.T, s *bufio.Scanner, want string) {
	t.Helper()
	for s.Scan() {
		if strings.Contains(s.Text(), want) {
			return
		}
	}
	t.Fatalf("the stream ended without %q: %v", want, s.Err())
}

func h2c(t *testing.T) *http.Client {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func h1(t *testing.T) *http.Client {
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Through the whole chain, with every middleware: what is written is flushed.
func TestAnEventGoesInAndComesOutAtOnce(t *testing.T) {
	for name, client := range map[string]*http.Client{"HTTP/1.1": h1(t), "HTTP/2 in cleartext": h2c(t)} {
		t.Run(name, func(t *testing.T) {
			r := start(t, func(c *config.Config) { c.CORS.Origins = []string{"https://a.example.com"} })
			s := r.follow(t, client, "/v1/streams/a/events")
			untilLine(t, s, "hub.hello")
			for i := range 3 {
				r.publish(t, client, "a", fmt.Sprint(i))
				untilLine(t, s, fmt.Sprintf("data: %d", i))
			}
		})
	}
}

func TestDrainingSaysGoodbyeAndLetsRequestsEnd(t *testing.T) {
	r := start(t, nil)
	client := h1(t)
	s := r.follow(t, client, "/v1/events?stream=%3E")
	untilLine(t, s, "hub.hello")
	idle, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")) // as a browser does
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	body, write := io.Pipe()
	answer := make(chan error, 1)
	go func() {
		req, err := http.NewRequest("POST", r.url+"/v1/streams/a/events", body)
		if err != nil {
			answer <- err
			return
		}
		req.Header.Set("Expect", "100-continue") // the body is sent once the handler reads it
		resp, err := client.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err == nil && resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("got %d", resp.StatusCode)
			}
		}
		answer <- err
	}()
	if _, err := io.WriteString(write, `{"half":`); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	r.stop()
	untilLine(t, s, `"reason":"drain"`)
	for s.Scan() {
	}
	if _, err := io.WriteString(write, `1}`); err != nil {
		t.Error(err)
	}
	_ = write.Close()
	if err := <-answer; err != nil {
		t.Errorf("the request that was under way: %v", err)
	}
	r.wait(t)
	if d := time.Since(begin); d > 4*time.Second {
		t.Errorf("draining took %v", d)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")); err == nil {
		t.Error("the port is still open")
	}
}

func TestDrainingIsBounded(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Limits.DrainTimeout = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/streams/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n1")
	client := h1(t)
	r.publish(t, client, "b", "1") // the server has seen the other one by now, or never will
	r.wait(t)
}

func TestATakenPortIsSaidWithAHint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for setting, set := range map[string]func(*config.Config){
		"listen": func(c *config.Config) { c.Listen, c.Admin = l.Addr().String(), "127.0.0.1:0" },
		"admin":  func(c *config.Config) { c.Listen, c.Admin = "127.0.0.1:0", l.Addr().String() },
	} {
		c := config.Default()
		c.Log = "memory"
		set(&c)
		err := server.Run(t.Context(), server.Options{Config: &c, Stdout: io.Discard, Stderr: io.Discard})
		var hint *server.HintError
		if !errors.As(err, &hint) || !strings.Contains(err.Error(), setting+": "+l.Addr().String()+" is taken") || !strings.Contains(hint.Hint, "--"+setting) {
			t.Errorf("%s: got %v", setting, err)
		}
	}
}

// metric returns a figure of the admin listener.
func metric(t *testing.T, admin, name string) float64 {
	t.Helper()
	response, err := http.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^streamgauge_` + name + ` (.*)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("there is no %s in %s", name, text)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheAdminListenerTellsTheTruth(t *testing.T) {
	r := start(t, nil)
	admin := r.adminURL(t)
	client := h1(t)
	r.publish(t, client, "a", "[1,2]")
	get := func(path string) string {
		t.Helper()
		resp, err := client.Get(admin + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d %v: %s", path, resp.StatusCode, err, text)
		}
		return string(text)
	}
	if got := get("/healthz"); got != "ok\n" {
		t.Errorf("got %q", got)
	}
	if got := get("/readyz"); got != "ready\n" {
		t.Errorf("got %q", got)
	}
	metrics := get("/metrics")
	for _, want := range []string{"\nstreamgauge_events_in_total 2\n", "\nstreamgauge_streams 1\n", "\nstreamgauge_log_bytes 2\n", `version="test"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%q is not in\n%s", want, metrics)
		}
	}
	metricLine := regexp.MustCompile(`^(# (HELP|TYPE) streamgauge_\w+ .+|streamgauge_\w+(\{.*\})? [0-9.]+)$`)
	for line := range strings.SplitSeq(strings.TrimSuffix(metrics, "\n"), "\n") {
		if !metricLine.MatchString(line) {
			t.Errorf("%q is no metric", line)
		}
	}
	if got := get("/debug/pprof/goroutine?debug=1"); !strings.Contains(got, "goroutine profile") {
		t.Errorf("got %.100q", got)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/readyz"} { // and only there
		resp, err := client.Get(r.url + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(text) == "ready\n" || strings.Contains(string(text), "# HELP") || strings.Contains(string(text), "goroutine") {
			t.Errorf("%s is on the public listener too: %s", path, text)
		}
	}
}

func TestTheSourcesPublish(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.Sources = config.Sources{Host: &config.Every{Every: 100 * time.Millisecond}, Self: &config.Every{Every: 100 * time.Millisecond}}
	})
	s := r.follow(t, h1(t), "/v1/events?stream=%3E&last=100")
	want := map[string]bool{"host.cpu": true, "hub.stats": true, "hub.log": true}
	for len(want) > 0 && s.Scan() {
		for stream := range want {
			if strings.Contains(s.Text(), `"stream":"`+stream+`"`) {
				delete(want, stream)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("%v did not come: %v", want, s.Err())
	}
}

func TestListeningToEverybodyIsWarnedAbout(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Listen, c.InsecureOpen = ":0", true })
	if !strings.HasPrefix(r.url, "http://localhost:") {
		t.Errorf("got %s", r.url)
	}
	eventually(t, "a warning", func() bool { return strings.Contains(r.log.String(), "without authentication") })
	if s := start(t, nil); strings.Contains(s.log.String(), "without authentication") {
		t.Error("a warning about loopback")
	}
}
