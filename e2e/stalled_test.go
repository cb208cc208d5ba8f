//go:build linux

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

type stalledSize struct {
	healthy, stalled  int
	events, eventSize int // of one round; more than the hub keeps in memory for one feed
	timeout           time.Duration
}

// A client that does not read costs the others nothing, the publisher nothing,
// the server little, and is let go.
func TestStalledSubscribersHarmNobody(t *testing.T) {
	t.Parallel()
	sized(t, stalledSize{80, 20, 300, 5000, 4 * time.Second}, stalledSize{900, 100, 1000, 1300, 25 * time.Second}, func(t *testing.T, size stalledSize) {
		s := startServer(t, fmt.Sprintf("write_timeout: %s\nheartbeat: 2s\nstreams: [{match: '>', keep: {events: 100000}}]", size.timeout))
		crowd := newCrowd(t, s, size.healthy, size.eventSize)
		// What is kept in memory once, for all, is there before the measurement.
		for range 100 {
			mustPublish(t, s.api, "unread", `"`+strings.Repeat("x", 100_000)+`"`)
		}
		crowd.publish(size.events)
		before := s.userMemory()

		for range size.stalled {
			stall(t, s.api, on("stream=load"))
		}
		eventually(t, 20*time.Second, "all are connected", func() bool {
			return s.metric("subscribers") == size.healthy+size.stalled
		})
		crowd.publish(size.events)
		if n := s.metric("write_timeouts_total"); n > 0 {
			t.Fatalf("%d were let go before the others had everything: this machine is too slow for a write timeout of %v", n, size.timeout)
		}
		each := (s.userMemory() - before) / size.stalled
		t.Logf("%d bytes of user memory for each stalled subscriber", each)
		if most := 64 << 10; each > most {
			t.Errorf("a stalled subscriber costs %d bytes of user memory, at most %d are allowed", each, most)
		}

		eventually(t, 2*size.timeout+10*time.Second, "the stalled are let go", func() bool {
			return s.metric("subscribers") == size.healthy
		})
		if n := s.metric("write_timeouts_total"); n != size.stalled {
			t.Errorf("%d were let go by the write timeout, want the %d stalled", n, size.stalled)
		}
		crowd.publish(size.events)
		crowd.finish()
	})
}

// crowd is subscribers that read, and one publisher.
type crowd struct {
	t       *testing.T
	server  *server
	ledger  check.Ledger
	load    *check.Publisher
	members []*member
	reading sync.WaitGroup
	size    int // of an event
}

type member struct {
	conn  *connection
	check *check.Subscriber
}

func newCrowd(t *testing.T, s *server, members, size int) *crowd {
	c := &crowd{t: t, server: s, size: size}
	c.load = c.ledger.NewPublisher(0, "load")
	selection, err := streamgauge.NewSelection("load")
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		m := &member{mustConnect(t, s.api, on("stream=load")), check.NewSubscriber(fmt.Sprint("subscriber ", i), selection)}
		m.conn.mustHub(t, "hello")
		c.members = append(c.members, m)
	}
	return c
}

// publish publishes, every batch of which must be accepted, and returns when
// all members have read everything.
func (c *crowd) publish(events int) {
	c.t.Helper()
	for _, m := range c.members {
		c.reading.Go(func() {
			_ = m.conn.SetReadDeadline(time.Now().Add(time.Minute))
			for want := m.check.Received() + uint64(events); m.check.Received() < want; {
				got, err := m.conn.next()
				if err != nil {
					c.t.Errorf("a subscriber that reads was cut: %v", err)
					return
				}
				if err := m.conn.tell(m.check, got); err != nil {
					c.t.Error(err)
				}
			}
		})
	}
	const batch = 20
	for range events / batch {
		var body []string
		for range batch {
			body = append(body, string(c.load.Append(nil, 0, c.size)))
		}
		mustPublish(c.t, c.server.api, "load", body...)
		c.load.Acked(batch)
	}
	c.reading.Wait()
}

func (c *crowd) finish() {
	c.t.Helper()
	mustHaveAll(c.t, &c.ledger, c.members)
}

// mustHaveAll demands that those who read have got everything, each event once and in order.
func mustHaveAll(t *testing.T, ledger *check.Ledger, members []*member) {
	t.Helper()
	var total check.Report
	for _, m := range members {
		total.Merge(m.check.Finish(ledger))
	}
	if err := total.Err(); err != nil || total.Gaps > 0 {
		t.Errorf("those who read: %d gaps, %v", total.Gaps, err)
	}
	t.Logf("%d deliveries of %d events to %d subscribers that read", total.Events, ledger.Acked(), len(members))
}

// One that stalled goes on where it was when it comes back.
func TestStalledSubscriberComesBack(t *testing.T) {
	t.Parallel()
	s := startServer(t, "write_timeout: 2s\nheartbeat: 1s")
	cursor := mustPublish(t, s.api, "load", `"first"`).ID
	mustPublish(t, s.api, "load", slices.Repeat([]string{`"` + strings.Repeat("x", 2000) + `"`}, 1000)...)
	stall(t, s.api, onStream("load", "").after(cursor))
	eventually(t, 10*time.Second, "it is let go", func() bool {
		return s.metric("write_timeouts_total") == 1 && s.metric("subscribers") == 0
	})
	c := mustConnect(t, s.api, onStream("load", "").after(cursor))
	c.mustHub(t, "hello")
	for range 1000 {
		c.mustEvent(t)
	}
}
