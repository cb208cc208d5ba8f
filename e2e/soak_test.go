//go:build linux

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

const (
	soakRate  = 20 // batches per second
	soakBatch = 2
	soakBytes = 300  // of an event's data
	soakFlat  = 0.02 // of memory, over the run

	soakTrimmed = 2_200_000 // twice what the log remembers of what it has trimmed
	soakNewest  = 100_000   // three times what it has in memory
)

// Viewers come and go for as long as STREAMGAUGE_SOAK says, such as 30m, in every way in which
// connections end. Nobody loses anything, and the server's resident memory stays where it is, once
// the log remembers the last million of events that it has trimmed. (What is in a segment of the file
// log is remembered too, until the segment is full; so not too much is published.)
func TestMemoryStaysFlatWhileViewersComeAndGo(t *testing.T) {
	text := os.Getenv("STREAMGAUGE_SOAK")
	if text == "" {
		t.Skip("left out because it takes long; STREAMGAUGE_SOAK=30m runs it")
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("STREAMGAUGE_SOAK: %v", err)
	}
	s := startServer(t, "heartbeat: 5s\nmax_age: 1m\nstreams: [{match: 'soak.>', keep: {events: 5000, bytes: 16MiB}}, {match: '>', keep: {events: 200}}]")
	k := &soak{t: t, server: s, over: make(chan struct{}), all: make(chan struct{})}
	for i := range 4 {
		k.streams = append(k.streams, k.ledger.NewPublisher(i, fmt.Sprint("soak.", i)))
	}
	k.fill()
	var publishing, viewing sync.WaitGroup
	publishing.Go(k.publish)
	for i := range 300 {
		viewing.Go(func() { k.view(i) })
	}
	var memory []int
	sample := time.NewTicker(max(length/200, 100*time.Millisecond))
	defer sample.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); <-sample.C {
		memory = append(memory, s.resident())
	}
	close(k.over)
	publishing.Wait()
	close(k.all)
	viewing.Wait()
	if err := k.report.Err(); err != nil {
		t.Error(err)
	}
	t.Logf("%d events were received on %d connections", k.report.Events, k.connections)
	// Until retention and the garbage collector have come to rest, there is less.
	memory = memory[len(memory)/4:]
	third := len(memory) / 3
	first, last := median(memory[:third]), median(memory[len(memory)-third:])
	growth := float64(last-first) / float64(first)
	t.Logf("resident memory: %.1f MB, at the end %.1f MB: %+.1f %%", float64(first)/1e6, float64(last)/1e6, 100*growth)
	if growth > soakFlat && length >= 10*time.Minute {
		t.Errorf("memory has grown by %.1f %%, want at most %.0f %%", 100*growth, 100*soakFlat)
	}
	eventually(t, 20*time.Second, "nobody is left", func() bool { return s.metric("subscribers") == 0 && s.metric("feeds") == 0 })
}

func median(values []int) int {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

type soak struct {
	t       *testing.T
	server  *server
	ledger  check.Ledger
	streams []*check.Publisher
	over    chan struct{} // closed when to publish no more
	all     chan struct{} // closed when everything is published

	mu          sync.Mutex // protects following
	report      check.Report
	connections int
}

func (k *soak) publish() {
	tick := time.NewTicker(time.Second / soakRate)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-k.over:
			return
		case <-tick.C:
		}
		stream := k.streams[i%len(k.streams)]
		var body []byte
		for range soakBatch {
			body = append(stream.Append(body, 0, soakBytes), '\n')
		}
		resp, err := k.server.ask("POST", "/v1/streams/"+stream.Stream()+"/events", "", "application/x-ndjson", string(body))
		if err != nil || resp.StatusCode != 200 {
			k.t.Errorf("publish: %v, %v", resp, err)
			stream.Unknown(soakBatch)
			continue
		}
		stream.Acked(soakBatch)
	}
}

// fill has the log remember as much as it ever does, of the streams that will be followed, and of
// the newest events as many in batches like those that come.
func (k *soak) fill() {
	event := fmt.Sprintf("{\"data\":%q}\n", strings.Repeat("x", soakBytes))
	publish := func(events, batch int) {
		body := strings.Repeat(event, batch)
		for i := range events / batch {
			path := "/v1/streams/" + k.streams[i%len(k.streams)].Stream() + "/events"
			if resp, err := k.server.ask("POST", path, "", "application/x-ndjson", body); err != nil || resp.StatusCode != 200 {
				k.t.Fatalf("publish: %v, %v", resp, err)
			}
		}
	}
	publish(soakTrimmed, 1000)
	publish(soakNewest, soakBatch)
}

// view follows, ends, and comes back where it was, until everything has come.
func (k *soak) view(i int) {
	rng := rand.New(rand.NewPCG(uint64(i), 0))
	selector := []string{"soak.*", fmt.Sprint("soak.", i%4)}[i%2]
	selection, err := streamgauge.NewSelection(selector)
	if err != nil {
		k.t.Error(err)
		return
	}
	s := check.NewSubscriber(fmt.Sprint("viewer ", i), selection)
	request := on("stream=" + selector).as([]form{envelopes, ndjson}[i/2%2])
	for n := 0; ; n++ {
		if k.follow(s, request, n == 0, time.Duration(1+rng.IntN(20))*time.Second, rng.IntN(3)) {
			break
		}
		request = request.after(s.Cursor())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report.Merge(s.Finish(&k.ledger))
}

// follow reads one connection for a while and then ends it in one of the ways. It reports whether
// everything has come.
func (k *soak) follow(s *check.Subscriber, request request, first bool, length time.Duration, way int) (done bool) {
	c, err := connect(k.server.api, request, nil)
	if err != nil {
		k.t.Errorf("a viewer is not served: %v", err)
		return true
	}
	k.mu.Lock()
	k.connections++
	k.mu.Unlock()
	s.Connected()
	defer func() {
		switch way {
		case 0:
			c.reset()
		case 1:
			_ = c.CloseWrite()
			c.Close()
		default:
			c.Close()
		}
	}()
	_ = c.SetReadDeadline(time.Now().Add(length))
	for {
		m, err := c.next()
		if err != nil {
			return false // the time is up, or the server has ended it for its age
		}
		if err := c.tell(s, m); err != nil {
			k.t.Error(err)
		}
		if first {
			s.Live(&k.ledger)
			first = false
		}
		select {
		case <-k.all:
			if s.CaughtUp(&k.ledger) {
				return true
			}
		default:
		}
	}
}

// resident returns the bytes of the server's memory that are resident.
func (s *server) resident() int {
	s.t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		s.t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
