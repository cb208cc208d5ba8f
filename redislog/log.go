// Package redislog is Streamgauge's log in Redis 7 or Valkey, for several instances at
// once: all of them append to one log, and each can resume every client.
//
// # How it is kept
//
// One script appends each batch, all or none of it, to an ordered log and to a history
// for every stream, both of them Redis streams; Redis numbers the events. Every instance
// keeps an index of what is kept and the newest events in memory, so that hardly any
// replay reaches Redis. Messages between instances say that there is something new, and
// nothing else: what it is, each reads in the log, and it asks every second in any case.
//
// All keys begin with "{name}:", the name being that of the log, so that they are in one
// slot: a Redis Cluster makes a log more available, and no faster.
package redislog

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

// Options says how a log is opened. The zero value is ready.
type Options struct {
	// Rules say what is kept. All instances of a log should have the same.
	Rules streamgauge.Rules

	// Logger is told of lost events and of a Redis that can't be reached. Nil is
	// silence.
	Logger *slog.Logger

	// Now is the clock that appends go by, for tests. Nil is that of Redis, so that
	// instances whose clocks differ agree.
	Now func() time.Time
}

// commandTimeout bounds how long Redis may take to answer.
const commandTimeout = 5 * time.Second

// Log is a [streamgauge.Log] in Redis. Its methods may be called from any number of
// goroutines at once.
type Log struct {
	replica  *replica.Replica
	client   rueidis.Client
	prefix   string // of all keys
	rules    streamgauge.Rules
	logger   *slog.Logger
	now      func() time.Time
	instance string // tells instances apart
	level    streamgauge.Level

	health  health
	appends chan *request
	wake    chan struct{} // capacity 1: there may be something new

	applying chan struct{}              // capacity 1: full while the log is read and applied
	last     entryID                    // of the newest entry of the ordered log that was applied
	left     map[streamgauge.Epoch]bool // epochs that were over, held with last

	stop       context.CancelFunc
	stopped    <-chan struct{} // closed by stop
	background sync.WaitGroup
}

var _ streamgauge.Log = (*Log)(nil)

// Open opens the log at an address such as
//
//	redis://user:password@host:6379/0
//
// beginning it if there is none. With rediss:// the connection is encrypted. These
// parameters may follow a "?":
//
//   - log: the log's name. Default: streamgauge.
//   - addr: the address of another node of a Cluster, or another Sentinel; may be repeated.
//   - master_set: the name by which the Sentinels at the addresses know the Redis.
//   - db: the database's number.
//   - sentinel_user, sentinel_password: by which the Sentinels know who asks.
//   - skip_verify=true: any certificate is accepted.
//   - dial_timeout: such as 5s.
//
// Errors never contain the password.
func Open(ctx context.Context, address string, options *Options) (*Log, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	client, name, err := connect(address)
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Log{
		client: client, prefix: "{" + name + "}:", rules: o.Rules, logger: o.Logger, now: o.Now,
		left:     make(map[streamgauge.Epoch]bool),
		applying: make(chan struct{}, 1),
		instance: strconv.FormatUint(rand.Uint64(), 36),
		appends:  make(chan *request), wake: make(chan struct{}, 1), stop: stop, stopped: background.Done(),
	}
	for _, at := range l.health.all() {
		at.Store(time.Now().UnixNano())
	}
	l.replica = replica.New(source{l}, o.Rules, l.clock, o.Logger)
	err = l.inspect(ctx)
	if err == nil {
		l.applying <- struct{}{}
		err = l.load(ctx)
		<-l.applying
	}
	if err != nil {
		stop()
		client.Close()
		return nil, fmt.Errorf("open log: %w", err)
	}
	l.background.Go(func() { l.write(background) })
	l.background.Go(func() { l.listen(background) })
	l.background.Go(func() { l.follow(background) })
	l.background.Go(func() { l.clean(background) })
	return l, nil
}

func connect(address string) (rueidis.Client, string, error) {
	options, name, err := parseAddress(address)
	if err != nil {
		return nil, "", err
	}
	client, err := rueidis.NewClient(options)
	if err != nil {
		return nil, "", err
	}
	return client, name, nil
}

func (l *Log) key(name string) string { return l.prefix + name }

// Head implements [streamgauge.Log].
func (l *Log) Head(ctx context.Context) (streamgauge.Position, error) { return l.replica.Head(ctx) }

// Read implements [streamgauge.Log].
func (l *Log) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	return l.replica.Read(ctx, q)
}

// Tail implements [streamgauge.Log]. It ends with [streamgauge.ErrEpoch] when Redis turns
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

// clock is the wall clock by which age is judged.
func (l *Log) clock() time.Time {
	if l.now != nil {
		return l.now()
	}
	return time.Now()
}

// Close implements [streamgauge.Log].
func (l *Log) Close() error {
	if !l.replica.Close() {
		return nil
	}
	l.stop()
	l.background.Wait()
	l.client.Close()
	return nil
}

// unavailable says that Redis could not do something.
func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", streamgauge.ErrUnavailable, what, err)
}
