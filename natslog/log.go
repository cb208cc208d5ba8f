// Package natslog is Streamgauge's log in NATS JetStream, for several instances at once:
// all of them append to one log, and each can resume every client. It takes NATS 2.12 or
// newer.
//
// # How it is kept
//
// The log is a JetStream stream, which numbers the events; what an instance appends
// together is one atomic batch. Every instance reads the whole stream when it begins and
// follows it from then on; it keeps an index of what is kept and the newest events in
// memory, so that hardly any replay reaches NATS. What streams were forgotten and which
// events were trimmed is in a second, small stream, so that an instance that comes later
// knows it too. JetStream itself trims nothing: one of the instances deletes what no rule
// keeps any more.
//
// # What an acknowledgement is worth
//
// With one replica it says that the server has handed the events to its operating system:
// JetStream syncs its files every two minutes, unless its sync_interval is "always". With
// three replicas it says that two servers at least have them.
//
// # What NATS bounds
//
// A batch has at most 1,000 events, unless jetstream.limits.batch.max_msgs of the server
// says otherwise, and an event is not larger than its max_payload, which is 1 MB by
// default. What is more is refused as a whole.
package natslog

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

// Options says how a log is opened. The zero value is ready.
type Options struct {
	// Rules say what is kept. All instances of a log should have the same.
	Rules streamgauge.Rules

	// Logger is told of lost events and of a NATS that can't be reached. Nil is silence.
	Logger *slog.Logger

	// Now is the clock that appends go by, for tests. Nil is that of NATS, so that
	// instances whose clocks differ agree.
	Now func() time.Time
}

// commandTimeout bounds how long NATS may take to answer.
const commandTimeout = 5 * time.Second

// Log is a [streamgauge.Log] in NATS JetStream. Its methods may be called from any number
// of goroutines at once.
type Log struct {
	replica  *replica.Replica
	conn     *nats.Conn
	js       jetstream.JetStream
	name     string // of the stream with the events
	replicas int    // of a stream that is begun
	rules    streamgauge.Rules
	logger   *slog.Logger
	now      func() time.Time
	instance string       // tells instances apart
	ahead    atomic.Int64 // how far NATS' clock is ahead of this one's, in nanoseconds
	level    atomic.Value // a streamgauge.Level

	health           health
	presence         presence
	singles, batches chan *request
	limit            int           // events that NATS takes in one batch, as far as is known; writeBatches' alone
	wake             chan struct{} // capacity 1: look whether the log is what it was

	mu       sync.Mutex // guards what follows; held while records are applied
	state               // what is known of the log beside what the replica knows
	proof    mark       // an event that was applied a while ago
	trash    *trash
	ours     map[string]*operation // that are under way
	operated uint64                // how many operations there were
	changed  chan struct{}         // closed when something is applied

	suspicions int    // how often in a row the log did not look like what it was; follow's alone
	deleted    uint64 // events, when it was looked last; likewise

	stop       context.CancelFunc
	stopped    <-chan struct{} // closed by stop
	background sync.WaitGroup
}

// state is where an instance is in the log, and what appending takes.
type state struct {
	epoch    streamgauge.Epoch
	last     mark             // the newest event
	control  uint64           // the newest control record
	appended int64            // when the newest event was, in Unix milliseconds
	keys     streamgauge.Keys // idempotency keys
	buckets  map[string]uint64
}

func newState(epoch streamgauge.Epoch) state {
	return state{epoch: epoch, buckets: make(map[string]uint64)}
}

// note takes an event in. It makes its time one that does not run backwards.
func (st *state) note(m *message) {
	st.last = mark{m.seq, m.stored}
	st.appended = max(m.appended, st.appended)
	m.appended = st.appended
	if m.key.Key == "" {
		return
	}
	st.buckets[m.bucket] = m.seq
	m.key.Appended = m.appended
	st.noteKey(m.key)
}

func (st *state) noteKey(use streamgauge.KeyUse) {
	if _, found, err := st.keys.Find(use.Key, use.Fingerprint, time.UnixMilli(use.Appended)); !found && err == nil {
		st.keys.Add(use)
	}
}

// mark is an event by which it is seen whether the log is still the same.
type mark struct {
	seq    uint64
	stored time.Time
}

var _ streamgauge.Log = (*Log)(nil)

// Open opens the log at an address such as
//
//	nats://user:password@host:4222,host2:4222?log=streamgauge&replicas=3
//
// beginning it if there is none. With tls:// the connection is encrypted. These parameters
// may follow the "?":
//
//   - log: the log's name. Default: streamgauge.
//   - replicas: on how many servers a log that is begun is kept: 1, 3 or 5. Default: 1.
//   - creds: a file with the credentials.
//   - ca: a file with the certificates of those who may sign the servers'.
//
// A user without a password is a token. Errors never contain the password.
func Open(ctx context.Context, address string, options *Options) (*Log, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Log{
		name: a.name, replicas: a.replicas, rules: o.Rules, logger: o.Logger, now: o.Now,
		instance: strconv.FormatUint(rand.Uint64(), 36), limit: groupEvents,
		singles: make(chan *request), batches: make(chan *request), ours: make(map[string]*operation), wake: make(chan struct{}, 1), changed: make(chan struct{}),
		stop: stop, stopped: background.Done(),
	}
	l.health.begin()
	l.replica = replica.New(source{l}, o.Rules, l.clock, o.Logger)
	if err := l.connect(a); err != nil {
		stop()
		return nil, fmt.Errorf("open log: %w", err)
	}
	first, err := l.begin(ctx, true)
	if err == nil {
		err = l.listen()
	}
	if err != nil {
		stop()
		l.conn.Close()
		return nil, fmt.Errorf("open log: %w", err)
	}
	l.background.Go(func() { l.writeSingles(background) })
	l.background.Go(func() { l.writeBatches(background) })
	l.background.Go(func() { l.follow(background, first) })
	l.background.Go(func() { l.clean(background) })
	return l, nil
}

func (l *Log) connect(a address) (err error) {
	l.conn, err = nats.Connect(a.servers, append(a.options,
		nats.Name("streamgauge"),
		nats.SetCustomDialer(&dialer{net.Dialer{Timeout: dialTimeout}}),
		nats.Timeout(dialTimeout),
		nats.FlusherTimeout(writeTimeout),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials may be renewed a little late
		nats.ReconnectWait(100*time.Millisecond),
		nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.ReconnectBufSize(-1), // what was given up must not be sent later
		nats.PingInterval(time.Second),
		nats.MaxPingsOutstanding(3),
		nats.ReconnectHandler(func(*nats.Conn) { l.poke() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.logger.Debug("NATS connection", "error", err)
		}),
	)...)
	if err != nil {
		return err
	}
	if l.js, err = jetstream.New(l.conn, jetstream.WithDefaultTimeout(commandTimeout)); err == nil {
		err = checkVersion(l.conn.ConnectedServerVersion())
	}
	if err != nil {
		l.conn.Close()
	}
	return err
}

// Head implements [streamgauge.Log].
func (l *Log) Head(ctx context.Context) (streamgauge.Position, error) { return l.replica.Head(ctx) }

// Read implements [streamgauge.Log].
func (l *Log) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	return l.replica.Read(ctx, q)
}

// Tail implements [streamgauge.Log]. It ends with [streamgauge.ErrEpoch] when NATS turns
// out to have another log, or to have lost what was appended.
func (l *Log) Tail(ctx context.Context, after streamgauge.Position, deliver func([]streamgauge.Event) error) error {
	return l.replica.Tail(ctx, after, deliver)
}

// Streams implements [streamgauge.Log].
func (l *Log) Streams(ctx context.Context) ([]streamgauge.StreamInfo, error) {
	return l.replica.Streams(ctx)
}

// source is a log as its replica wants it.
type source struct{ log *Log }

func (s source) CatchUp(ctx context.Context) error { return s.log.catchUp(ctx) }

func (s source) Fetch(ctx context.Context, places []replica.Place) (map[uint64]streamgauge.Event, error) {
	return s.log.fetch(ctx, places)
}

// clock is the clock by which age is judged: NATS', or instances whose own ones differ
// would not agree on what is kept.
func (l *Log) clock() time.Time {
	if l.now != nil {
		return l.now()
	}
	return time.Now().Add(time.Duration(l.ahead.Load()))
}

// Close implements [streamgauge.Log].
func (l *Log) Close() error {
	if !l.replica.Close() {
		return nil
	}
	l.stop()
	l.background.Wait()
	l.conn.Close()
	return nil
}

// poke has it looked soon whether the log is what it was.
func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// progress wakes who waits for something to be applied. The mutex is held.
func (l *Log) progress() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// await waits until f holds. It calls f with the mutex held.
func (l *Log) await(ctx context.Context, f func() bool) error {
	for {
		l.mu.Lock()
		ok, changed := f(), l.changed
		l.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-l.stopped:
			return streamgauge.ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// unavailable says that NATS could not do something.
func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", streamgauge.ErrUnavailable, what, err)
}
