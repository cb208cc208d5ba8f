package redislog

import "context"

// Sweep lets go of names now, if there are more than that, and returns how many there may be
// until it is worth while again.
func (l *Log) Sweep(ctx context.Context, most int64) int64 { return l.sweep(ctx, most) }
