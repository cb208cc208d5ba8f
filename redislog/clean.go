package redislog

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
)

const (
	cleanEvery = time.Second
	leaseFor   = 5 * time.Second
)

// clean deletes in Redis what is not kept any more, until the context ends. One instance
// does so for all; how many events of a stream there are, each append sees to itself.
func (l *Log) clean(ctx context.Context) {
	ticker := time.NewTicker(cleanEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.cleanUp(ctx)
		}
	}
}

func (l *Log) cleanUp(ctx context.Context) {
	dropped := l.replica.Dropped()
	if len(dropped) == 0 || !l.lease(ctx) {
		return
	}
	byStream := make(map[string][]entryID)
	for i := range dropped {
		at := &dropped[i]
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
				return // what is left is trimmed with what follows, or when it is read next
			}
		}
	}
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
