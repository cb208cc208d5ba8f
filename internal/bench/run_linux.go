package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/streamgauge/streamgauge/internal/check"
)

const (
	answerTimeout = 30 * time.Second       // for all subscribers to be answered
	settleTime    = 500 * time.Millisecond // until memory is read
	drainTimeout  = 15 * time.Second       // for what was published to arrive
	mostUnanswer  = 256                    // connections that wait for an answer at a time

	// A client that waits for every single answer makes the server pay for
	// waking it, which on one machine costs more than the request. So where
	// there are many on the way, it looks only so often.
	publishPause = 100 * time.Microsecond
)

// A run is one measurement.
type run struct {
	o           Options
	dialect     Dialect
	addr        netip.AddrPort
	publishAddr netip.AddrPort // of who is published to
	host        string
	stream      string // the first part of every stream's name, of this run only
	loop        *loop
	process     *process
	pid         int

	ledger      check.Ledger
	tally       tally
	subscribers []*subscriber
	publishers  []*publisher
	stalled     []int
	transcripts []*transcript // by stream
	result      Result

	due  time.Duration // of the next request
	turn int           // publisher
}

// errLate is how an attempt at a ceiling ends that is too high.
var errLate = errors.New("events come too late")

// late reports whether fewer events came in time than the options want.
func (r *run) late() bool {
	p99 := r.tally.latency.quantile(0.99)
	due := r.o.Rate * float64(r.o.Subscribers) / float64(r.o.Streams)
	return p99 > r.o.Latency || r.result.DeliveriesPerSecond < 0.95*due
}

// Run measures. It returns an error if the run could not be made, and a result
// also when guarantees were broken. It takes as long as the options say, and at
// most a minute more.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.URL == "" && o.Server == nil {
		return nil, errors.New("neither a URL nor a server is given")
	}
	if o.Mode == Ceiling {
		return findCeiling(ctx, o)
	}
	return runOnce(ctx, o)
}

func runOnce(ctx context.Context, o Options) (*Result, error) {
	// All of the client's work is on this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &run{o: o, dialect: o.Peer.complete(), stream: "bench." + strconv.FormatInt(time.Now().UnixNano(), 36)}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.measure(ctx); err != nil {
		return nil, err
	}
	r.conclude()
	return &r.result, nil
}

func (r *run) close() {
	for _, fd := range r.stalled {
		unix.Close(fd)
	}
	if r.loop != nil {
		r.loop.close()
	}
	if r.process != nil {
		r.process.stop()
	}
}

// prepare brings the server and the loop up.
func (r *run) prepare(ctx context.Context) (err error) {
	if err := enoughFiles(r.o.Subscribers + r.o.Stalled + r.o.Publishers); err != nil {
		return err
	}
	r.pid, r.host = r.o.PID, ""
	if r.o.URL == "" {
		if r.process, r.host, err = r.o.Server.start(ctx, r.o.ServerCPU); err != nil {
			return err
		}
		r.pid = r.process.pid
	} else {
		r.host = hostOf(r.o.URL)
	}
	if r.addr, err = resolve(r.host); err != nil {
		return err
	}
	if r.publishAddr = r.addr; r.o.PublishURL != "" {
		if r.publishAddr, err = resolve(hostOf(r.o.PublishURL)); err != nil {
			return err
		}
	}
	if r.o.ClientCPU >= 0 {
		if err := pinSelf(r.o.ClientCPU); err != nil {
			return err
		}
	}
	for range r.o.Streams {
		r.transcripts = append(r.transcripts, newTranscript(r.o.Streams))
	}
	r.tally.unpacked = newUnpacked()
	r.loop, err = newLoop()
	return err
}

// hostOf returns a URL's host and port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil: // Validate has seen it
		return ""
	case u.Port() == "":
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

func resolve(host string) (netip.AddrPort, error) {
	tcp, err := net.ResolveTCPAddr("tcp", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find the server: %w", err)
	}
	return netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), uint16(tcp.Port)), nil
}

// enoughFiles reports whether a run may have so many connections.
func enoughFiles(connections int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	const spare = 64 // the program's own, and the server's beside its connections
	if uint64(connections)+spare > limit.Cur {
		return fmt.Errorf("%d connections need %d open files, but this process may have %d: raise it with ulimit -n", connections, connections+spare, limit.Cur)
	}
	return nil
}

func (r *run) measure(ctx context.Context) error {
	r.result.MemoryBytes = r.resident()
	switch r.o.Mode {
	case Idle:
		return r.idle(ctx)
	case Replay:
		return r.replay(ctx)
	default:
		return r.fanOut(ctx)
	}
}

func (r *run) idle(ctx context.Context) error {
	if err := r.subscribe(ctx, ""); err != nil {
		return err
	}
	if err := r.wait(ctx, settleTime); err != nil {
		return err
	}
	before := r.usage()
	if err := r.wait(ctx, r.o.Duration); err != nil {
		return err
	}
	r.record(before)
	r.result.IdleBytesPerSubscriber = r.perSubscriber()
	return nil
}

// replay lets everyone resume behind a backlog at once.
func (r *run) replay(ctx context.Context) error {
	cursor, err := r.publishBacklog(ctx)
	if err != nil {
		return err
	}
	before := r.usage()
	r.tally.backlog = uint64(r.o.Backlog)
	if err := r.subscribe(ctx, cursor); err != nil {
		return err
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	r.record(before)
	r.result.AfterBytesPerSubscriber = r.perSubscriber()
	return nil
}

// fanOut publishes and reads: first to warm up, then measured.
func (r *run) fanOut(ctx context.Context) error {
	if err := r.stall(ctx); err != nil {
		return err
	}
	if err := r.subscribe(ctx, ""); err != nil {
		return err
	}
	// Last: a server may let go of a connection that asks for nothing while many subscribe.
	if err := r.connectPublishers(); err != nil {
		return err
	}
	if err := r.wait(ctx, settleTime); err != nil {
		return err
	}
	if r.o.Stalled == 0 {
		r.result.IdleBytesPerSubscriber = r.perSubscriber()
	}
	r.due = r.loop.now()
	r.tally.from = r.due + r.o.Warmup
	r.tally.to = r.tally.from + r.o.Duration
	if err := r.publish(ctx, r.tally.from); err != nil {
		return err
	}
	before := r.usage()
	if err := r.publish(ctx, r.tally.to); err != nil {
		return err
	}
	r.record(before)
	if r.o.Mode == Ceiling && r.late() {
		return errLate
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	r.result.AfterBytesPerSubscriber = r.perSubscriber()
	if r.o.Mode == Ceiling && r.late() { // with what has come meanwhile
		return errLate
	}
	return nil
}

// step serves the connections until the deadline at the latest, unless the
// context has ended or something is wrong.
func (r *run) step(ctx context.Context, deadline time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.tally.fault != nil {
		return r.tally.fault
	}
	if r.process != nil {
		select {
		case <-r.process.exited:
			return errors.New("the server ended during the run")
		default:
		}
	}
	// A context that ends must be noticed.
	return r.loop.step(min(deadline, r.loop.now()+100*time.Millisecond))
}

func (r *run) wait(ctx context.Context, d time.Duration) error {
	for end := r.loop.now() + d; r.loop.now() < end; {
		if err := r.step(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) streamName(i int) string { return r.stream + "." + strconv.Itoa(i) }

// getRequest subscribes, after a position if there is one.
func (r *run) getRequest(stream, cursor string) []byte {
	p := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n", r.dialect.Subscribe(stream), r.host)
	if r.o.WebSocket { // the key is the RFC's example: nobody caches this answer
		p = append(p, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"...)
	} else {
		p = append(p, "Accept: text/event-stream\r\n"...)
	}
	if r.o.Gzip {
		p = append(p, "Accept-Encoding: gzip\r\n"...)
	}
	if cursor != "" {
		p = fmt.Appendf(p, "Last-Event-ID: %s\r\n", cursor)
	}
	return append(p, "\r\n"...)
}

// subscribe connects all subscribers and waits until the server has answered
// each.
func (r *run) subscribe(ctx context.Context, cursor string) error {
	end := r.loop.now() + answerTimeout
	for i := range r.o.Subscribers {
		for i-r.tally.begun >= mostUnanswer && r.loop.now() < end {
			if err := r.step(ctx, end); err != nil {
				return err
			}
		}
		stream := r.streamName(i % r.o.Streams)
		s := newSubscriber("subscriber "+strconv.Itoa(i), stream, &r.tally, r.transcripts[i%r.o.Streams], &r.o)
		if cursor == "" {
			s.check.Live(&r.ledger) // nobody publishes now
		}
		if err := r.open(s, stream, cursor); err != nil {
			return err
		}
		r.subscribers = append(r.subscribers, s)
		if i%16 == 0 {
			if err := r.step(ctx, 0); err != nil {
				return err
			}
		}
	}
	for r.tally.begun < len(r.subscribers) {
		if err := r.step(ctx, end); err != nil {
			return err
		}
		if r.loop.now() > end {
			return fmt.Errorf("%d of %d subscribers were not answered within %v", len(r.subscribers)-r.tally.begun, len(r.subscribers), answerTimeout)
		}
	}
	return nil
}

func (r *run) open(s *subscriber, stream, cursor string) (err error) {
	s.opened = r.loop.now()
	if s.fd, err = dial(r.addr, 0, r.getRequest(stream, cursor)); err != nil {
		return err
	}
	return r.loop.add(s.fd, s)
}

// drain waits until everything that was published is acknowledged and has
// arrived. What has not after a time is for the checker to say.
func (r *run) drain(ctx context.Context) error {
	missing, last := 0, uint64(0)
	latest := r.loop.now() + 3*drainTimeout
	for end := r.loop.now() + drainTimeout; r.loop.now() < min(end, latest); {
		if err := r.step(ctx, r.loop.now()+time.Millisecond); err != nil {
			return err
		}
		waiting := 0
		for _, p := range r.publishers {
			waiting += p.waiting()
		}
		if waiting > 0 {
			continue
		}
		for missing < len(r.subscribers) {
			if s := r.subscribers[missing]; s.dropped == nil && !s.check.CaughtUp(&r.ledger) {
				break
			}
			missing++
		}
		if missing == len(r.subscribers) {
			return nil
		}
		// What still comes is not lost but late.
		if r.tally.delivered > last {
			last = r.tally.delivered
			end = max(end, r.loop.now()+drainTimeout/5)
		}
	}
	return nil
}
