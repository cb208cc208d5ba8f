package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

// A subscriber reads one stream and checks it.
type subscriber struct {
	fd       int
	stream   []byte
	response response
	blocks   blocks
	check    *check.Subscriber
	data     func([]byte) []byte // of an event, in that of a message; nil is all of it
	deliver  func(message)
	skip     func([]byte) int
	tally    *tally

	frames     *frames   // if it reads over WebSocket
	unpacker   *unpacker // if it is sent gzip
	transcript *transcript
	place      uint64 // in the transcript, of what comes next; 0 is none

	begun   bool          // the server has answered
	opened  time.Duration // when it was connected
	dropped error         // why it is not connected any more
}

// A tally is what all connections of a run have in common.
type tally struct {
	// What was due from here to there is measured.
	from, to time.Duration
	backlog  uint64        // in a replay: what is measured is how long a subscriber takes for so many events
	now      time.Duration // when what is being looked at was read

	latency   histogram // from when an event was due until it was read; in a replay, see backlog
	acks      histogram // from when a request was due until it was answered
	delivered uint64
	received  uint64 // bytes, by subscribers
	acked     uint64
	refused   uint64 // requests
	begun     int    // subscribers that the server has answered
	fault     error  // the first

	unpacked *unpacked
}

func (t *tally) measured(due time.Duration) bool { return due >= t.from && due < t.to }

func (t *tally) fail(err error) {
	if t.fault == nil {
		t.fault = err
	}
}

func newSubscriber(name, stream string, t *tally, common *transcript, o *Options) *subscriber {
	s := &subscriber{stream: []byte(stream), tally: t, transcript: common}
	s.check = check.NewSubscriber(name, streamgauge.Selection{streamgauge.Selector(stream)})
	s.check.Connected()
	if o.Peer != nil {
		s.check.Foreign()
		s.data = o.Peer.Data
	}
	if o.WebSocket {
		s.frames = new(frames)
	}
	if o.Gzip {
		s.unpacker = &unpacker{known: t.unpacked}
	}
	s.deliver, s.skip = s.message, s.same
	return s
}

func (s *subscriber) serve(l *loop) error {
	p, err := l.read(s.fd)
	if err != nil {
		return err
	}
	s.tally.now = l.now()
	s.tally.received += uint64(len(p))
	for len(p) > 0 {
		body, rest, done, err := s.response.next(p)
		p = rest
		switch {
		case err != nil:
			return err
		case s.response.state == inHead:
			if done {
				return fmt.Errorf("the server ended the answer of status %d", s.response.status)
			}
			continue
		case s.response.status != s.wanted():
			return fmt.Errorf("the server answered with status %d: %.300s", s.response.status, bytes.TrimSpace(rest))
		case !s.begun:
			s.begun = true
			s.tally.begun++
		}
		if err := s.read(body); err != nil {
			return err
		}
	}
	return nil
}

// wanted is the status of an answer that goes on.
func (s *subscriber) wanted() int {
	if s.frames != nil {
		return http.StatusSwitchingProtocols
	}
	return http.StatusOK
}

// read reads a piece of the answer's body.
func (s *subscriber) read(p []byte) error {
	if s.unpacker != nil {
		return s.unpacker.feed(p, s.text)
	}
	if s.frames == nil {
		s.text(p)
		return nil
	}
	for len(p) > 0 {
		text, rest, err := s.frames.next(p)
		if err != nil {
			return err
		}
		s.text(text)
		p = rest
	}
	return nil
}

func (s *subscriber) text(p []byte) {
	if len(p) > 0 {
		s.blocks.feed(p, s.skip, s.deliver)
	}
}

var reserved = []byte(streamgauge.ReservedPrefix)

func (s *subscriber) message(m message) {
	if name, ok := bytes.CutPrefix(m.kind, reserved); ok {
		s.check.Control(m.id, name, m.data)
		return
	}
	if s.data != nil {
		if m.data = s.data(m.data); m.data == nil {
			return
		}
	}
	p, ok := s.check.Event(m.id, s.stream, m.data)
	s.place = 0
	if ok {
		s.place = s.transcript.add(m.block, m.id, p)
	}
	s.delivered(p, ok)
}

// same takes what others were sent too, and returns how much of p that is.
func (s *subscriber) same(p []byte) int {
	if s.place == 0 {
		return 0
	}
	blocks, n := s.transcript.same(p, s.place)
	for i := range blocks {
		b := &blocks[i]
		s.check.Again(b.id, b.seq, b.payload)
		s.delivered(b.payload, true)
	}
	s.place += uint64(n)
	return n
}

// delivered counts an event.
func (s *subscriber) delivered(p check.Payload, ok bool) {
	t := s.tally
	t.delivered++
	switch {
	case ok && t.measured(p.Due):
		t.latency.add(t.now - p.Due)
	case s.check.Received() == t.backlog:
		t.latency.add(t.now - s.opened)
	}
}

func (s *subscriber) closed(err error) {
	s.dropped = err
	if !s.begun {
		s.begun = true
		s.tally.begun++
		s.tally.fail(fmt.Errorf("subscribe: %w", err))
	}
}

// A publisher publishes on one connection, with several requests on the way.
type publisher struct {
	fd       int
	dialect  *Dialect
	streams  []publishing
	next     int // stream
	tally    *tally
	response response

	out     []byte // to be written
	blocked bool   // until there is room to write
	body    []byte
	wrapped []byte  // in what the dialect has around it
	asked   []asked // not answered, in order, from first on
	first   int
	dropped error
}

// publishing is one stream of a publisher.
type publishing struct {
	name  string
	check *check.Publisher
	head  []byte // of a request, up to the value of Content-Type
}

type asked struct {
	stream *check.Publisher
	events int
	due    time.Duration
}

func (p *publisher) waiting() int { return len(p.asked) - p.first }

// ask adds a request to what is to be written.
func (p *publisher) ask(events, payload int, due time.Duration) {
	stream := &p.streams[p.next]
	p.next = (p.next + 1) % len(p.streams)
	p.body = p.body[:0]
	for i := range events {
		if i > 0 {
			p.body = append(p.body, '\n')
		}
		p.body = stream.check.Append(p.body, due, payload)
	}
	p.out = append(p.out, stream.head...)
	if p.dialect.Body != nil {
		p.wrapped = p.dialect.Body(p.wrapped[:0], stream.name, p.body)
		p.body, p.wrapped = p.wrapped, p.body
		p.out = append(p.out, p.dialect.Type...)
	} else if events == 1 {
		p.out = append(p.out, "application/json"...)
	} else {
		p.out = append(p.out, "application/x-ndjson"...) // one value per line
	}
	p.out = append(p.out, "\r\nContent-Length: "...)
	p.out = strconv.AppendInt(p.out, int64(len(p.body)), 10)
	p.out = append(p.out, "\r\n\r\n"...)
	p.out = append(p.out, p.body...)
	if p.first > 0 && len(p.asked) == cap(p.asked) {
		n := copy(p.asked, p.asked[p.first:])
		p.asked, p.first = p.asked[:n], 0
	}
	p.asked = append(p.asked, asked{stream.check, events, due})
}

// flush writes as much as the connection takes.
func (p *publisher) flush(l *loop) error {
	for len(p.out) > 0 && p.dropped == nil {
		n, err := unix.Write(p.fd, p.out)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if p.blocked {
				return nil
			}
			p.blocked = true
			return l.wantWrite(p.fd, true)
		case err != nil:
			return os.NewSyscallError("write", err)
		}
		p.out = append(p.out[:0], p.out[n:]...)
	}
	if p.blocked {
		p.blocked = false
		return l.wantWrite(p.fd, false)
	}
	return nil
}

func (p *publisher) serve(l *loop) error {
	if p.blocked {
		if err := p.flush(l); err != nil {
			return err
		}
	}
	b, err := l.read(p.fd)
	if err != nil {
		return err
	}
	now := l.now()
	for len(b) > 0 {
		body, rest, done, err := p.response.next(b)
		if err != nil {
			return err
		}
		if p.response.status/100 != 2 && len(body) > 0 {
			p.tally.fail(fmt.Errorf("publish: the server answered with status %d: %.300s", p.response.status, body))
		}
		if p.dialect.Refused != nil && p.dialect.Refused(body) {
			p.tally.fail(fmt.Errorf("publish: the server refused an event: %.300s", body))
		}
		if done {
			if err := p.answered(now); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

func (p *publisher) answered(now time.Duration) error {
	if p.waiting() == 0 {
		return fmt.Errorf("an answer of status %d to no request", p.response.status)
	}
	a := p.asked[p.first]
	p.first++
	if p.first == len(p.asked) {
		p.asked, p.first = p.asked[:0], 0
	}
	if p.response.status/100 != 2 {
		a.stream.Refused(a.events)
		p.tally.refused++
		return nil
	}
	a.stream.Acked(a.events)
	p.tally.acked += uint64(a.events)
	if p.tally.measured(a.due) {
		p.tally.acks.add(now - a.due)
	}
	return nil
}

func (p *publisher) closed(err error) {
	p.dropped = err
	p.tally.fail(fmt.Errorf("publish: %w", err))
}
