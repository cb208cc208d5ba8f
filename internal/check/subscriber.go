package check

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/streamgauge/streamgauge"
)

// Subscriber checks what one client of the hub sees, over all its connections.
// It is not safe for concurrent use.
type Subscriber struct {
	name      string
	selection streamgauge.Selection
	report    Report
	gaps      []streamgauge.Gap
	streams   map[string]*followed
	recent    *followed // whose event came last: mostly the next one's too

	// What was heard on this connection.
	epoch  []byte
	seq    uint64
	cursor []byte // the last id heard on any

	foreign bool // ids are not checked
}

// followed is one stream as a subscriber sees it.
type followed struct {
	name     string
	selected bool
	tracks   []track // by the publisher's number
}

// A track is what came from one publisher on one stream.
type track struct {
	entitled uint64 // what was published before was not promised, less one
	last     uint64 // the highest that came
	gaps     int    // told on any stream before it came
	holes    []hole // what did not come below it
}

// A hole is events that were left out.
type hole struct {
	span
	// The gaps that the subscriber was told between the event before the hole
	// and the one after it: one of these must be about the hole.
	gapsFrom, gapsTo int
}

// NewSubscriber returns the checker of one client that selects streams and
// wants everything from the first event on. The name is for messages.
func NewSubscriber(name string, selection streamgauge.Selection) *Subscriber {
	return &Subscriber{name: name, selection: selection, streams: make(map[string]*followed)}
}

// Foreign says that the server is another one, whose ids are no positions of ours.
func (s *Subscriber) Foreign() { s.foreign = true }

// Live says that the client has just been told that its subscription has
// begun, and that it did not ask for history: it is entitled to what is
// published from now on.
func (s *Subscriber) Live(ledger *Ledger) {
	for _, p := range ledger.all() {
		if !s.selection.Matches(p.stream) {
			continue
		}
		t := s.stream([]byte(p.stream)).track(p.id)
		p.mu.Lock()
		t.entitled = p.issued
		p.mu.Unlock()
	}
}

// Connected says that a new connection begins.
func (s *Subscriber) Connected() {
	s.epoch, s.seq = s.epoch[:0], 0
}

// Cursor returns the last id heard: what the client sends to go on. It is
// empty before the first.
func (s *Subscriber) Cursor() string { return string(s.cursor) }

// Received returns how many events came.
func (s *Subscriber) Received() uint64 { return s.report.Events }

// SSE takes a dispatched event of a connection on any streams: its id, its
// type ("" and "message" are the same), and its data, which is an envelope. It
// calls Event or Control.
func (s *Subscriber) SSE(id, kind, data []byte) (Payload, bool) {
	if name, ok := bytes.CutPrefix(kind, []byte(streamgauge.ReservedPrefix)); ok {
		s.Control(id, name, data)
		return Payload{}, false
	}
	stream, inner, payload, ok := openEnvelope(data)
	if !ok || !bytes.Equal(inner, id) {
		s.report.Events++
		s.report.add(ErrCorrupt, 1, "%s: event %s has the envelope %.200q", s.name, id, data)
		return Payload{}, false
	}
	return s.Event(id, stream, payload)
}

// openEnvelope takes an envelope apart without decoding it as a whole. Names
// and ids have no escapes, and an unescaped quotation mark ends a string, so
// the first `,"data":` is the member.
func openEnvelope(envelope []byte) (stream, id, data []byte, ok bool) {
	const head, mid, tail = `{"stream":"`, `","id":"`, `,"data":`
	rest, ok1 := bytes.CutPrefix(envelope, []byte(head))
	stream, rest, ok2 := bytes.Cut(rest, []byte(mid))
	id, rest, ok3 := bytes.Cut(rest, []byte{'"'})
	_, data, ok4 := bytes.Cut(rest, []byte(tail))
	data, ok5 := bytes.CutSuffix(data, []byte{'}'})
	return stream, id, data, ok1 && ok2 && ok3 && ok4 && ok5
}

// Event takes a stored event. It returns its payload, and whether it could be
// read.
func (s *Subscriber) Event(id, stream, data []byte) (Payload, bool) {
	s.report.Events++
	s.position(id, true)
	f := s.recent
	if f == nil || f.name != string(stream) {
		f = s.stream(stream)
		s.recent = f
	}
	if !f.selected {
		s.report.add(ErrForeign, 1, "%s: event %s of stream %s, which is not in %v", s.name, id, f.name, s.selection.Strings())
	}
	p, ok := ParsePayload(f.name, data)
	if !ok {
		s.report.add(ErrCorrupt, 1, "%s: event %s of stream %s has the data %.200q", s.name, id, f.name, data)
		return p, false
	}
	s.follow(f, id, p)
	return p, true
}

// Again takes an event that is to the byte the one that another subscriber was sent, and
// that it took with [Subscriber.Event]: this one follows the same stream, has taken events of
// it, and all were of the same epoch. So nothing of it is read again.
func (s *Subscriber) Again(id []byte, seq uint64, p Payload) {
	s.report.Events++
	s.cursor = append(s.cursor[:0], id...)
	s.advance(id, seq, true)
	s.follow(s.recent, id, p)
}

// follow takes a payload of the stream.
func (s *Subscriber) follow(f *followed, id []byte, p Payload) {
	t := f.track(p.Publisher)
	switch {
	case p.N == t.last+1:
		t.last = p.N
	case p.N > t.last:
		t.holes = append(t.holes, hole{span{t.last + 1, p.N - 1}, t.gaps, len(s.gaps)})
		t.last = p.N
	case t.fill(p.N):
		s.report.add(ErrReordered, 1, "%s: event %s is number %d of publisher %d on %s and came after number %d", s.name, id, p.N, p.Publisher, f.name, t.last)
	default:
		s.report.add(ErrDuplicate, 1, "%s: event %s is number %d of publisher %d on %s and came before", s.name, id, p.N, p.Publisher, f.name)
	}
	t.gaps = len(s.gaps)
}

func (s *Subscriber) stream(name []byte) *followed {
	f := s.streams[string(name)]
	if f == nil {
		f = &followed{name: string(name), selected: s.selection.Matches(string(name))}
		s.streams[f.name] = f
	}
	return f
}

func (f *followed) track(publisher int) *track {
	for publisher >= len(f.tracks) {
		f.tracks = append(f.tracks, track{})
	}
	return &f.tracks[publisher]
}

// fill takes a number out of the holes. It reports whether it was in one.
func (t *track) fill(n uint64) bool {
	for i, h := range t.holes {
		if n < h.first || n > h.last {
			continue
		}
		left, right := h, h
		left.last, right.first = n-1, n+1
		t.holes = slices.Replace(t.holes, i, i+1, left, right)
		return true
	}
	return false
}

// Control takes a control event: its id, its name without the prefix, and its
// data.
func (s *Subscriber) Control(id, name, data []byte) {
	if len(id) > 0 {
		s.position(id, false)
	}
	if string(name) != "gap" {
		return
	}
	s.report.Gaps++
	var told struct {
		Stream *string            `json:"stream"`
		Lost   *int64             `json:"lost"`
		Reason streamgauge.Reason `json:"reason"`
	}
	if err := json.Unmarshal(data, &told); err != nil || told.Reason == "" || told.Lost != nil && *told.Lost < 0 {
		s.report.add(ErrCorrupt, 1, "%s: a gap says %.200q", s.name, data)
		return
	}
	gap := streamgauge.Gap{Lost: -1, Reason: told.Reason}
	if told.Lost != nil {
		gap.Lost = *told.Lost
	}
	if told.Stream != nil {
		gap.Stream = *told.Stream
		if !s.selection.Matches(gap.Stream) {
			s.report.add(ErrForeign, 1, "%s: a gap of stream %s, which is not in %v", s.name, gap.Stream, s.selection.Strings())
		}
	}
	s.gaps = append(s.gaps, gap)
}

// position takes note of an id and checks that it is where it should be.
func (s *Subscriber) position(id []byte, event bool) {
	s.cursor = append(s.cursor[:0], id...)
	epoch, seq, ok := CutPosition(id)
	switch {
	case s.foreign:
		return
	case !ok:
		s.report.add(ErrPosition, 1, "%s: the id is %q", s.name, id)
		return
	case len(s.epoch) == 0:
		s.epoch, s.seq = append(s.epoch, epoch...), seq
		return
	case !bytes.Equal(epoch, s.epoch):
		s.report.add(ErrPosition, 1, "%s: id %s after one of epoch %s on the same connection", s.name, id, s.epoch)
		s.epoch, s.seq = append(s.epoch[:0], epoch...), seq
		return
	}
	s.advance(id, seq, event)
}

// advance checks that an id of the same epoch is where it should be.
func (s *Subscriber) advance(id []byte, seq uint64, event bool) {
	if seq < s.seq || event && seq == s.seq {
		s.report.add(ErrPosition, 1, "%s: id %s after %s-%d on the same connection", s.name, id, s.epoch, s.seq)
		return
	}
	s.seq = seq
}

// CaughtUp reports whether the last acknowledged event of every selected stream
// has come.
func (s *Subscriber) CaughtUp(ledger *Ledger) bool {
	for _, p := range ledger.all() {
		if !s.selection.Matches(p.stream) {
			continue
		}
		t := s.stream([]byte(p.stream)).track(p.id)
		p.mu.Lock()
		acked := p.acked
		p.mu.Unlock()
		if acked > t.entitled && t.last < acked {
			return false
		}
	}
	return true
}

// CutPosition takes an id apart, and reports whether it is one of a stored event.
func CutPosition(id []byte) (epoch []byte, seq uint64, ok bool) {
	epoch, digits, _ := bytes.Cut(id, []byte{'-'})
	seq, rest, ok := cutDigits(digits)
	return epoch, seq, ok && len(rest) == 0 && len(epoch) > 0
}
