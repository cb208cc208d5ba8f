//go:build linux

package e2e_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/streamgauge/streamgauge/internal/testenv"
	"github.com/streamgauge/streamgauge/sse"
)

// secureServer returns a server that speaks TLS and HTTP/3.
func secureServer(t *testing.T, settings string) *server {
	t.Helper()
	cert, key := testenv.Certificate(t, "a server", t.TempDir())
	return startServer(t, fmt.Sprintf("tls: {cert: %q, key: %q, http3: true}\n%s", cert, key, settings))
}

// secureClient speaks one version of HTTP over one connection.
func secureClient(t *testing.T, version int) *http.Client {
	t.Helper()
	trust := &tls.Config{InsecureSkipVerify: true}
	if version == 3 {
		transport := &http3.Transport{TLSClientConfig: trust, DisableCompression: true}
		t.Cleanup(func() { transport.Close() })
		return &http.Client{Transport: transport}
	}
	transport := &http.Transport{TLSClientConfig: trust, Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// streams follows a stream so many times and returns what waits until each has had the number,
// in order.
func streams(t *testing.T, s *server, client *http.Client, version, n int) (await func(number int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	decoders := make([]*sse.Decoder, n)
	for i := range n {
		r, err := http.NewRequestWithContext(ctx, "GET", "https://"+s.api+"/v1/streams/x/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if resp.ProtoMajor != version || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %s %s, want HTTP/%d", resp.Proto, resp.Status, version)
		}
		decoders[i] = sse.NewDecoder(resp.Body)
		if e, err := decoders[i].Next(); err != nil || e.Type != "hub.hello" {
			t.Fatalf("it begins with %v, %v", e, err)
		}
	}
	next := 1
	return func(number int) {
		t.Helper()
		var reading sync.WaitGroup
		for _, d := range decoders {
			reading.Go(func() {
				for want := next; want <= number; {
					e, err := d.Next()
					if err != nil {
						t.Errorf("before number %d: %v", want, err)
						return
					}
					if strings.HasPrefix(e.Type, "hub.") {
						continue
					}
					if got, _ := strconv.Atoi(string(e.Data)); got != want {
						t.Errorf("got %s, want %d", e.Data, want)
						return
					}
					want++
				}
			})
		}
		reading.Wait()
		next = number + 1
	}
}

// What holds over TCP holds over QUIC.
func TestHTTP3HasTheLimitsOfTCP(t *testing.T) {
	t.Parallel()
	s := secureServer(t, "limits: {connections: 3, body_timeout: 1s, idle_timeout: 1s}")
	open := func() error {
		resp, err := secureClient(t, 3).Get("https://" + s.api + "/v1/streams")
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for range 3 {
		if err := open(); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(); err == nil {
		t.Error("a connection beyond the limit is served")
	}
	eventually(t, 10*time.Second, "there is room once they are idle", func() bool { return open() == nil })

	client := secureClient(t, 3)
	big := `"` + strings.Repeat("x", 250_000) + `"`
	for range 30 {
		eventually(t, 10*time.Second, "an event is published", func() bool {
			resp, err := client.Post("https://"+s.api+"/v1/streams/big/events", "application/json", strings.NewReader(big))
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	}
	r, _ := http.NewRequest("GET", "https://"+s.api+"/v1/streams/big/events?last=30", nil)
	r.Header.Set("Accept", "application/json")
	stuck, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Body.Close()
	// The connection is in use meanwhile, so that it is not idle.
	began := time.Now()
	eventually(t, 10*time.Second, "the time of an answer is over", func() bool {
		if resp, err := client.Get("https://" + s.api + "/v1/streams"); err == nil {
			resp.Body.Close()
		}
		return time.Since(began) > 3*time.Second
	})
	if n, err := io.Copy(io.Discard, stuck.Body); err == nil {
		t.Errorf("an answer that nobody reads waits for its reader: %d bytes came", n)
	}
}

// HTTP/3 carries streams as the others do: in order, from a cursor, until they are let go.
func TestHTTP3CarriesStreams(t *testing.T) {
	t.Parallel()
	s := secureServer(t, "heartbeat: 1s\nwrite_timeout: 500ms")
	h2, h3 := secureClient(t, 2), secureClient(t, 3)
	resp, err := h2.Get("https://" + s.api + "/v1/streams")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if offered := resp.Header.Get("Alt-Svc"); !strings.Contains(offered, "h3=") {
		t.Errorf("browsers are not told of it: Alt-Svc is %q", offered)
	}
	publish := func(numbers ...int) {
		t.Helper()
		for _, n := range numbers {
			resp, err := h3.Post("https://"+s.api+"/v1/streams/x/events", "application/json", strings.NewReader(strconv.Itoa(n)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
		}
	}
	await := streams(t, s, h3, 3, 20)
	publish(1, 2, 3)
	await(3)
	publish(4)
	await(4)

	// One that is not read is let go, and the others don't notice.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", "https://"+s.api+"/v1/streams/big/events", nil)
	stuck, err := secureClient(t, 3).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Body.Close()
	big := `"` + strings.Repeat("x", 200_000) + `"`
	for range 40 {
		resp, err := h3.Post("https://"+s.api+"/v1/streams/big/events", "application/json", strings.NewReader(big))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	eventually(t, 10*time.Second, "it is let go", func() bool { return s.metric("write_timeouts_total") >= 1 })
	publish(5)
	await(5)
	if code := s.stop(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// What HTTP/3 costs the server, beside HTTP/2: CPU for each delivery.
func TestWhatHTTP3Costs(t *testing.T) {
	if os.Getenv("STREAMGAUGE_MEASURE") != "1" {
		t.Skip("left out because it measures; STREAMGAUGE_MEASURE=1 runs it")
	}
	const subscribers, events = 200, 500
	cost := map[int]time.Duration{}
	for _, version := range []int{2, 3, 2, 3} {
		s := secureServer(t, "")
		client := secureClient(t, version)
		await := streams(t, s, client, version, subscribers)
		before := cpu(t, s)
		done := make(chan struct{})
		go func() { defer close(done); await(events) }()
		for n := range events {
			resp, err := client.Post("https://"+s.api+"/v1/streams/x/events", "application/json", strings.NewReader(strconv.Itoa(n+1)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			<-time.After(5 * time.Millisecond)
		}
		<-done
		cost[version] += cpu(t, s) - before
		s.stop()
	}
	each := func(version int) time.Duration { return cost[version] / (2 * subscribers * events) }
	t.Logf("for each of %d deliveries: %v over HTTP/2, %v over HTTP/3: %.1f times", subscribers*events, each(2), each(3), float64(cost[3])/float64(cost[2]))
}

// cpu is what the server's process has used.
func cpu(t *testing.T, s *server) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return time.Duration(user+system) * 10 * time.Millisecond
}
