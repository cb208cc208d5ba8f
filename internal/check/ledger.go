package check

import (
	"sync"
	"time"
)

// Ledger is what was published, and what became of it. All methods may be
// called from any number of goroutines. The zero value is an empty ledger.
type Ledger struct {
	mu         sync.Mutex // protects following
	publishers []*Publisher
}

// Publisher numbers the events of one publisher on one stream and keeps what
// became of them. One goroutine publishes at a time; others may read.
type Publisher struct {
	id     int
	stream string

	mu      sync.Mutex // protects following
	issued  uint64     // the last number given out
	decided uint64     // what became of them is known so far
	acked   uint64     // the last one acknowledged
	unknown spans      // may have been stored or not
	refused spans      // must not be seen
}

// NewPublisher adds a publisher's numbers on one stream. The publisher is known
// by a small number from 0; no two in a ledger may have the same number and
// stream.
func (l *Ledger) NewPublisher(id int, stream string) *Publisher {
	p := &Publisher{id: id, stream: stream}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publishers = append(l.publishers, p)
	return p
}

func (l *Ledger) all() []*Publisher {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.publishers[:len(l.publishers):len(l.publishers)]
}

// Acked returns how many events were acknowledged.
func (l *Ledger) Acked() (n uint64) {
	for _, p := range l.all() {
		p.mu.Lock()
		n += p.decided - p.unknown.size() - p.refused.size()
		p.mu.Unlock()
	}
	return n
}

// Stream returns the stream's name.
func (p *Publisher) Stream() string { return p.stream }

// Append appends the data of the next event, padded to size bytes. It must be
// published after those before. What becomes of it is said by Acked, Refused or
// Unknown, in the same order; until then it is unknown.
func (p *Publisher) Append(dst []byte, due time.Duration, size int) []byte {
	p.mu.Lock()
	p.issued++
	n := p.issued
	p.mu.Unlock()
	return Payload{p.id, n, due}.Append(dst, p.stream, size)
}

// Acked says that the oldest events of which nothing was said were
// acknowledged: each must be delivered once.
func (p *Publisher) Acked(events int) {
	s := p.decide(events, nil)
	p.mu.Lock()
	p.acked = s.last
	p.mu.Unlock()
}

// Unknown says that nobody knows what became of the oldest events of which
// nothing was said, because the answer did not come: each may be delivered
// once.
func (p *Publisher) Unknown(events int) { p.decide(events, &p.unknown) }

// Refused says that the oldest events of which nothing was said were refused:
// they must not be delivered.
func (p *Publisher) Refused(events int) { p.decide(events, &p.refused) }

func (p *Publisher) decide(events int, into *spans) span {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := span{p.decided + 1, p.decided + uint64(events)}
	if s.last > p.issued {
		panic("check: the outcome of an event that was not published")
	}
	p.decided = s.last
	if into != nil {
		into.add(s)
	}
	return s
}

// fate is a copy of what became of a publisher's events.
type fate struct {
	issued, acked    uint64
	unknown, refused spans
}

func (p *Publisher) fate() fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := fate{issued: p.issued, acked: p.acked}
	f.unknown = append(f.unknown, p.unknown...)
	f.unknown.add(span{p.decided + 1, p.issued})
	f.refused = append(f.refused, p.refused...)
	return f
}
