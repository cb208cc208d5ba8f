package streamgauge

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"
)

func cellOf(v *View, values ...float64) *cell {
	c := newCell(v)
	for i, value := range values {
		c.add(&Event{ID: Position{1, uint64(i + 1)}, Time: time.UnixMilli(int64(i))}, value)
	}
	return c
}

func TestAQuantileIsWrongByOnePercentAtMost(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := &View{Functions: []string{"p1", "p50", "p95", "p99", "p99.9"}}
	for range 300 {
		values := make([]float64, 1+rng.IntN(2000))
		scale := math.Pow(10, float64(rng.IntN(16)-6))
		for i := range values {
			values[i] = scale * math.Exp(rng.NormFloat64()*2)
			if rng.IntN(4) == 0 {
				values[i] = -values[i]
			}
		}
		c := cellOf(v, values...)
		slices.Sort(values)
		for _, name := range v.Functions {
			thousandths := quantile(name)
			exact := values[(len(values)*thousandths+999)/1000-1]
			if got := c.quantile(thousandths); math.Abs(got-exact) > math.Abs(exact)/100 {
				t.Fatalf("%s of %d values: got %v, want %v give or take 1 %%", name, len(values), got, exact)
			}
		}
	}
}

func TestRowsSayWhatPeopleWouldSay(t *testing.T) {
	for _, test := range []struct {
		functions []string
		values    []float64
		want      string
	}{
		{[]string{"sum", "avg", "count"}, []float64{.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}, `{"sum":1,"avg":0.1,"count":10}`},
		{[]string{"sum"}, []float64{1e16, 1, -1e16}, `{"sum":1}`},
		{[]string{"p50", "p95", "p99"}, []float64{7}, `{"p50":7,"p95":7,"p99":7}`},
		{[]string{"p50"}, []float64{1, 2, 250, 251, 252}, `{"p50":250}`},
		{[]string{"p50"}, []float64{12, 1234.5, 99999}, `{"p50":1236}`},
		{[]string{"min", "max", "last"}, []float64{3, -2, 1}, `{"min":-2,"max":3,"last":1}`},
		{[]string{"max"}, []float64{math.Copysign(0, -1)}, `{"max":0}`},
		{[]string{"max", "min"}, []float64{1e21, 1e-7}, `{"max":1e+21,"min":1e-07}`},
		{[]string{"sum", "avg"}, []float64{math.MaxFloat64, math.MaxFloat64}, `{"sum":null,"avg":null}`},
		{[]string{"rate"}, []float64{0, 0, 0}, `{"rate":0.3}`},
		{[]string{"p50", "p99"}, []float64{-1e30, 1e-12, 1e30}, `{"p50":0,"p99":1130000000000000}`},
		{[]string{"histogram"}, []float64{0, 1, 1.5, 2, 2.1, 9, 1e30, -1, -1.5, -7, -1e-12, 1e-12},
			`{"histogram":[[-5,1],[-1,2],[0,2],[1e-09,1],[1,1],[2,2],[5,1],[10,1],[null,1]]}`},
	} {
		v := &View{Functions: test.functions, Over: 10 * time.Second}
		if got := string(cellOf(v, test.values...).appendData(nil, v)); got != test.want {
			t.Errorf("%v of %v:\n got %s\nwant %s", test.functions, test.values, got, test.want)
		} else if !json.Valid([]byte(got)) {
			t.Errorf("%s is not JSON", got)
		}
	}
}

func TestAHistogramsBucketHoldsWhatIsNotAboveItsBound(t *testing.T) {
	uppers := []float64{0}
	for _, b := range bounds {
		uppers = append(uppers, b, -b)
	}
	slices.Sort(uppers)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		value := (rng.Float64() - 0.5) * math.Pow(10, float64(rng.IntN(26)-8))
		var b buckets
		b.add(boundKey(value), 1)
		want := fmt.Sprintf("[[%s,1]]", appendNumber(nil, uppers[sort.SearchFloat64s(uppers, value)]))
		if got := string(b.appendBounds(nil)); got != want {
			t.Fatalf("%v is in %s, want %s", value, got, want)
		}
	}
}

// Cells of parts, merged in the order of time, say what a cell of the whole
// says: to the digit, where the values are whole numbers.
func TestMergedCellsSayWhatOneCellSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	v := &View{Functions: []string{"count", "sum", "avg", "min", "max", "last", "p50", "p99", "histogram"}, Over: time.Second}
	for range 500 {
		whole, merged := newCell(v), newCell(v)
		seq := uint64(0)
		for range 1 + rng.IntN(5) {
			part := newCell(v)
			for range 1 + rng.IntN(30) {
				seq++
				e := &Event{ID: Position{1, seq}, Time: time.UnixMilli(int64(seq / 3)), Appended: time.UnixMilli(int64(seq))}
				value := float64(rng.IntN(2000) - 500)
				part.add(e, value)
				whole.add(e, value)
			}
			merged.merge(part)
		}
		if got, want := string(merged.appendData(nil, v)), string(whole.appendData(nil, v)); got != want || merged.seq != whole.seq {
			t.Fatalf("merged %s\nwhole  %s", got, want)
		}
		if merged.reset(); merged.count != 0 || len(merged.quantiles.keys) != 0 || merged.histogram == nil {
			t.Fatal("a cell that was reset is not empty")
		}
	}
}
