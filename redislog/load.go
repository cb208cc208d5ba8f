package redislog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	ringEvents  = 1 << 20 // as in append.lua
	ringRecord  = 8       // bytes: a stream's number and the hash of a key
	loadStreams = 64      // whose histories are read at once
)

// state is where the log stands, as open.lua says it.
type state struct {
	epoch  streamgauge.Epoch
	seq    uint64
	last   entryID
	count  uint64 // of events that there ever were
	names  map[uint64]string
	counts map[uint64]uint64 // of events of each stream that there ever were
	ring   string
	forgot map[string]uint64 // the newest event of a stream when it was forgotten last
	lost   uint64            // up to here streams may have had events that are not even known by name
}

// remembered returns how many of the newest events the ring has.
func (st *state) remembered() uint64 {
	return min(st.count, ringEvents, uint64(len(st.ring)/ringRecord))
}

// record returns what the ring has of the event that many before the newest: its stream's
// number and the hash of its key.
func (st *state) record(back uint64) (number uint64, hash uint32) {
	at := (st.count - 1 - back) % ringEvents * ringRecord
	record := []byte(st.ring[at : at+ringRecord])
	return uint64(binary.LittleEndian.Uint32(record)), binary.LittleEndian.Uint32(record[4:])
}

var errMeanwhile = errors.New("the log was replaced while it was read")

// load reads everything that is kept and begins anew with it. It is called while applying.
func (l *Log) load(ctx context.Context) (err error) {
	for range 5 {
		if err = l.loadOnce(ctx); !errors.Is(err, errMeanwhile) {
			break
		}
	}
	return err
}

func (l *Log) loadOnce(ctx context.Context) error {
	st, err := l.state(ctx)
	if err == nil && l.left[st.epoch] {
		// What ended the epoch was lost in its turn. In it numbers have been used twice.
		if err = l.renew(ctx, st.epoch); err == nil {
			st, err = l.state(ctx)
		}
	}
	if err != nil {
		return err
	}
	histories, err := l.histories(ctx, st)
	if err != nil {
		return err
	}
	// They were read one after the other: of a log that was replaced meanwhile they are nothing.
	epoch, err := l.client.Do(ctx, l.client.B().Hget().Key(l.key("meta")).Field("epoch").Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return err
	}
	if epoch != formatEpoch(st.epoch) {
		return errMeanwhile
	}
	if l.last != (entryID{}) {
		if was := l.replica.Position().Epoch; was != st.epoch {
			l.left[was] = true
		}
	}
	gone := l.gone(st, histories)
	l.replica.Replace(st.epoch, func(index *replica.Index) {
		for _, g := range gone {
			index.AddGone(g)
		}
		for _, h := range histories {
			for _, e := range h.events {
				index.Add(e)
			}
		}
		index.Skip(st.seq, false)
	})
	l.last = st.last
	return nil
}

func (l *Log) state(ctx context.Context) (st state, err error) {
	keys := []string{l.key("meta"), l.key("names"), l.key("counts"), l.key("ring"), l.key("forgotten")}
	m, err := openScript.run(ctx, l.client, keys, []string{formatEpoch(streamgauge.NewEpoch())}).ToArray()
	if err != nil {
		return st, err
	}
	if len(m) != 9 {
		return st, errNonsense
	}
	epoch, err := m[0].ToString()
	if err != nil {
		return st, err
	}
	if st.epoch, err = parseEpoch(epoch); err != nil {
		return st, err
	}
	if st.seq, err = m[1].AsUint64(); err != nil {
		return st, err
	}
	if st.last, err = idOf(m[2]); err != nil {
		return st, err
	}
	if st.count, err = m[3].AsUint64(); err != nil {
		return st, err
	}
	names, err := m[4].AsStrMap()
	if err != nil {
		return st, err
	}
	st.names = make(map[uint64]string, len(names))
	for name, number := range names {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || streamgauge.CheckStream(name) != nil {
			return st, fmt.Errorf("stream %q has the number %q", name, number)
		}
		st.names[n] = name
	}
	counts, err := m[5].AsStrMap()
	if err != nil {
		return st, err
	}
	st.counts = make(map[uint64]uint64, len(counts))
	for number, count := range counts {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return st, fmt.Errorf("number %q is no stream's", number)
		}
		if st.counts[n], err = strconv.ParseUint(count, 10, 64); err != nil {
			return st, fmt.Errorf("stream %d has %q events", n, count)
		}
	}
	if st.ring, err = m[6].ToString(); err != nil {
		return st, err
	}
	forgot, err := m[7].AsStrMap()
	if err != nil {
		return st, err
	}
	st.forgot = make(map[string]uint64, len(forgot))
	for stream, seq := range forgot {
		if st.forgot[stream], err = strconv.ParseUint(seq, 10, 64); err != nil {
			return st, fmt.Errorf("stream %q was forgotten up to %q", stream, seq)
		}
	}
	st.lost, err = m[8].AsUint64()
	return st, err
}

// history is what is kept of one stream.
type history struct {
	number uint64
	stream string
	events []streamgauge.Entry[replica.Place] // rising
}

// histories reads what is kept up to the state's head.
func (l *Log) histories(ctx context.Context, st state) ([]*history, error) {
	var all []*history
	for number, name := range st.names {
		all = append(all, &history{number: number, stream: name})
	}
	end := strconv.FormatUint(st.seq, 10)
	for group := range slices.Chunk(all, loadStreams) {
		for len(group) > 0 {
			commands := make(rueidis.Commands, len(group))
			for i, h := range group {
				start := "-"
				if n := len(h.events); n > 0 {
					start = "(" + idAt(&h.events[n-1].Loc).String()
				}
				commands[i] = l.client.B().Xrange().Key(l.historyKey(h.stream)).Start(start).End(end).Count(pageEntries).Build()
			}
			var more []*history
			for i, answer := range l.client.DoMulti(ctx, commands...) {
				entries, err := answer.AsXRange()
				if err != nil {
					return nil, err
				}
				for j := range entries {
					id, e, err := parseEvent(group[i].stream, entries[j])
					if err != nil {
						return nil, err
					}
					group[i].events = append(group[i].events, replica.EntryOf(&e, id.seq, id.time()))
				}
				if len(entries) == pageEntries {
					more = append(more, group[i])
				}
			}
			group = more
		}
	}
	return all, nil
}

// fetch reads events from the histories of their streams.
func (l *Log) fetch(ctx context.Context, places []replica.Place) (map[uint64]streamgauge.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	type part struct{ first, last entryID }
	parts := make(map[string]*part)
	var streams []string
	for i := range places {
		at := &places[i]
		p := parts[at.Stream]
		if p == nil {
			p = &part{first: idAt(at)}
			parts[at.Stream] = p
			streams = append(streams, at.Stream)
		}
		p.last = idAt(at)
	}
	commands := make(rueidis.Commands, len(streams))
	for i, stream := range streams {
		p := parts[stream]
		commands[i] = l.client.B().Xrange().Key(l.historyKey(stream)).Start(p.first.String()).End(p.last.String()).Build()
	}
	found := make(map[uint64]streamgauge.Event, len(places))
	for i, answer := range l.client.DoMulti(ctx, commands...) {
		raw, err := answer.AsXRange()
		if err != nil {
			return nil, err
		}
		for j := range raw {
			id, e, err := parseEvent(streams[i], raw[j])
			if err != nil {
				return nil, err
			}
			found[id.seq] = e
		}
	}
	return found, nil
}

// idAt is the id of an event's entry.
func idAt(at *replica.Place) entryID { return entryID{at.Seq, uint64(at.Appended)} }

func (l *Log) historyKey(stream string) string { return l.key("s:" + stream) }

// parseEvent parses an entry of a stream's history.
func parseEvent(stream string, raw rueidis.XRangeEntry) (id entryID, e streamgauge.Event, err error) {
	id, ok := parseID(raw.ID)
	if e.Stream = stream; !ok || !replica.ParseBody(raw.FieldValues["e"], &e) {
		err = fmt.Errorf("the entry %s of stream %q makes no sense", raw.ID, stream)
	}
	return id, e, err
}

// gone returns what was trimmed: of the last events the ring says of which streams they
// were.
func (l *Log) gone(st state, histories []*history) (all []streamgauge.Gone) {
	type seen struct {
		number uint64
		hash   uint32
	}
	n := st.remembered()
	gone := make(map[uint64]*streamgauge.Gone)
	kept := make(map[uint64][]streamgauge.Entry[replica.Place], len(histories)) // that are not passed yet
	for _, h := range histories {
		kept[h.number] = h.events
	}
	superseded := make(map[seen]struct{})
	for back := range n {
		number, hash := st.record(back)
		seq := st.seq - back
		is := seen{number, hash}
		_, older := superseded[is]
		superseded[is] = struct{}{}
		if left := kept[number]; len(left) > 0 && left[len(left)-1].Seq == seq {
			kept[number] = left[:len(left)-1]
			continue
		}
		g := gone[number]
		if g == nil {
			g = &streamgauge.Gone{Stream: st.names[number]}
			gone[number] = g
		}
		g.Seqs = append(g.Seqs, seq)
		if !older && l.rules.For(g.Stream).Delivery == streamgauge.DeliverLatest {
			g.Newest = max(g.Newest, seq)
		}
	}
	before := st.seq - n // of events up to here nothing is known but how many there were
	for _, h := range histories {
		g := gone[h.number]
		if g == nil {
			g = &streamgauge.Gone{Stream: h.stream}
		}
		slices.Reverse(g.Seqs)
		latest := l.rules.For(h.stream).Delivery == streamgauge.DeliverLatest
		if st.counts[h.number] > uint64(len(h.events)+len(g.Seqs)) {
			g.Through = before
			if first := h.events; len(first) > 0 && !latest {
				g.Through = min(before, first[0].Seq-1)
			}
		}
		if latest { // who was forgotten had no newer one
			g.Newest = max(g.Newest, g.Through, st.forgot[h.stream])
		}
		if g.Through > 0 || len(g.Seqs) > 0 {
			all = append(all, *g)
		}
	}
	if st.lost > 0 {
		all = append(all, streamgauge.Gone{Through: st.lost})
	}
	return all
}
