//go:build linux

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

type overloadSize struct {
	admitted int // as many again are refused
	time     time.Duration
}

const (
	overloadRate   = 100 // events per second that one may publish
	overloadBatch  = 20
	overloadMemory = 320 << 20 // with a GOMEMLIMIT of 256 MiB
	overloadAdmin  = "an-administrators-token"
)

// Publishers that push ten times what they may and twice as many subscribers as
// there is room for are refused so that they know when to come back, and the
// admitted lose nothing.
func TestOverloadShedsAndTheAdmittedLoseNothing(t *testing.T) {
	t.Parallel()
	full := overloadSize{200, 10 * time.Second}
	if text := os.Getenv("STREAMGAUGE_OVERLOAD"); text != "" { // such as 2m
		var err error
		full.admitted = 500
		if full.time, err = time.ParseDuration(text); err != nil {
			t.Fatalf("STREAMGAUGE_OVERLOAD: %v", err)
		}
	}
	sized(t, overloadSize{50, 3 * time.Second}, full, func(t *testing.T, size overloadSize) {
		s := newServer(t, fmt.Sprintf("heartbeat: 1s\nmax_age: 0s\nlimits: {publish_events_per_second: %d, batch_events: %d, subscribers: %d}",
			overloadRate, overloadBatch, size.admitted))
		s.env = []string{"STREAMGAUGE_AUTH_ADMIN_TOKEN=" + overloadAdmin, "GOMEMLIMIT=256MiB"}
		s.start()
		o := &overload{t: t, server: s, reader: s.token(`"read":["load.*"]`), pushing: make(chan struct{}), all: make(chan struct{})}
		for i := range 2 * size.admitted {
			o.viewing.Go(func() { o.view(i) })
		}
		var publishers []*pusher
		for i := range 2 {
			stream := fmt.Sprint("load.", i)
			p := &pusher{o, s.token(fmt.Sprintf(`"write":[%q]`, stream)), o.ledger.NewPublisher(i, stream)}
			publishers = append(publishers, p)
			o.publishing.Go(p.push)
		}
		<-time.After(size.time) // as long as the overload lasts
		eventually(t, 30*time.Second, "all kinds of clients were refused", func() bool {
			return o.shed.Load() > 0 && o.byes.Load() > 0 && o.unavailables.Load() > 0
		})
		close(o.pushing)
		o.publishing.Wait()
		over := time.Now()
		if n := s.metric("subscribers"); n != size.admitted {
			t.Errorf("there are %d subscribers, %d may be", n, size.admitted)
		}
		eventually(t, 10*time.Second, "publishing works again", func() bool { return publishers[0].publish() == http.StatusOK })
		for range 2 * overloadRate / overloadBatch { // two seconds at the rate that is allowed
			<-time.After(time.Second * overloadBatch / overloadRate)
			if status := publishers[0].publish(); status != http.StatusOK {
				t.Errorf("what may be published is answered %d after the overload", status)
			}
		}
		close(o.all)
		o.viewing.Wait()
		eventually(t, time.Until(over.Add(10*time.Second)), "subscribers are admitted again", func() bool {
			c, err := connect(s.api, on("stream=load.*").with(o.reader).as(ndjson), nil)
			if err != nil {
				return false
			}
			defer c.Close()
			m, err := c.next()
			return err == nil && m.hub == "hello"
		})
		o.finish()
	})
}

type overload struct {
	t       *testing.T
	server  *server
	reader  string // a token
	ledger  check.Ledger
	pushing chan struct{} // closed when to push no more
	all     chan struct{} // closed when everything is published

	publishing, viewing      sync.WaitGroup
	shed, byes, unavailables atomic.Int64

	mu     sync.Mutex // protects following
	report check.Report
	viewed int
}

// view tries to follow until it may, or the overload is over.
func (o *overload) view(i int) {
	r := on("stream=load.*").with(o.reader).as([]form{envelopes, ndjson}[i%2])
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := connect(o.server.api, r, nil)
		if err == nil {
			admitted := o.follow(c, i)
			c.Close()
			if admitted {
				return
			}
		} else if !o.unavailable(err) {
			o.t.Errorf("a subscriber gets neither an answer nor a refusal: %v", err)
			return
		}
		select {
		case <-o.pushing:
			return
		case <-again.C:
		}
	}
}

// unavailable reports whether a client of the API was told when to come back.
func (o *overload) unavailable(err error) bool {
	var refused *refusal
	if !errors.As(err, &refused) || refused.status != http.StatusServiceUnavailable || refused.request.form != ndjson {
		return false
	}
	o.unavailables.Add(1)
	return comeBack(refused.header)
}

// comeBack reports whether the headers say when.
func comeBack(h http.Header) bool {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	return err == nil && seconds > 0
}

// follow follows until everything has come, and reports whether it was admitted.
func (o *overload) follow(c *connection, i int) bool {
	selection, err := streamgauge.NewSelection("load.*")
	if err != nil {
		o.t.Error(err)
		return true
	}
	s := check.NewSubscriber(fmt.Sprint("subscriber ", i), selection)
	_ = c.SetReadDeadline(time.Time{}) // heartbeats come as long as there is a server
	for first := true; ; first = false {
		m, err := c.next()
		if err != nil {
			o.t.Errorf("an admitted subscriber was cut: %v", err)
			return true
		}
		if first && m.hub == "bye" {
			o.bye(c, m)
			return false
		}
		if err := c.tell(s, m); err != nil {
			o.t.Error(err)
		}
		if first {
			s.Live(&o.ledger)
		}
		select {
		case <-o.all:
			if s.CaughtUp(&o.ledger) {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.report.Merge(s.Finish(&o.ledger))
				o.viewed++
				return true
			}
		default:
		}
	}
}

// bye is what an EventSource is told, which gives up for good on a 503.
func (o *overload) bye(c *connection, m message) {
	o.byes.Add(1)
	var bye struct {
		Reason string `json:"reason"`
		Retry  int    `json:"retry_ms"`
	}
	if err := json.Unmarshal(m.data, &bye); err != nil || bye.Reason != "overload" || bye.Retry <= 0 || c.request.form == ndjson {
		o.t.Errorf("a subscriber beyond the limit is told %s, %v", m.data, err)
	}
	if retry, ok := c.decoder.Retry(); !ok || retry <= 0 {
		o.t.Error("an EventSource beyond the limit is not told when to come back")
	}
}

func (o *overload) finish() {
	o.t.Helper()
	if err := o.report.Err(); err != nil || o.report.Gaps > 0 {
		o.t.Errorf("the admitted: %d gaps, %v", o.report.Gaps, err)
	}
	peak := o.server.memory("VmHWM")
	if peak > overloadMemory {
		o.t.Errorf("the server took %d MiB, at most %d are allowed", peak>>20, overloadMemory>>20)
	}
	o.t.Logf("%d deliveries of %d events to %d admitted; %d publishes, %d EventSources and %d clients of the API were refused; %d MiB",
		o.report.Events, o.ledger.Acked(), o.viewed, o.shed.Load(), o.byes.Load(), o.unavailables.Load(), peak>>20)
}

// pusher publishes with a token of its own.
type pusher struct {
	*overload
	token string
	load  *check.Publisher
}

// push publishes ten times what it may.
func (p *pusher) push() {
	tick := time.NewTicker(time.Second * overloadBatch / (10 * overloadRate))
	defer tick.Stop()
	for {
		select {
		case <-p.pushing:
			return
		case <-tick.C:
			p.publish()
		}
	}
}

// publish publishes a batch and returns the answer's status.
func (p *pusher) publish() int {
	var body []byte
	for range overloadBatch {
		body = append(p.load.Append(body, 0, 500), '\n')
	}
	resp, err := p.server.ask("POST", "/v1/streams/"+p.load.Stream()+"/events", p.token, "application/x-ndjson", string(body))
	switch {
	case err != nil:
		p.t.Errorf("publish: %v", err)
		p.load.Unknown(overloadBatch)
		return 0
	case resp.StatusCode == http.StatusOK:
		p.load.Acked(overloadBatch)
		return resp.StatusCode
	case resp.StatusCode != http.StatusTooManyRequests || !comeBack(resp.Header):
		p.t.Errorf("a publish beyond the rate is answered %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	p.shed.Add(1)
	p.load.Refused(overloadBatch)
	return resp.StatusCode
}

// token returns a new token with these rights, in JSON.
func (s *server) token(rights string) string {
	s.t.Helper()
	resp, err := s.ask("POST", "/v1/tokens", overloadAdmin, "application/json", `{"name":"test",`+rights+`}`)
	if err != nil || resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("no token was made: %v, %v", resp, err)
	}
	var made struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		s.t.Fatal(err)
	}
	return made.Token
}

// ask sends a request with a token and reads the answer, whose body is then in memory.
func (s *server) ask(method, path, token, contentType, body string) (*http.Response, error) {
	req, err := http.NewRequest(method, "http://"+s.api+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	resp, err := publishClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(answer)))
	return resp, err
}
