package redislog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// inspect finds out whether this Redis will do, and what an acknowledgement of it is
// worth.
func (l *Log) inspect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	text, err := l.client.Do(ctx, l.client.B().Info().Build()).ToString()
	if err != nil {
		return err
	}
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	major, _, _ := strings.Cut(info["redis_version"], ".")
	if n, err := strconv.Atoi(major); err != nil || n < 7 {
		return fmt.Errorf("this is Redis %s; it takes Redis 7, Valkey 7.2 or newer", info["redis_version"])
	}
	if policy := info["maxmemory_policy"]; info["maxmemory"] != "0" && policy != "noeviction" {
		return fmt.Errorf("this Redis may throw away anything when its memory is full (maxmemory-policy %s); set it to noeviction", policy)
	}
	l.level = streamgauge.LevelMemory
	if info["aof_enabled"] == "1" {
		l.level = streamgauge.LevelOS
		// Whoever may not ask is promised no more.
		set, err := l.client.Do(ctx, l.client.B().ConfigGet().Parameter("appendfsync").Build()).AsStrMap()
		if err == nil && set["appendfsync"] == "always" {
			l.level = streamgauge.LevelFsync
		}
	}
	return nil
}
