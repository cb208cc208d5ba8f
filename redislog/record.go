package redislog

import (
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// An event is an entry of two Redis streams, the ordered log and the history of its
// stream. The entry's id says its sequence number and when it was appended; its field
// "e" the rest, as [replica.AppendBody] writes it.

// An entryID is the id of an entry in Redis: a sequence number, and when the event was
// appended in Unix milliseconds, or from forgotten on that it is no event.
type entryID struct{ seq, appended uint64 }

const forgotten = 1 << 62

func parseID(text string) (id entryID, ok bool) {
	seq, appended, _ := strings.Cut(text, "-")
	var err, err2 error
	id.seq, err = strconv.ParseUint(seq, 10, 64)
	id.appended, err2 = strconv.ParseUint(appended, 10, 64)
	return id, err == nil && err2 == nil
}

func (id entryID) String() string {
	return strconv.FormatUint(id.seq, 10) + "-" + strconv.FormatUint(id.appended, 10)
}

func (id entryID) time() time.Time { return time.UnixMilli(int64(id.appended)).UTC() }

// keyHash is what the log remembers of a trimmed event's key.
func keyHash(key string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(key))
	return h.Sum32()
}
