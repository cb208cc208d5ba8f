//go:build linux

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

// What an attack may cost, whatever it is and however many do it.
const (
	attackMemory = 200 << 20 // all of them at the same time may cost twice as much
	// The p99 from publishing to reading. It is generous because others may have the
	// same processors as the server.
	attackDelay = time.Second
	// How many times as long as without attack it may be if the server has time for others.
	attackRatio = 1.5
)

// attackSettings has short times, so that it is the server that ends what an
// attacker keeps open.
const attackSettings = `
heartbeat: 1s
write_timeout: 2s
max_age: 0s
limits: {header_timeout: 2s, body_timeout: 2s, idle_timeout: 2s}
`

// Whatever is tried against the server, those who publish and follow don't notice,
// and nothing of it stays, though no attacker closes anything. In the short form
// all is tried at once. STREAMGAUGE_MEASURE=1 has attackers keep a pace at which the server is
// not busy with them all the time, and compares the delay with that of the calm.
func TestAttacksHarmNobody(t *testing.T) {
	t.Parallel()
	sized(t, false, true, func(t *testing.T, full bool) {
		s := startServer(t, attackSettings)
		// What is there to be read, so that there is something not to read.
		mustPublish(t, s.api, "big", slices.Repeat([]string{`"` + strings.Repeat("x", 2000) + `"`}, 2000)...)
		p := newPublic(t, s, 20)
		p.paced = os.Getenv("STREAMGAUGE_MEASURE") == "1"
		if !full {
			p.rest(500 * time.Millisecond)
			p.endure(t, 2*attackMemory, "")
		} else {
			p.rest(5 * time.Second)
			for _, one := range attacks {
				t.Run(one.name, func(t *testing.T) {
					delay := p.endure(t, attackMemory, one.name)
					if delay > attackDelay || p.paced && float64(delay) > attackRatio*float64(p.usual) {
						t.Errorf("the p99 from publishing to reading is %v, without attack %v", delay, p.usual)
					}
				})
			}
		}
		p.finish()
	})
}

// public is those who are not to notice: one who publishes, 50 times a second, and
// some who follow.
type public struct {
	t      *testing.T
	server *server
	ledger check.Ledger
	began  time.Time

	members     []*member
	follow      sync.WaitGroup
	publish     sync.WaitGroup
	enough, all chan struct{} // closed when to publish no more, and when that is acknowledged

	before leakState     // of the server without attack
	usual  time.Duration // p99 from publishing to reading
	paced  bool          // attackers leave the server with time for others

	mu     sync.Mutex // protects following
	delays []time.Duration
}

const publicStream = "public"

func newPublic(t *testing.T, s *server, followers int) *public {
	p := &public{t: t, server: s, began: time.Now(), enough: make(chan struct{}), all: make(chan struct{})}
	selection, err := streamgauge.NewSelection(publicStream)
	if err != nil {
		t.Fatal(err)
	}
	load := p.ledger.NewPublisher(0, publicStream)
	for i := range followers {
		m := &member{mustConnect(t, s.api, onStream(publicStream, "")), check.NewSubscriber(fmt.Sprint("subscriber ", i), selection)}
		m.conn.mustHub(t, "hello")
		_ = m.conn.SetReadDeadline(time.Time{}) // heartbeats come as long as there is a server
		p.members = append(p.members, m)
		p.follow.Go(func() { p.read(m) })
	}
	p.publish.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-p.enough:
				return
			case <-tick.C:
			}
			event := load.Append(nil, time.Since(p.began), 200)
			r, err := publish(s.api, "/v1/streams/"+publicStream+"/events", "application/json", string(event), "")
			if err != nil || r.status != http.StatusOK {
				t.Errorf("the public's publish: status %d %s, %v", r.status, r.Detail, err)
				load.Unknown(1)
				continue
			}
			load.Acked(1)
		}
	})
	return p
}

// read follows until everything has come after the last publish.
func (p *public) read(m *member) {
	for {
		got, err := m.conn.next()
		if err != nil {
			p.t.Errorf("a subscriber that reads was cut: %v", err)
			return
		}
		if got.hub != "" {
			if err := m.conn.tell(m.check, got); err != nil {
				p.t.Error(err)
			}
		} else if payload, ok := m.check.Event(got.id, []byte(publicStream), got.data); ok {
			p.mu.Lock()
			p.delays = append(p.delays, time.Since(p.began)-payload.Due)
			p.mu.Unlock()
		}
		select {
		case <-p.all:
			if m.check.CaughtUp(&p.ledger) {
				return
			}
		default:
		}
	}
}

// delay returns the 99th percentile of the times from publishing to reading since
// it was asked for last.
func (p *public) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.delays) == 0 {
		return 0
	}
	slices.Sort(p.delays)
	p99 := p.delays[len(p.delays)*99/100]
	p.delays = p.delays[:0]
	return p99.Round(10 * time.Microsecond)
}

func (p *public) finish() {
	p.t.Helper()
	close(p.enough)
	p.publish.Wait()
	close(p.all)
	for _, m := range p.members {
		_ = m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	}
	p.follow.Wait()
	mustHaveAll(p.t, &p.ledger, p.members)
}

func (p *public) state() leakState {
	return (&leaks{t: p.t, server: p.server}).state()
}

// rest notes how the server is that only the public uses. While it publishes there
// is now and then a goroutine more.
func (p *public) rest(within time.Duration) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	p.delay()
	for end := time.Now().Add(within); time.Now().Before(end); <-tick.C {
		now := p.state()
		p.before = leakState{now.subscribers, now.feeds, max(p.before.goroutines, now.goroutines), max(p.before.files, now.files)}
	}
	p.usual = p.delay()
	p.t.Logf("without attack: %+v, p99 %v", p.before, p.usual)
}

// endure waits until nothing is left of an attack, or of all, and returns the p99 from
// publishing to reading until then.
func (p *public) endure(t *testing.T, most int, attack string) time.Duration {
	began, memory := time.Now(), p.server.memory("VmRSS")
	p.server.forgetPeak()
	p.delay()
	end := attackWith(t, p.server.api, attack, p.paced)
	defer end()
	took := time.Since(began)
	eventually(t, 30*time.Second, "nothing of it is left", func() bool { return p.state().within(p.before) })
	delay, more := p.delay(), max(p.server.memory("VmHWM")-memory, 0)
	t.Logf("it took %.1f s, nothing was left %.1f s later; %d MiB more than the %d before; p99 %v, %.1f times the usual",
		took.Seconds(), (time.Since(began) - took).Seconds(), more>>20, memory>>20, delay, float64(delay)/float64(p.usual))
	if more > most {
		t.Errorf("the server took %d MiB more, at most %d are allowed", more>>20, most>>20)
	}
	return delay
}

func (s leakState) within(most leakState) bool {
	return s.subscribers <= most.subscribers && s.feeds <= most.feeds && s.files <= most.files && s.goroutines <= most.goroutines
}

// memory returns the bytes of one of the process's figures: VmRSS is what it has
// of the machine's memory, VmHWM the most since the start or forgetPeak.
func (s *server) memory(figure string) int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+figure+":")
	return s.figure("\n"+strings.TrimSpace(rest), "\n") << 10
}

// forgetPeak has the peak of the memory begin at what is used now.
func (s *server) forgetPeak() {
	s.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.process.Process.Pid), []byte("5"), 0); err != nil {
		s.t.Fatal(err)
	}
}
