package redislog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	pageEntries = 1024        // of the ordered log that are read at once
	askEvery    = time.Second // whether there is something new, whoever says so or not
	patience    = 5 * time.Second
)

// health is when an instance was last seen to do what it is there for. A connection that
// stands says little: it may be to a Redis that hangs, or to a replica.
type health struct {
	read, written, heard atomic.Int64 // in nanoseconds of Unix time
}

func (h *health) all() [3]*atomic.Int64 { return [...]*atomic.Int64{&h.read, &h.written, &h.heard} }

// Ready returns nil if Redis was written to and read, and a message went round through it
// to this instance, within the last five seconds; or else what fails.
func (l *Log) Ready() error {
	oldest := time.Now().Add(-patience).UnixNano()
	for i, what := range [...]string{"can't be read", "takes no writes", "delivers no messages"} {
		if at := l.health.all()[i].Load(); at < oldest {
			return fmt.Errorf("%w: Redis %s since %s", streamgauge.ErrUnavailable, what, time.Unix(0, at).UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// probe writes and has a message come back to this instance.
func (l *Log) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	answers := l.client.DoMulti(ctx,
		l.client.B().Set().Key(l.key("probe")).Value(l.instance).ExSeconds(60).Build(),
		l.client.B().Spublish().Channel(l.key("wake")).Message(probeMessage+l.instance).Build())
	if answers[0].Error() == nil {
		l.health.written.Store(time.Now().UnixNano())
	}
}

const probeMessage = "probe "

// poke has the log read soon.
func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// listen hears from other instances, until the context ends, that there is something new.
// What they say may be lost; follow asks anyway. A subscription that brings nothing, not
// even what this instance says to itself, is given up for another.
func (l *Log) listen(ctx context.Context) {
	for ctx.Err() == nil {
		listening, giveUp := context.WithCancel(ctx)
		deaf := time.AfterFunc(patience, giveUp)
		hooked := rueidis.WithOnSubscriptionHook(listening, func(rueidis.PubSubSubscription) { l.poke() })
		_ = l.client.Receive(hooked, l.client.B().Ssubscribe().Channel(l.key("wake")).Build(), func(m rueidis.PubSubMessage) {
			if m.Message == probeMessage+l.instance {
				l.health.heard.Store(time.Now().UnixNano())
				deaf.Reset(patience)
			} else if id, ok := parseID(m.Message); ok && !l.knows(id) {
				l.poke()
			}
		})
		deaf.Stop()
		giveUp()
		sleep(ctx, 200*time.Millisecond)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// knows reports whether the entry has been applied.
func (l *Log) knows(id entryID) bool {
	select {
	case l.applying <- struct{}{}:
		defer func() { <-l.applying }()
	default:
		return false
	}
	return !id.after(l.last)
}

func (id entryID) after(other entryID) bool {
	return id.seq > other.seq || id.seq == other.seq && id.appended > other.appended
}

// follow applies what is new, until the context ends.
func (l *Log) follow(ctx context.Context) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-ticker.C:
			l.probe(ctx)
		}
		err := l.catchUp(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !failing:
			l.logger.Error("the log in Redis can't be read, will go on trying", "error", err)
		case err == nil && failing:
			l.logger.Info("the log in Redis can be read again")
		}
		failing = err != nil
	}
}

// catchUp applies what has been appended so far.
func (l *Log) catchUp(all context.Context) error {
	ctx, cancel := context.WithTimeout(all, commandTimeout)
	defer cancel()
	// Many may want to know while Redis hangs: none waits longer for the others.
	select {
	case l.applying <- struct{}{}:
		defer func() { <-l.applying }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		records, last, state, err := l.since(ctx)
		switch {
		case err != nil:
			return err
		case state == changed:
			head := l.replica.Position()
			l.logger.Error("Redis has lost events that were appended, or has others in their place: the log begins a new epoch", "head", head.String())
			if err := l.renew(ctx, head.Epoch); err != nil {
				return err
			}
			fallthrough
		case state == elsewhere:
			return l.load(all) // which takes as long as there is much
		}
		l.replica.Apply(records)
		l.last = last
		if len(records) < pageEntries-1 { // the page was not full
			l.health.read.Store(time.Now().UnixNano())
			return nil
		}
	}
}

// continuity is how what is in Redis goes with what is known here.
type continuity int

const (
	continues continuity = iota
	elsewhere            // it is another log, or it is far ahead
	changed              // what is known here was lost there, or is another
)

// since reads what follows the newest entry that was applied. That very entry is read
// once more: if it is another now, this is not the log that it was.
func (l *Log) since(ctx context.Context) (records []replica.Record, last entryID, at continuity, err error) {
	begun := l.last != (entryID{})
	first := "-"
	if begun {
		first = l.last.String()
	}
	answers := l.client.DoMulti(ctx,
		l.client.B().Xrange().Key(l.key("log")).Start(first).End("+").Count(pageEntries).Build(),
		// Read afterwards: if the epoch is still the same, so it was before.
		l.client.B().Hget().Key(l.key("meta")).Field("epoch").Build())
	raw, err := answers[0].AsXRange()
	if err != nil {
		return nil, last, 0, err
	}
	now, err := answers[1].ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, last, 0, err
	}
	if now != formatEpoch(l.replica.Position().Epoch) {
		return nil, last, elsewhere, nil
	}
	if begun && (len(raw) == 0 || raw[0].ID != first) {
		oldest, err := l.client.Do(ctx, l.client.B().Xrange().Key(l.key("log")).Start("-").End("+").Count(1).Build()).AsXRange()
		if err != nil {
			return nil, last, 0, err
		}
		if len(oldest) > 0 {
			if id, ok := parseID(oldest[0].ID); ok && id.after(l.last) {
				return nil, last, elsewhere, nil // it was trimmed past where this instance was
			}
		}
		return nil, last, changed, nil
	}
	if begun {
		raw = raw[1:]
	} else if len(raw) > 0 && !strings.HasPrefix(raw[0].ID, "1-") {
		return nil, last, elsewhere, nil
	}
	records, last = make([]replica.Record, len(raw)), l.last
	for i := range raw {
		if last, err = parseEntry(raw[i], &records[i]); err != nil {
			return nil, last, 0, err
		}
	}
	return records, last, continues, nil
}

// renew gives the log another epoch, as Redis has lost what this instance knows.
func (l *Log) renew(ctx context.Context, epoch streamgauge.Epoch) error {
	return renewScript.run(ctx, l.client, []string{l.key("meta")},
		[]string{formatEpoch(epoch), formatEpoch(streamgauge.NewEpoch())}).Error()
}

// parseEntry parses an entry of the ordered log.
func parseEntry(raw rueidis.XRangeEntry, r *replica.Record) (entryID, error) {
	id, ok := parseID(raw.ID)
	if !ok {
		return id, fmt.Errorf("the log has an entry %q, which is none of ours", raw.ID)
	}
	r.Seq = id.seq
	if id.appended >= forgotten {
		r.Forget = raw.FieldValues["f"]
		return id, nil
	}
	r.Appended, r.Event.Stream = id.time(), raw.FieldValues["s"]
	if !replica.ParseBody(raw.FieldValues["e"], &r.Event) || streamgauge.CheckStream(r.Event.Stream) != nil {
		return id, fmt.Errorf("the log's entry %s makes no sense", raw.ID)
	}
	return id, nil
}

// applyOwn makes what this instance has appended known, without reading it, if nobody
// else has appended anything meanwhile.
func (l *Log) applyOwn(ctx context.Context, epoch streamgauge.Epoch, group []*request, w written) error {
	l.applying <- struct{}{}
	if l.replica.Position().Epoch != epoch || l.last != w.before {
		<-l.applying
		return l.catchUp(ctx)
	}
	defer func() { <-l.applying }()
	var records []replica.Record
	appended := entryID{appended: w.appended}.time()
	for i, r := range group {
		o := &w.results[i]
		switch {
		case r.forget != "":
			if o.forgot != (entryID{}) {
				records = append(records, replica.Record{Seq: o.forgot.seq, Forget: r.forget})
			}
		case !o.duplicate && !o.reused:
			for j := range r.batch.Events {
				records = append(records, replica.Record{Seq: o.first + uint64(j), Appended: appended, Event: r.batch.Events[j]})
			}
		}
	}
	l.replica.Apply(records)
	l.last = w.last
	return nil
}

func formatEpoch(e streamgauge.Epoch) string { return strconv.FormatUint(uint64(e), 36) }

func parseEpoch(text string) (streamgauge.Epoch, error) {
	n, err := strconv.ParseUint(text, 36, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("the log's epoch is %q, which is none", text)
	}
	return streamgauge.Epoch(n), nil
}
