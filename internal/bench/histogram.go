package bench

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets that are at most 1/64 of their value
// wide.
type histogram struct {
	buckets [histogramBuckets]uint64
	count   uint64
	max     time.Duration
}

const (
	subBuckets       = 64
	subBits          = 6
	histogramBuckets = (64 - subBits + 1) * subBuckets
)

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift*subBuckets + int(v>>shift)
}

// bucketEnd returns the longest duration of a bucket.
func bucketEnd(bucket int) time.Duration {
	shift := max(bucket/subBuckets-1, 0)
	return time.Duration(uint64(bucket-shift*subBuckets+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)]++
	h.count++
	h.max = max(h.max, d)
}

// quantile returns the duration that the share q of all, from 0 to 1, does not
// exceed. It is 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	seen := uint64(0)
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen > rank {
			return min(bucketEnd(i), h.max)
		}
	}
	return h.max
}
