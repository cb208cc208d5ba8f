package main

import (
	"math"
	"strconv"
)

// drawable reports whether a value is on a logarithmic axis.
func drawable(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

// An axis is logarithmic and maps what is from low to high, both included, to
// what is from start to end.
type axis struct{ low, high, start, end float64 }

// at returns where a value is. If there is only one, it is in the middle.
func (a axis) at(v float64) float64 {
	if a.low == a.high {
		return (a.start + a.end) / 2
	}
	return a.start + (a.end-a.start)*math.Log(v/a.low)/math.Log(a.high/a.low)
}

// bounds returns the lowest and the highest drawable value.
func bounds(values []float64) (low, high float64, ok bool) {
	for _, v := range values {
		if drawable(v) {
			if !ok {
				low, high = v, v
			}
			low, high, ok = min(low, v), max(high, v), true
		}
	}
	return low, high, ok
}

// A step is 1, 2 or 5 times a power of ten.
type step int

func (s step) value() float64 {
	tens := math.Floor(float64(s) / 3)
	return []float64{1, 2, 5}[int(s)-3*int(tens)] * math.Pow(10, tens)
}

// stepBelow returns the highest step that is not above a value.
func stepBelow(v float64) step {
	s := step(3*math.Floor(math.Log10(v)) + 3) // at least as high, whatever Log10 rounds
	for s.value() > v {
		s--
	}
	return s
}

// round returns the steps around what is from low to high. They are at least a
// decade apart, for on less than that noise looks like a trend.
func round(low, high float64) (from, to step) {
	from, to = stepBelow(low), stepBelow(high)
	if to.value() < high {
		to++
	}
	for up := true; to-from < 3; up = !up {
		if up {
			to++
		} else {
			from--
		}
	}
	return from, to
}

// ticks returns the powers of ten among the steps, or all if there are few.
func ticks(from, to step) (out []float64) {
	few := to-from <= 6 // two decades
	for s := from; s <= to; s++ {
		if few || (s%3+3)%3 == 0 {
			out = append(out, s.value())
		}
	}
	return out
}

// number writes a value with two digits that count, or three if the first is 1,
// as 0.25, 1.07, 48, 480, 4.8k.
func number(v float64) string {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	digits := 2
	if lead := strconv.FormatFloat(math.Abs(v), 'e', -1, 64); lead[0] == '1' {
		digits = 3
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return strconv.FormatFloat(v/unit.size, 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
