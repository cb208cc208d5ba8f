package redislog

import (
	"context"

	"github.com/redis/rueidis"
)

// presentFor is how long an instance counts as there after what it has said last, in
// seconds.
const presentFor = 5

// Announce tells the other instances what the hub of this name is doing.
func (l *Log) Announce(ctx context.Context, name string, said []byte) error {
	for _, answer := range l.client.DoMulti(ctx,
		l.client.B().Set().Key(l.key("instance:"+name)).Value(rueidis.BinaryString(said)).ExSeconds(presentFor).Build(),
		l.client.B().Sadd().Key(l.key("instances")).Member(name).Build()) {
		if err := answer.Error(); err != nil {
			return err
		}
	}
	return nil
}

// Announced returns what instances have said in the last five seconds, by name.
func (l *Log) Announced(ctx context.Context) (map[string][]byte, error) {
	names, err := l.client.Do(ctx, l.client.B().Smembers().Key(l.key("instances")).Build()).AsStrSlice()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = l.key("instance:" + name)
	}
	said, err := l.client.Do(ctx, l.client.B().Mget().Key(keys...).Build()).ToArray()
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(names))
	var gone []string
	for i, m := range said {
		if text, err := m.AsBytes(); err == nil {
			all[names[i]] = text
		} else if rueidis.IsRedisNil(err) {
			gone = append(gone, names[i])
		}
	}
	if len(gone) > 0 {
		// One that comes back at this very moment says so again within a second.
		return all, l.client.Do(ctx, l.client.B().Srem().Key(l.key("instances")).Member(gone...).Build()).Error()
	}
	return all, nil
}
