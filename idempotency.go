package streamgauge

import "time"

// Keys is a table of idempotency keys, for engines that keep it in memory. It
// remembers a key for [IdempotencyAge] and as one of the last
// [IdempotencyKeys], whichever ends first. It is not safe for concurrent use;
// the zero value is ready.
type Keys struct {
	used  map[string]KeyUse
	order deque[string]
}

// KeyUse is what was stored under an idempotency key.
type KeyUse struct {
	Key         string
	Fingerprint uint64 // of the batch, see [Batch.Fingerprint]
	Last        uint64 // sequence number of the batch's last event
	Count       int    // of events in the batch
	Appended    int64  // when, in Unix milliseconds
}

// Find looks the key up. It returns whether a batch was stored under the key,
// and [ErrKeyReused] if it was another than the one with this fingerprint.
func (k *Keys) Find(key string, fingerprint uint64, now time.Time) (use KeyUse, found bool, err error) {
	if key == "" {
		return use, false, nil
	}
	k.expire(now.UnixMilli())
	use, found = k.used[key]
	if found && use.Fingerprint != fingerprint {
		return KeyUse{}, false, ErrKeyReused
	}
	return use, found, nil
}

// Add remembers the use. The key must not be in the table.
func (k *Keys) Add(use KeyUse) {
	if k.used == nil {
		k.used = make(map[string]KeyUse)
	}
	k.used[use.Key] = use
	k.order.push(use.Key)
	k.expire(use.Appended)
}

// All calls yield with every use, the oldest first.
func (k *Keys) All(yield func(KeyUse) bool) {
	for _, key := range k.order.all() {
		if !yield(k.used[key]) {
			return
		}
	}
}

func (k *Keys) expire(now int64) {
	for k.order.len() > 0 {
		oldest := *k.order.at(0)
		if k.order.len() <= IdempotencyKeys && now-k.used[oldest].Appended <= IdempotencyAge.Milliseconds() {
			return
		}
		delete(k.used, oldest)
		k.order.pop()
	}
}
