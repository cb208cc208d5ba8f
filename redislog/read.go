package redislog

import (
	"context"
	"errors"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
)

// Read implements [streamgauge.Log].
func (l *Log) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	for asked := false; ; asked = true {
		page, missing, err := l.readPage(ctx, q)
		switch {
		case asked && missing != nil:
			// It is kept by all that is known, and not there: somebody has deleted it.
			l.logger.Error("event in log is missing in Redis", "stream", missing.Stream, "seq", missing.Seq)
			l.mu.Lock()
			l.index.Lose(missing.Stream, missing.Seq)
			l.mu.Unlock()
		case errors.Is(err, streamgauge.ErrAhead), errors.Is(err, streamgauge.ErrEpoch):
			// Another instance may have given that position, which knows more.
			if asked {
				return page, err
			}
		case missing == nil:
			return page, err
		}
		if err := l.catchUp(ctx); err != nil {
			if ctx.Err() != nil {
				return streamgauge.Page{}, context.Cause(ctx)
			}
			return streamgauge.Page{}, unavailable("read from Redis", err)
		}
	}
}

// readPage returns the page, or an entry of it that Redis has not.
func (l *Log) readPage(ctx context.Context, q streamgauge.Query) (page streamgauge.Page, missing *streamgauge.Entry[loc], err error) {
	var (
		entries []streamgauge.Entry[loc]
		recent  *streamgauge.Recent
	)
	err = l.locked(ctx, func() (err error) {
		page, entries, err = l.index.Read(q, l.clock())
		recent = l.recent
		return err
	})
	if err != nil {
		return page, nil, err
	}
	page.Events = make([]streamgauge.Event, len(entries))
	var far []int // of the entries, those that are in Redis only
	for i := range entries {
		var ok bool
		if page.Events[i], ok = recent.Find(entries[i].Seq); !ok {
			far = append(far, i)
		}
	}
	if len(far) == 0 {
		return page, nil, nil
	}
	found, err := l.fetch(ctx, entries, far)
	if err != nil {
		return page, nil, unavailable("read from Redis", err)
	}
	for _, i := range far {
		e, ok := found[entries[i].Seq]
		if !ok {
			return page, &entries[i], nil
		}
		e.Stream = entries[i].Stream
		e.ID = streamgauge.Position{Epoch: page.Head.Epoch, Seq: entries[i].Seq}
		page.Events[i] = e
	}
	return page, nil, nil
}

// fetch reads events from the histories of their streams.
func (l *Log) fetch(ctx context.Context, entries []streamgauge.Entry[loc], which []int) (map[uint64]streamgauge.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	type part struct{ first, last entryID }
	parts := make(map[string]*part)
	var streams []string
	for _, i := range which {
		e := &entries[i]
		p := parts[e.Stream]
		if p == nil {
			p = &part{first: e.Loc.id}
			parts[e.Stream] = p
			streams = append(streams, e.Stream)
		}
		p.last = e.Loc.id
	}
	commands := make(rueidis.Commands, len(streams))
	for i, stream := range streams {
		p := parts[stream]
		commands[i] = l.client.B().Xrange().Key(l.historyKey(stream)).Start(p.first.String()).End(p.last.String()).Build()
	}
	found := make(map[uint64]streamgauge.Event, len(which))
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
			e.Appended = id.time()
			if e.Time.IsZero() {
				e.Time = e.Appended
			}
			found[id.seq] = e
		}
	}
	return found, nil
}
