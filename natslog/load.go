package natslog

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	fetchers = 16              // requests for events under way at once
	loadWait = 2 * time.Second // for a message, before NATS is asked whether there is one

	newestEvents = 8192 // of those that were read, that are kept in memory, at least
	newestBytes  = 4 << 20
)

// load reads everything that is kept and begins anew with it. What is gone is read after
// the events: what was deleted before they could be read is known by then.
func (s *session) load(ctx context.Context, info *jetstream.StreamInfo) (err error) {
	l := s.log
	epoch, ok := parseEpoch(info.Config.Metadata[metaEpoch])
	if !ok {
		return errReplaced
	}
	if s.events, err = l.openFeed(ctx, l.name, 1); err != nil {
		return err
	}
	all := loaded{state: newState(epoch), gone: newGone(), names: make(map[string]string)}
	err = s.events.drain(ctx, func(m jetstream.Msg) (bool, error) {
		one, err := l.delivered(m)
		if err == nil {
			all.add(&one, strings.HasPrefix(one.id, l.instance+"."))
		}
		return one.seq >= info.State.LastSeq && !one.more, err
	})
	if err != nil {
		return err
	}
	all.last.seq = max(all.last.seq, info.State.LastSeq)
	if s.control, err = l.openControl(ctx, epoch, 1); err != nil {
		return err
	}
	err = s.control.drain(ctx, func(m jetstream.Msg) (bool, error) {
		r, err := l.parseControl(m)
		all.control = r.seq
		all.gone.add(&r)
		all.uses = append(all.uses, r.keys...)
		return false, err
	})
	if err != nil {
		return err
	}
	again, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return err
	}
	if again.CachedInfo().Config.Metadata[metaEpoch] != formatEpoch(epoch) {
		return errReplaced // meanwhile
	}
	s.seen = info.State.LastSeq
	l.replace(&all)
	return nil
}

// loaded is what a load has read.
type loaded struct {
	state
	entries []streamgauge.Entry[replica.Place]
	gone    *gone
	uses    []streamgauge.KeyUse
	ends    []message           // of this instance's operations
	newest  []streamgauge.Event // whole; without a hole
	bytes   int                 // of their data
	names   map[string]string   // of streams, each once
}

func (all *loaded) add(m *message, ours bool) {
	all.note(m)
	if m.foreign {
		return
	}
	name, known := all.names[m.event.Stream]
	if !known {
		name = strings.Clone(m.event.Stream)
		all.names[name] = name
	}
	m.event.Stream, m.event.Key = name, strings.Clone(m.event.Key) // or they would hold on to all of the message
	all.addNewest(m.event, m.seq)
	all.entries = append(all.entries, replica.EntryOf(&m.event, m.seq, time.UnixMilli(m.appended)))
	if ours {
		all.ends = append(all.ends, message{seq: m.seq, id: m.id})
	}
}

// addNewest keeps an event for those who come back after the instance has begun, unless it
// is among too many: they read the newest.
func (all *loaded) addNewest(e streamgauge.Event, seq uint64) {
	if n := len(all.newest); n > 0 && all.newest[n-1].ID.Seq != seq-1 {
		all.newest, all.bytes = all.newest[:0], 0
	}
	e.ID = streamgauge.Position{Epoch: all.epoch, Seq: seq}
	e.Appended = time.UnixMilli(all.appended).UTC()
	if e.Time.IsZero() {
		e.Time = e.Appended
	}
	all.newest = append(all.newest, e)
	all.bytes += len(e.Data)
	n := len(all.newest)
	if n < 2*newestEvents && all.bytes < 2*newestBytes {
		return
	}
	keep, bytes := 0, 0
	for keep < min(n, newestEvents) && bytes < newestBytes {
		keep++
		bytes += len(all.newest[n-keep].Data)
	}
	all.newest, all.bytes = slices.Clone(all.newest[n-keep:]), bytes
}

// replace begins anew.
func (l *Log) replace(all *loaded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.proof = all.state, mark{}
	l.trash = newTrash(all.gone)
	if len(all.uses) > 0 { // the keys of deleted events belong before those of others
		for use := range l.keys.All {
			all.uses = append(all.uses, use)
		}
		slices.SortFunc(all.uses, func(a, b streamgauge.KeyUse) int { return cmp.Compare(a.Last, b.Last) })
		l.keys = streamgauge.Keys{}
		for _, use := range all.uses {
			l.noteKey(use)
		}
	}
	kept := all.entries[:0]
	for i := range all.entries {
		e := &all.entries[i]
		switch {
		case all.gone.has(e.Stream, e.Seq):
			l.trash.recorded(e.Loc)
		case e.Seq <= all.gone.forgotten[e.Stream]:
			all.gone.forget(e, l.rules.For(e.Stream))
			l.trash.dropped(e.Loc)
		default:
			kept = append(kept, *e)
		}
	}
	if n := len(all.newest); n > 0 && all.newest[n-1].ID.Seq != l.last.seq {
		all.newest = nil // what came after them is deleted
	}
	l.replica.Replace(l.epoch, func(index *replica.Index) {
		for _, g := range all.gone.all() {
			index.AddGone(g)
		}
		for i := range kept {
			index.Add(kept[i])
		}
		index.Skip(l.last.seq, false)
	}, all.newest...)
	for i := range all.ends {
		l.stored(&all.ends[i])
	}
	l.progress()
}

// drain calls f with every message that there is by now, until f says that it is done.
func (f *feed) drain(ctx context.Context, next func(jetstream.Msg) (done bool, err error)) error {
	for left := f.pending; left > 0; {
		select {
		case m, ok := <-f.messages:
			if !ok {
				return f.err
			}
			meta, err := m.Metadata()
			if err != nil {
				return err
			}
			left = meta.NumPending
			if done, err := next(m); done || err != nil {
				return err
			}
		case <-time.After(loadWait):
			info, err := f.consumer.Info(ctx)
			if err != nil {
				return err
			}
			left = info.NumPending
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// gone is what control records say of events that are not kept.
type gone struct {
	streams   map[string]*streamgauge.Gone
	forgotten map[string]uint64 // through which number
	records   int               // how many records there were
	count     int               // of how many events
	forgets   uint64            // the newest record of what was forgotten
	sorted    bool
}

func newGone() *gone {
	return &gone{streams: make(map[string]*streamgauge.Gone), forgotten: make(map[string]uint64)}
}

// add adds a control record.
func (g *gone) add(r *controlRecord) {
	if r.forget != "" {
		g.forgotten[r.forget] = max(g.forgotten[r.forget], r.through)
		g.forgets = r.seq
	}
	if len(r.gone) > 0 {
		g.records++
	}
	for i := range r.gone {
		one := &r.gone[i]
		all := g.of(one.Stream)
		all.Through, all.Newest = max(all.Through, one.Through), max(all.Newest, one.Newest)
		all.Time = max(all.Time, one.Time)
		all.Seqs = append(all.Seqs, one.Seqs...)
		g.count += len(one.Seqs)
	}
}

func (g *gone) of(stream string) *streamgauge.Gone {
	all := g.streams[stream]
	if all == nil {
		all = &streamgauge.Gone{Stream: stream}
		g.streams[stream] = all
	}
	return all
}

// has reports whether the event is among what is recorded.
func (g *gone) has(stream string, seq uint64) bool {
	if !g.sorted {
		g.sorted = true
		for _, all := range g.streams {
			slices.Sort(all.Seqs)
			all.Seqs = slices.Compact(all.Seqs)
			known, _ := slices.BinarySearch(all.Seqs, all.Through+1)
			all.Seqs = all.Seqs[known:]
		}
	}
	all := g.streams[stream]
	if all == nil {
		return false
	}
	_, found := slices.BinarySearch(all.Seqs, seq)
	return found
}

// forget adds an event that was forgotten and is still there.
func (g *gone) forget(e *streamgauge.Entry[replica.Place], rule streamgauge.Rule) {
	all := g.of(e.Stream)
	i, _ := slices.BinarySearch(all.Seqs, e.Seq)
	all.Seqs = slices.Insert(all.Seqs, i, e.Seq)
	if i == len(all.Seqs)-1 {
		all.Time = e.Appended
	}
	if rule.Delivery == streamgauge.DeliverLatest {
		all.Newest = max(all.Newest, e.Seq)
	}
}

func (g *gone) all() []streamgauge.Gone {
	g.has("", 0)
	all := make([]streamgauge.Gone, 0, len(g.streams))
	for _, one := range g.streams {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b streamgauge.Gone) int { return strings.Compare(a.Stream, b.Stream) })
	return all
}

// fetch reads events from NATS.
func (l *Log) fetch(ctx context.Context, places []replica.Place) (map[uint64]streamgauge.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	stream, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		found = make(map[uint64]streamgauge.Event, len(places))
		todo  = make(chan uint64, len(places))
		wg    sync.WaitGroup
	)
	for i := range places {
		todo <- places[i].Seq
	}
	close(todo)
	for range min(fetchers, len(places)) {
		wg.Go(func() {
			for seq := range todo {
				raw, e := stream.GetMsg(ctx, seq)
				if errors.Is(e, jetstream.ErrMsgNotFound) {
					continue
				}
				var one message
				if e == nil {
					one = l.parse(raw.Subject, raw.Header, raw.Data, raw.Sequence, raw.Time)
				}
				mu.Lock()
				if e != nil {
					err = e
				} else if !one.foreign {
					found[seq] = one.event
				}
				mu.Unlock()
				if e != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return found, err
}
