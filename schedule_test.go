package streamgauge

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The seam between replay and live is where events get lost. Here it is not
// sampled but enumerated: every order of appending, delivering, reading,
// cutting and resuming, with a log that keeps two events of a stream and a ring
// that holds two, must lose nothing silently, repeat nothing and reorder
// nothing.

// A step is one thing that can happen next.
type step byte

const (
	stepAppend  step = 'A' // an event is appended to the log
	stepDeliver step = 'D' // the hub's tail delivers the next appended event
	stepRead    step = 'r' // the first subscriber connects, or takes its next block
	stepCut     step = 'x' // the first subscriber's connection ends; it resumes at its next step
	stepRead2   step = 'R' // the same for the second
	stepCut2    step = 'X'
)

func TestEveryScheduleOfTheSeam(t *testing.T) {
	sets := []string{"AAADDDrrrx", "AAADDrrRx", "AADDrRxX", "AAAADDDrrx"}
	if os.Getenv("STREAMGAUGE_SEAM") == "full" { // half a minute
		sets = []string{"AAADDDrrrrxx", "AAADDDrrRRxX", "AAAADDDDrrrx"}
	}
	for _, steps := range sets {
		t.Run(steps, func(t *testing.T) {
			n := 0
			eachSchedule([]byte(steps), func(schedule []byte) bool {
				n++
				if err := runSchedule(schedule); err != nil {
					t.Errorf("schedule %s: %v", schedule, err)
				}
				return !t.Failed()
			})
			t.Logf("%d schedules", n)
		})
	}
}

// eachSchedule calls visit with every distinct order of the steps in which no
// event is delivered before it is appended, until visit returns false.
func eachSchedule(steps []byte, visit func([]byte) bool) {
	left := make(map[byte]int)
	for _, s := range steps {
		left[s]++
	}
	schedule := make([]byte, 0, len(steps))
	undelivered := 0
	var extend func() bool
	extend = func() bool {
		if len(schedule) == len(steps) {
			return visit(schedule)
		}
		for _, s := range []byte("ADrxRX") {
			if left[s] == 0 || step(s) == stepDeliver && undelivered == 0 {
				continue
			}
			change := map[step]int{stepAppend: 1, stepDeliver: -1}[step(s)]
			left[s]--
			undelivered += change
			schedule = append(schedule, s)
			ok := extend()
			schedule = schedule[:len(schedule)-1]
			undelivered -= change
			left[s]++
			if !ok {
				return false
			}
		}
		return true
	}
	extend()
}

// frameBytes is about what an event's frame measures; each gets a chunk of its
// own.
const frameBytes = 100

// scheduleRules keep two events.
var scheduleRules = Rules{{Match: ">", Keep: Keep{Events: 2, Age: lastRule.Keep.Age, Bytes: 1 << 40}, Delivery: DeliverAll, Format: FormatJSON}}

func runSchedule(schedule []byte) error {
	log := NewMemoryLog(scheduleRules)
	hub, err := New(&Options{Log: log, Rules: scheduleRules})
	if err != nil {
		return err
	}
	run := &seam{hub: hub, log: log, viewers: [2]*seamViewer{{hub: hub}, {hub: hub}}}
	for _, s := range schedule {
		if err := run.step(step(s)); err != nil {
			return err
		}
	}
	return run.finish()
}

type seam struct {
	hub      *Hub
	log      *MemoryLog
	appended []Event
	at       int // appended[:at] are delivered
	viewers  [2]*seamViewer
}

func (r *seam) step(s step) error {
	switch s {
	case stepAppend:
		e := Event{Stream: "s", Data: []byte(`7`)}
		receipt, err := r.log.Append(context.Background(), Batch{Events: []Event{e}})
		if err != nil {
			return err
		}
		e.ID = receipt.Position
		r.appended = append(r.appended, e)
	case stepDeliver:
		r.at++
		return r.hub.deliver(r.appended[r.at-1 : r.at])
	case stepRead:
		return r.viewers[0].read()
	case stepRead2:
		return r.viewers[1].read()
	case stepCut:
		r.viewers[0].cut()
	case stepCut2:
		r.viewers[1].cut()
	}
	return nil
}

// finish lets everything that is under way come to rest: then everyone must
// have what there is to have.
func (r *seam) finish() error {
	for r.at < len(r.appended) {
		if err := r.step(stepDeliver); err != nil {
			return err
		}
	}
	for i, v := range r.viewers {
		for idle := false; !idle && v.began; {
			if err := v.read(); err != nil {
				return fmt.Errorf("viewer %d: %w", i+1, err)
			}
			idle = v.idle
		}
		v.cut()
		if want := uint64(len(r.appended)); v.began && v.accounted != want {
			return fmt.Errorf("viewer %d has %d events accounted for of %d", i+1, v.accounted, want)
		}
	}
	if n := len(r.hub.feeds); n != 0 {
		return fmt.Errorf("%d feeds are left", n)
	}
	return nil
}

// seamViewer checks that each event from where it first began is either
// received or declared lost, in order.
type seamViewer struct {
	hub       *Hub
	s         *Subscriber
	began     bool
	idle      bool
	cursor    string
	accounted uint64 // sequence numbers up to this are received or declared lost
}

func (v *seamViewer) cut() {
	if v.s != nil {
		v.s.Close()
		v.s = nil
	}
}

func (v *seamViewer) read() error {
	if v.s == nil {
		s, err := v.hub.Subscribe(context.Background(), Subscription{Select: Selection{"s"}, Cursor: v.cursor}, func() {}, func() {})
		if err != nil {
			return err
		}
		v.s = s
		v.hub.ring.Store(5 * frameBytes / 2) // two events
		if !v.began {
			v.began, v.accounted = true, s.seq
		}
	}
	p, err := v.s.Next(context.Background())
	if err != nil {
		return err
	}
	v.idle = p == nil
	return v.account(string(p))
}

func (v *seamViewer) account(text string) error {
	for block := range strings.SplitSeq(text, "\n\n") {
		_, id, hasID := strings.Cut(block, "id: ")
		id, _, _ = strings.Cut(id, "\n")
		switch {
		case strings.Contains(block, "event: hub.gap"):
			_, after, _ := strings.Cut(block, `"lost":`)
			digits, _, _ := strings.Cut(after, ",")
			lost, err := strconv.ParseUint(digits, 10, 64)
			if err != nil {
				return fmt.Errorf("a gap that counts nothing: %s", block)
			}
			v.accounted += lost
		case strings.Contains(block, "event: hub."):
		case strings.Contains(block, "data: "):
			p, err := ParsePosition(id)
			if err != nil {
				return err
			}
			if p.Seq != v.accounted+1 {
				return fmt.Errorf("event %d after %d were accounted for", p.Seq, v.accounted)
			}
			v.accounted++
		}
		if hasID {
			v.cursor = id
		}
	}
	return nil
}
