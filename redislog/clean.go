package redislog

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	cleanEvery = time.Second
	leaseFor   = 5 * time.Second

	manyNames  = 1 << 16 // so many may be known before those are let go of that have nothing any more
	sweepGroup = 1000    // names that are let go of at once

	keepLeftovers = 3 * leaseFor // so long another instance may be away before it is this one's turn
	maxLeftovers  = 100_000
)

// leftover is what may not have been deleted in Redis yet.
type leftover struct {
	at    time.Time
	place replica.Place
}

// clean deletes in Redis what is not kept any more, until the context ends. One instance
// does so for all; how many events of a stream there are, each append sees to itself.
func (l *Log) clean(ctx context.Context) {
	ticker := time.NewTicker(cleanEvery)
	defer ticker.Stop()
	most := int64(manyNames)
	var left []leftover
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			left = l.cleanUp(ctx, left)
			most = l.sweep(ctx, most)
		}
	}
}

// sweep lets go of names if there are more of them than that. It returns how many there may
// be until it is worth while again.
func (l *Log) sweep(ctx context.Context, most int64) int64 {
	n, err := l.client.Do(ctx, l.client.B().Hlen().Key(l.key("names")).Build()).AsInt64()
	if err != nil || n <= most || !l.lease(ctx) {
		return most
	}
	st, err := l.state(ctx)
	if err != nil {
		return most
	}
	recent := make(map[uint64]bool)
	for back := range st.remembered() {
		number, _ := st.record(back)
		recent[number] = true
	}
	var streams []string // with number and count, as the script wants them
	for number, name := range st.names {
		if !recent[number] {
			streams = append(streams, name, strconv.FormatUint(number, 10), strconv.FormatUint(st.counts[number], 10))
		}
	}
	keys := []string{l.key("meta"), l.key("names"), l.key("counts"), l.key("forgotten")}
	through := strconv.FormatUint(st.seq-st.remembered(), 10)
	for some := range slices.Chunk(streams, 3*sweepGroup) {
		args := append([]string{l.prefix, formatEpoch(st.epoch), through}, some...)
		if n, err = sweepScript.run(ctx, l.client, keys, args).AsInt64(); err != nil || n < 0 {
			return most
		}
	}
	return max(manyNames, 2*n)
}

// cleanUp returns what is left: who does it may have ended, and what is deleted one by one
// nobody else would come to again.
func (l *Log) cleanUp(ctx context.Context, left []leftover) []leftover {
	now := time.Now()
	dropped := l.replica.Dropped()
	if len(dropped)+len(left) == 0 {
		return nil
	}
	mine := l.lease(ctx)
	for i := range dropped {
		if mine || l.rules.For(dropped[i].Stream).Delivery == streamgauge.DeliverLatest {
			left = append(left, leftover{now, dropped[i]})
		}
	}
	if !mine {
		left = left[max(0, len(left)-maxLeftovers):]
		return slices.DeleteFunc(left, func(o leftover) bool { return now.Sub(o.at) > keepLeftovers })
	}
	byStream := make(map[string][]entryID)
	for i := range left {
		at := &left[i].place
		byStream[at.Stream] = append(byStream[at.Stream], idAt(at))
	}
	var commands rueidis.Commands
	for stream, ids := range byStream {
		key := l.historyKey(stream)
		if l.rules.For(stream).Delivery != streamgauge.DeliverLatest {
			newest := slices.MaxFunc(ids, compareIDs)
			commands = append(commands, l.client.B().Xtrim().Key(key).Minid().Threshold(strconv.FormatUint(newest.seq+1, 10)).Build())
			continue
		}
		for some := range slices.Chunk(ids, 256) {
			texts := make([]string, len(some))
			for i, id := range some {
				texts[i] = id.String()
			}
			commands = append(commands, l.client.B().Xdel().Key(key).Id(texts...).Build())
		}
	}
	for some := range slices.Chunk(commands, 256) {
		for _, answer := range l.client.DoMulti(ctx, some...) {
			if answer.Error() != nil {
				return left[max(0, len(left)-maxLeftovers):]
			}
		}
	}
	return nil
}

// lease reports whether this instance is the one that cleans.
func (l *Log) lease(ctx context.Context) bool {
	key := l.key("cleaner")
	ms := leaseFor.Milliseconds()
	_, err := l.client.Do(ctx, l.client.B().Set().Key(key).Value(l.instance).Nx().PxMilliseconds(ms).Build()).ToString()
	if err == nil {
		return true
	}
	who, err := l.client.Do(ctx, l.client.B().Get().Key(key).Build()).ToString()
	return err == nil && who == l.instance &&
		l.client.Do(ctx, l.client.B().Pexpire().Key(key).Milliseconds(ms).Build()).Error() == nil
}

func compareIDs(a, b entryID) int {
	switch {
	case a == b:
		return 0
	case a.after(b):
		return 1
	}
	return -1
}
