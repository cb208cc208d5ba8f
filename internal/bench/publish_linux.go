package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/streamgauge/streamgauge/internal/check"
)

// stall connects subscribers that never read, and publishes until they have
// stalled: before that the system's buffers hide them from the server.
func (r *run) stall(ctx context.Context) error {
	if r.o.Stalled == 0 {
		return nil
	}
	for i := range r.o.Stalled {
		fd, err := dial(r.addr, 1, r.getRequest(r.streamName(i%r.o.Streams), ""))
		if err != nil {
			return err
		}
		r.stalled = append(r.stalled, fd)
	}
	if err := r.wait(ctx, settleTime); err != nil { // for the server to answer all of them
		return err
	}
	// With numbers of their own, of which those who subscribe later know nothing.
	p, err := r.connectPublisher(r.o.Publishers, new(check.Ledger))
	if err != nil {
		return err
	}
	batch := min(1000, max(1, stallRequestBytes/r.o.Payload))
	for range r.o.Streams {
		if err := r.publishAtOnce(ctx, p, max(1, sendBuffer()/r.o.Payload), batch); err != nil {
			return err
		}
	}
	return nil
}

// stallRequestBytes bounds the requests that fill buffers.
const stallRequestBytes = 1 << 20

// sendBuffer returns how much the system's send buffer of one connection may
// hold.
func sendBuffer() int {
	const usual = 4 << 20
	var low, normal, high int
	limits, err := os.ReadFile("/proc/sys/net/ipv4/tcp_wmem")
	if err != nil {
		return usual
	}
	if _, err := fmt.Sscan(string(limits), &low, &normal, &high); err != nil {
		return usual
	}
	return high
}

// publishAtOnce publishes events on the publisher's next stream, and waits until they are
// acknowledged.
func (r *run) publishAtOnce(ctx context.Context, p *publisher, events, batch int) error {
	if r.o.Peer != nil {
		batch = 1
	}
	stream := p.next
	end := r.loop.now() + drainTimeout
	for events > 0 || p.waiting() > 0 {
		for ; events > 0 && p.waiting() < r.o.Pipeline; events -= batch {
			p.next = stream
			p.ask(min(events, batch), r.o.Payload, r.loop.now())
		}
		if err := p.flush(r.loop); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if err := r.step(ctx, end); err != nil {
			return err
		}
		if r.loop.now() > end {
			return fmt.Errorf("%d requests were not answered within %v", p.waiting(), drainTimeout)
		}
	}
	return nil
}

func (r *run) connectPublishers() error {
	for id := range r.o.Publishers {
		p, err := r.connectPublisher(id, &r.ledger)
		if err != nil {
			return err
		}
		r.publishers = append(r.publishers, p)
	}
	return nil
}

func (r *run) connectPublisher(id int, ledger *check.Ledger) (*publisher, error) {
	p := &publisher{dialect: &r.dialect, tally: &r.tally, next: id % r.o.Streams}
	for i := range r.o.Streams {
		stream := r.streamName(i)
		head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: ", r.dialect.Publish(stream), r.host, r.dialect.Fields)
		p.streams = append(p.streams, publishing{stream, ledger.NewPublisher(id, stream), head})
	}
	var err error
	if p.fd, err = dial(r.publishAddr, 0, nil); err != nil {
		return nil, err
	}
	return p, r.loop.add(p.fd, p)
}

// publish publishes what is due until the time.
func (r *run) publish(ctx context.Context, until time.Duration) error {
	interval := r.o.interval()
	for now := r.loop.now(); now < until; now = r.loop.now() {
		wake := until
		if interval == 0 {
			for _, p := range r.publishers {
				for p.waiting() < r.o.Pipeline {
					p.ask(r.o.Batch, r.o.Payload, now)
				}
			}
		} else {
			r.askDue(min(now, until), interval)
			wake = min(until, r.due)
		}
		for _, p := range r.publishers {
			if err := p.flush(r.loop); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		}
		switch {
		case interval == 0:
			pause(publishPause)
		case wake <= now:
			wake = until // every connection has as many requests as it may
		}
		if err := r.step(ctx, wake); err != nil {
			return err
		}
	}
	return nil
}

// askDue adds the requests that are due, as far as the connections may have
// them. Those that are late keep the time when they were due.
func (r *run) askDue(now, interval time.Duration) {
	for full := 0; r.due <= now && full < len(r.publishers); {
		p := r.publishers[r.turn]
		r.turn = (r.turn + 1) % len(r.publishers)
		if p.waiting() >= r.o.Pipeline {
			full++
			continue
		}
		full = 0
		p.ask(r.o.Batch, r.o.Payload, r.due)
		r.due += interval
	}
}

// publishBacklog publishes what a replay is about, and returns the position
// before it.
func (r *run) publishBacklog(ctx context.Context) (cursor string, err error) {
	if cursor, err = r.firstPosition(ctx); err != nil {
		return "", err
	}
	if err := r.connectPublishers(); err != nil {
		return "", err
	}
	if err := r.publishAtOnce(ctx, r.publishers[0], r.o.Backlog, 1000); err != nil {
		return "", err
	}
	r.tally = tally{unpacked: r.tally.unpacked}
	return cursor, nil
}

// firstPosition returns the position that the server tells a subscriber before there is an event,
// and a peer with an event of its own.
func (r *run) firstPosition(ctx context.Context) (string, error) {
	first := newSubscriber("the first subscriber", r.streamName(0), &r.tally, newTranscript(1), &r.o)
	if err := r.open(first, r.streamName(0), ""); err != nil {
		return "", err
	}
	end := r.loop.now() + answerTimeout
	for published := r.o.Peer == nil; first.check.Cursor() == "" && r.loop.now() < end; {
		if first.begun && !published {
			published = true
			p, err := r.connectPublisher(0, new(check.Ledger)) // nobody else gets it
			if err != nil {
				return "", err
			}
			if err := r.publishAtOnce(ctx, p, 1, 1); err != nil {
				return "", err
			}
		}
		if err := r.step(ctx, end); err != nil {
			return "", err
		}
	}
	cursor := first.check.Cursor()
	if cursor == "" {
		return "", errors.New("the server sends no position: it has no replay")
	}
	r.loop.drop(first.fd, nil)
	return cursor, nil
}
