package streamgauge

import (
	"math"
	"slices"
	"sort"
	"strconv"
)

// A cell sums up the events of one group in one stretch of time. Cells merge:
// what two of them say together, one says that had all their events; sums of
// other than whole numbers may differ in the last digit, which is why cells are
// always merged in the order of time.
type cell struct {
	count      uint64
	sum, carry float64 // carry is what rounding has taken from the sum
	min, max   float64

	last     float64 // the value of the newest event
	lastTime int64   // its time, in Unix milliseconds
	lastSeq  uint64

	quantiles, histogram *buckets // nil where not asked for

	seq      uint64 // the last event's position in the log
	appended int64  // and when it was appended, in Unix milliseconds
	group    string
	dirty    bool // there are events in it that no row shows yet
}

func newCell(v *View) *cell {
	c := new(cell)
	for _, name := range v.Functions {
		switch {
		case name == "histogram":
			c.histogram = new(buckets)
		case quantile(name) > 0 && c.quantiles == nil:
			c.quantiles = new(buckets)
		}
	}
	return c
}

// add counts an event. The value is 0 in a view that looks at none.
func (c *cell) add(e *Event, value float64) (grown int) {
	at := e.Time.UnixMilli()
	if c.count == 0 {
		c.min, c.max = value, value
	}
	c.count++
	c.addSum(value)
	c.min, c.max = min(c.min, value), max(c.max, value)
	if at >= c.lastTime { // of equals the later in the log
		c.last, c.lastTime, c.lastSeq = value, at, e.ID.Seq
	}
	if c.quantiles != nil {
		grown += c.quantiles.add(sketchKey(value), 1)
	}
	if c.histogram != nil {
		grown += c.histogram.add(boundKey(value), 1)
	}
	c.seq, c.appended = e.ID.Seq, e.Appended.UnixMilli()
	return grown
}

// addSum adds as Neumaier does, so that ten times 0.1 is 1.
func (c *cell) addSum(value float64) {
	sum := c.sum + value
	if math.Abs(c.sum) >= math.Abs(value) {
		c.carry += (c.sum - sum) + value
	} else {
		c.carry += (value - sum) + c.sum
	}
	c.sum = sum
}

// merge adds what another cell says, which is later in time.
func (c *cell) merge(o *cell) {
	if c.count == 0 {
		c.min, c.max = o.min, o.max
	}
	c.count += o.count
	c.addSum(o.sum)
	c.carry += o.carry
	c.min, c.max = min(c.min, o.min), max(c.max, o.max)
	if o.lastTime > c.lastTime || o.lastTime == c.lastTime && o.lastSeq >= c.lastSeq {
		c.last, c.lastTime, c.lastSeq = o.last, o.lastTime, o.lastSeq
	}
	if c.quantiles != nil {
		c.quantiles.merge(o.quantiles)
	}
	if c.histogram != nil {
		c.histogram.merge(o.histogram)
	}
	c.seq, c.appended = max(c.seq, o.seq), max(c.appended, o.appended)
}

// reset makes it the cell of no events.
func (c *cell) reset() {
	q, h := c.quantiles, c.histogram
	*c = cell{quantiles: q, histogram: h}
	for _, b := range []*buckets{q, h} {
		if b != nil {
			b.keys, b.counts = b.keys[:0], b.counts[:0]
			clear(b.wide)
		}
	}
}

// appendData appends a row's data: an object with a member for each function.
func (c *cell) appendData(dst []byte, v *View) []byte {
	for _, b := range []*buckets{c.quantiles, c.histogram} {
		if b != nil {
			b.settle()
		}
	}
	for i, name := range v.Functions {
		dst = append(dst, `,"`...)
		if i == 0 {
			dst[len(dst)-2] = '{'
		}
		dst = append(append(dst, name...), `":`...)
		switch name {
		case "count":
			dst = strconv.AppendUint(dst, c.count, 10)
		case "rate":
			dst = appendNumber(dst, float64(c.count)/v.Over.Seconds())
		case "sum":
			dst = appendNumber(dst, c.total())
		case "avg":
			dst = appendNumber(dst, c.total()/float64(c.count))
		case "min":
			dst = appendNumber(dst, c.min)
		case "max":
			dst = appendNumber(dst, c.max)
		case "last":
			dst = appendNumber(dst, c.last)
		case "histogram":
			dst = c.histogram.appendBounds(dst)
		default:
			dst = appendNumber(dst, c.quantile(quantile(name)))
		}
	}
	return append(dst, '}')
}

// total is the sum, infinite if the values are too large for one.
func (c *cell) total() float64 {
	if math.IsInf(c.sum, 0) {
		return c.sum
	}
	return c.sum + c.carry
}

// appendNumber appends a number as JSON: the fewest digits that say exactly it,
// and null for what is no finite number.
func appendNumber(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(dst, "null"...)
	}
	if f == 0 {
		return append(dst, '0') // not -0
	}
	format := byte('f')
	if a := math.Abs(f); a < 1e-6 || a >= 1e21 {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// buckets is how many buckets it has.
func (c *cell) buckets() (n int) {
	for _, b := range []*buckets{c.quantiles, c.histogram} {
		if b != nil {
			n += len(b.keys)
		}
	}
	return n
}

// buckets count values by key.
type buckets struct {
	keys   []int16 // rising
	counts []uint64

	wide []uint64 // counts of what is merged, by key
	base int      // the key of the first
}

// add returns by how many buckets there are more now.
func (b *buckets) add(key int16, n uint64) int {
	i, found := slices.BinarySearch(b.keys, key)
	if found {
		b.counts[i] += n
		return 0
	}
	b.keys = slices.Insert(b.keys, i, key)
	b.counts = slices.Insert(b.counts, i, n)
	return 1
}

// merge adds what the other says to what was merged before, which settle then
// puts in order: to keep the keys of a window's many panes in order all the time
// would take most of the time.
func (b *buckets) merge(o *buckets) {
	if len(o.keys) == 0 {
		return
	}
	b.widen(int(o.keys[0]), int(o.keys[len(o.keys)-1]))
	for i, key := range o.keys {
		b.wide[int(key)-b.base] += o.counts[i]
	}
}

// widen makes places for the keys from first to last.
func (b *buckets) widen(first, last int) {
	if len(b.wide) > 0 {
		first, last = min(first, b.base), max(last, b.base+len(b.wide)-1)
		if last-first+1 == len(b.wide) {
			return
		}
	}
	wide := make([]uint64, last-first+1)
	if len(b.wide) > 0 {
		copy(wide[b.base-first:], b.wide)
	}
	b.base, b.wide = first, wide
}

// settle puts what was merged into buckets that were empty in order.
func (b *buckets) settle() {
	for i, n := range b.wide {
		if n > 0 {
			b.keys, b.counts = append(b.keys, int16(b.base+i)), append(b.counts, n)
			b.wide[i] = 0
		}
	}
}

// Quantiles are counted in buckets of which each holds the numbers that agree in
// the exponent and in the first sketchBits bits after the leading one, so that
// any two in a bucket differ by less than one part in 128. Finding a number's
// bucket takes no logarithm, whose last digit differs from machine to machine.
// Numbers nearer to 0 than 2^-30 count as 0, those beyond 2^50 as 2^50.
const (
	sketchBits  = 7
	sketchShift = 52 - sketchBits
	sketchLeast = (1023 - 30) << sketchBits
	sketchMost  = (1023 + 50) << sketchBits
)

func sketchKey(value float64) int16 {
	key := int(math.Float64bits(math.Abs(value)) >> sketchShift)
	key = min(max(key-sketchLeast+1, 0), sketchMost-sketchLeast+1)
	if value < 0 {
		key = -key
	}
	return int16(key)
}

// sketchValue is the number in the bucket that takes the fewest digits: whole
// numbers up to 256 stay as they are.
func sketchValue(key int16) float64 {
	if key == 0 {
		return 0
	}
	bits := uint64(max(key, -key)) - 1 + sketchLeast
	from, to := math.Float64frombits(bits<<sketchShift), math.Float64frombits((bits+1)<<sketchShift)
	value := from
	var text [32]byte
	for digits := range 17 {
		near, _ := strconv.ParseFloat(string(strconv.AppendFloat(text[:0], from+(to-from)/2, 'e', digits, 64)), 64)
		if from <= near && near < to {
			value = near
			break
		}
	}
	return math.Copysign(value, float64(key))
}

// quantile returns the value of which so many thousandths of the values are not
// greater: the least and the greatest exactly, others but for 1 %.
func (c *cell) quantile(thousandths int) float64 {
	rank := (c.count*uint64(thousandths) + 999) / 1000
	var below uint64
	for i, n := range c.quantiles.counts {
		if below += n; below >= rank {
			return min(max(sketchValue(c.quantiles.keys[i]), c.min), c.max)
		}
	}
	return c.max
}

// bounds are 1, 2 and 5 times the powers of ten from 1e-9 to 1e18.
var bounds = func() (all []float64) {
	for exponent := -9; exponent <= 18; exponent++ {
		for _, digit := range []string{"1", "2", "5"} {
			f, _ := strconv.ParseFloat(digit+"e"+strconv.Itoa(exponent), 64)
			all = append(all, f)
		}
	}
	return all
}()

// boundKey returns the number of the histogram's bucket for a value: that of the
// least bound that is not below it. Bound 0 is 0, bound 1 the first of bounds,
// bound -1 that with a minus sign; there is one for what is beyond all.
func boundKey(value float64) int16 {
	if value >= 0 {
		if value == 0 {
			return 0
		}
		return int16(sort.SearchFloat64s(bounds, value) + 1)
	}
	// The greatest bound that is not above its size.
	n := sort.Search(len(bounds), func(i int) bool { return bounds[i] > -value })
	return int16(-n)
}

// appendBounds appends the buckets as pairs of an upper bound, which is null
// beyond all bounds, and a count.
func (b *buckets) appendBounds(dst []byte) []byte {
	dst = append(dst, '[')
	for i, key := range b.keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		switch n := int(max(key, -key)); {
		case n == 0:
			dst = append(dst, '0')
		case n > len(bounds):
			dst = append(dst, "null"...)
		case key < 0:
			dst = appendNumber(dst, -bounds[n-1])
		default:
			dst = appendNumber(dst, bounds[n-1])
		}
		dst = append(dst, ',')
		dst = append(strconv.AppendUint(dst, b.counts[i], 10), ']')
	}
	return append(dst, ']')
}
