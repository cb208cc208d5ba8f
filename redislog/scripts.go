package redislog

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"strings"

	"github.com/redis/rueidis"
)

//go:embed append.lua
var appendLua string

//go:embed open.lua
var openLua string

//go:embed renew.lua
var renewLua string

//go:embed sweep.lua
var sweepLua string

// A script runs in Redis, all or none of it.
type script struct{ text, sha string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text))
	return script{text, hex.EncodeToString(sum[:])}
}

var (
	appendScript = newScript(appendLua)
	openScript   = newScript(openLua)
	renewScript  = newScript(renewLua)
	sweepScript  = newScript(sweepLua)
)

// run runs the script, which the server may not know yet.
func (s script) run(ctx context.Context, c rueidis.Client, keys, args []string) rueidis.RedisResult {
	n := int64(len(keys))
	result := c.Do(ctx, c.B().Evalsha().Sha1(s.sha).Numkeys(n).Key(keys...).Arg(args...).Build())
	if err, ok := rueidis.IsRedisErr(result.Error()); ok && strings.HasPrefix(err.Error(), "NOSCRIPT") {
		return c.Do(ctx, c.B().Eval().Script(s.text).Numkeys(n).Key(keys...).Arg(args...).Build())
	}
	return result
}
