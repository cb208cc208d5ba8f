package redislog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
)

const (
	pageEntries = 1024        // of the ordered log that are read at once
	askEvery    = time.Second // whether there is something new, whoever says so or not
)

// entry is what an entry of the ordered log says: an event, or that a stream was
// forgotten.
type entry struct {
	id     entryID
	event  streamgauge.Event
	forget string
}

// poke has the log read soon.
func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// listen hears from other instances, until the context ends, that there is something new.
// What they say may be lost; follow asks anyway.
func (l *Log) listen(ctx context.Context) {
	hooked := rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { l.poke() })
	for ctx.Err() == nil {
		_ = l.client.Receive(hooked, l.client.B().Ssubscribe().Channel(l.key("wake")).Build(), func(m rueidis.PubSubMessage) {
			if id, ok := parseID(m.Message); ok && !l.knows(id) {
				l.poke()
			}
		})
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
	if !l.applying.TryLock() {
		return false
	}
	defer l.applying.Unlock()
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

// catchUp applies what has been appended. The context bounds only how long it waits for
// who is at it already; Redis has five seconds.
func (l *Log) catchUp(ctx context.Context) error {
	l.applying.Lock()
	defer l.applying.Unlock()
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	for {
		entries, state, err := l.since(ctx)
		switch {
		case err != nil:
			return err
		case state == lost:
			return l.load(ctx)
		}
		l.apply(entries)
		if len(entries) < pageEntries-1 {
			return nil
		}
	}
}

type continuity int

const (
	continues continuity = iota
	lost                 // what follows the newest entry here is not there, or of another log
)

// since reads what follows the newest entry that was applied. That very entry is read
// once more: if it is another now, this is not the log that it was.
func (l *Log) since(ctx context.Context) ([]entry, continuity, error) {
	first := l.last.String()
	if l.last == (entryID{}) {
		first = "-"
	}
	epoch, _ := l.standing()
	answers := l.client.DoMulti(ctx,
		l.client.B().Xrange().Key(l.key("log")).Start(first).End("+").Count(pageEntries).Build(),
		// Read afterwards: if the epoch is still the same, so it was before.
		l.client.B().Hget().Key(l.key("meta")).Field("epoch").Build())
	raw, err := answers[0].AsXRange()
	if err != nil {
		return nil, 0, err
	}
	now, err := answers[1].ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, 0, err
	}
	if now != formatEpoch(epoch) {
		return nil, lost, nil
	}
	if l.last != (entryID{}) {
		if len(raw) == 0 || raw[0].ID != first {
			return nil, lost, nil
		}
		raw = raw[1:]
	} else if len(raw) == pageEntries || len(raw) > 0 && !strings.HasPrefix(raw[0].ID, "1-") {
		return nil, lost, nil // too much has come since
	}
	entries := make([]entry, len(raw))
	for i := range raw {
		if err := entries[i].parse(raw[i]); err != nil {
			return nil, 0, err
		}
	}
	return entries, continues, nil
}

func (e *entry) parse(raw rueidis.XRangeEntry) error {
	id, ok := parseID(raw.ID)
	if !ok {
		return fmt.Errorf("the log has an entry %q, which is none of ours", raw.ID)
	}
	e.id = id
	if id.appended >= forgotten {
		e.forget = raw.FieldValues["f"]
		return nil
	}
	e.event.Stream = raw.FieldValues["s"]
	if !parseBody(raw.FieldValues["e"], &e.event) || streamgauge.CheckStream(e.event.Stream) != nil {
		return fmt.Errorf("the log's entry %s makes no sense", raw.ID)
	}
	return nil
}

// apply makes the entries known, which follow what is known.
func (l *Log) apply(entries []entry) {
	if len(entries) == 0 {
		return
	}
	events := make([]streamgauge.Event, 0, len(entries))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		if e.forget != "" {
			l.index.Forget(e.forget)
			continue
		}
		l.index.Skip(e.id.seq-1, false)
		one := append(events, e.event)[len(events):]
		l.index.Stamp(one, e.id.time())
		events = events[:len(events)+1]
		l.index.Add(entryOf(&one[0], e.id))
	}
	l.last = entries[len(entries)-1].id
	l.recent.Add(events)
}

func entryOf(e *streamgauge.Event, id entryID) streamgauge.Entry[loc] {
	return streamgauge.Entry[loc]{
		Stream: e.Stream, Seq: id.seq, Appended: int64(id.appended), Key: e.Key, Size: len(e.Data),
		Loc: loc{e.Stream, id},
	}
}

// applyOwn makes what this instance has appended known, without reading it, if nobody
// else has appended anything meanwhile.
func (l *Log) applyOwn(ctx context.Context, epoch streamgauge.Epoch, group []*request, w written) error {
	l.applying.Lock()
	if now, _ := l.standing(); now != epoch || l.last != w.before {
		l.applying.Unlock()
		return l.catchUp(ctx)
	}
	defer l.applying.Unlock()
	var entries []entry
	for i, r := range group {
		o := &w.results[i]
		switch {
		case r.forget != "":
			if o.forgot != (entryID{}) {
				entries = append(entries, entry{id: o.forgot, forget: r.forget})
			}
		case !o.duplicate && !o.reused:
			for j := range r.batch.Events {
				id := entryID{o.first + uint64(j), w.appended}
				entries = append(entries, entry{id: id, event: r.batch.Events[j]})
			}
		}
	}
	l.apply(entries)
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
