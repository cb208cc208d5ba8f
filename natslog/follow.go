package natslog

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	askEvery   = time.Second      // whether the log is what it was
	applyMost  = 1024             // events at once, or what a batch has
	resumeMost = 30 * time.Second // for so long an instance that lost touch can go on where it was, whatever was deleted
	suspectFor = 5                // times it is looked before a log is given up: a server may lag after it has begun
)

var (
	errMissed   = errors.New("messages were lost on the way")
	errBehind   = errors.New("events were deleted before they came here")
	errReplaced = errors.New("the log was replaced")
)

// A session follows the log for as long as that works.
type session struct {
	log             *Log
	events, control *feed
	partial         []message       // of a batch of which the rest is to come
	held            []controlRecord // that are of events that are to come
	seen            uint64          // the newest event when it was looked last
}

// begin goes on where the instance is, or reads everything if it has to or is told to.
func (l *Log) begin(ctx context.Context, reload bool) (*session, error) {
	info, at, err := l.look(ctx)
	if err != nil {
		return nil, err
	}
	known := l.replica.Known()
	switch {
	case known && (at == changed || at == missing):
		if l.suspicions++; l.suspicions < suspectFor {
			return nil, errReplaced
		}
		l.logger.Error("NATS has lost events that were appended, or has others in their place: the log begins a new epoch",
			"head", l.replica.Position().String())
		if at == changed {
			info, err = l.renew(ctx, info)
		} else {
			info, err = l.ensure(ctx)
		}
	case !known || at == elsewhere:
		info, err = l.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	l.suspicions = 0
	s := &session{log: l}
	nothingDeleted := time.Since(l.health.touched()) < resumeMost || deleted(info) == l.deleted
	if known && at == continues && !reload && nothingDeleted {
		err = s.resume(ctx, info)
	} else {
		err = s.load(ctx, info)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	l.deleted = deleted(info)
	l.health.touch()
	return s, nil
}

// resume goes on where the instance is.
func (s *session) resume(ctx context.Context, info *jetstream.StreamInfo) (err error) {
	l := s.log
	records, err := l.stream(ctx, l.controlConfig())
	if err != nil {
		return err
	}
	l.mu.Lock()
	if records.State.LastSeq < l.control { // somebody has deleted them: they are written anew
		l.control, l.trash.records = 0, mostRecords
	}
	epoch, last, control := l.epoch, l.last.seq, l.control
	l.mu.Unlock()
	if s.events, err = l.openFeed(ctx, l.name, last+1); err != nil {
		return err
	}
	if s.seen = info.State.LastSeq; s.events.pending == 0 && s.seen > last {
		return errBehind // what came meanwhile was deleted meanwhile
	}
	s.control, err = l.openControl(ctx, epoch, control+1)
	return err
}

func (s *session) close() {
	if s.events != nil {
		s.events.close()
	}
	if s.control != nil {
		s.control.close()
	}
}

// follow applies what is new, until the context ends.
func (l *Log) follow(ctx context.Context, s *session) {
	failing := false
	for {
		err := s.run(ctx)
		s.close()
		l.logger.Debug("the log in NATS is to be followed anew", "reason", err)
		for s = nil; s == nil; {
			if ctx.Err() != nil {
				return
			}
			s, err = l.begin(ctx, errors.Is(err, errBehind))
			switch {
			case err == nil, errors.Is(err, errBehind):
			case errors.Is(err, errReplaced):
				sleep(ctx, askEvery/2)
			default:
				if !failing && ctx.Err() == nil {
					l.logger.Error("the log in NATS can't be read, will go on trying", "error", err)
				}
				failing = true
				sleep(ctx, 200*time.Millisecond)
			}
		}
		if failing {
			failing = false
			l.logger.Info("the log in NATS can be read again")
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// run follows the log until the context ends or something is wrong.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() { watched <- s.watch(ctx) }()
	err := func() error {
		for {
			select {
			case err := <-watched:
				watched <- err
				return err
			case m, ok := <-s.control.messages:
				if !ok {
					return s.control.err
				}
				if err := s.applyControl(m); err != nil {
					return err
				}
			case m, ok := <-s.events.messages:
				if !ok {
					return s.events.err
				}
				if err := s.applyFrom(m); err != nil {
					return err
				}
			}
		}
	}()
	cancel()
	<-watched
	return err
}

// watch looks now and then whether the log is still what it was, until the context ends.
func (s *session) watch(ctx context.Context) error {
	l := s.log
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			l.probe(ctx)
		case <-l.wake:
		}
		if err := s.check(ctx); err != nil {
			return err
		}
	}
}

func (s *session) check(ctx context.Context) error {
	l := s.log
	ctx, cancel := context.WithTimeout(ctx, 2*askEvery)
	defer cancel()
	info, at, err := l.look(ctx)
	switch {
	case err != nil:
		return nil // where nothing can be read, the feeds end
	case at != continues:
		return errReplaced
	}
	l.mu.Lock()
	last := l.last.seq
	l.mu.Unlock()
	if last < s.seen { // for as long as since it was looked last
		state, err := s.events.consumer.Info(ctx)
		if err == nil && state.NumPending == 0 && state.Delivered.Stream < s.seen {
			return errBehind
		}
	} else {
		l.health.touch()
	}
	s.seen, l.deleted = info.State.LastSeq, deleted(info)
	return nil
}

// deleted returns how many events were deleted. It never falls as long as the log is the
// same.
func deleted(info *jetstream.StreamInfo) uint64 { return info.State.LastSeq - info.State.Msgs }

// applyFrom applies the message and those that have come after it.
func (s *session) applyFrom(m jetstream.Msg) error {
	for n := 1; ; n++ {
		one, err := s.log.delivered(m)
		if err != nil {
			return err
		}
		s.partial = append(s.partial, one)
		if n >= applyMost && !one.more {
			break
		}
		var more bool
		select {
		case m, more = <-s.events.messages:
		default:
		}
		if !more {
			break
		}
	}
	return s.apply()
}

// apply applies what has come, but for a batch that is not complete.
func (s *session) apply() error {
	n := len(s.partial)
	for n > 0 && s.partial[n-1].more {
		n--
	}
	if n == 0 {
		return nil
	}
	whole := s.partial[:n]
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	records := make([]replica.Record, 0, n)
	for i := range whole {
		m := &whole[i]
		if m.seq != l.last.seq+1 {
			return errBehind
		}
		if l.note(m); !m.foreign {
			records = append(records, replica.Record{Seq: m.seq, Appended: time.UnixMilli(m.appended), Event: m.event})
		}
	}
	l.replica.Apply(records)
	for i := range whole {
		l.stored(&whole[i])
	}
	l.progress()
	s.partial = append(s.partial[:0], s.partial[n:]...)
	s.applyHeld()
	return nil
}

// catchUp waits until everything is applied that has been appended so far.
func (l *Log) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	if !l.conn.IsConnected() {
		return errors.New("NATS can't be reached")
	}
	info, at, err := l.look(ctx)
	if err != nil {
		return err
	}
	if at != continues {
		l.poke()
	}
	return l.await(ctx, func() bool {
		switch at {
		case continues:
			return l.last.seq >= info.State.LastSeq
		case elsewhere:
			return formatEpoch(l.epoch) == info.Config.Metadata[metaEpoch]
		}
		return false // until the context ends: it is not certain yet
	})
}
