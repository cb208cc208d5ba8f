package main

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/streamgauge/streamgauge/internal/bench"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{1, 10, []float64{1, 2, 5, 10}},
		{3, 3, []float64{1, 2, 5, 10}},
		{0.21, 9.5, []float64{0.2, 0.5, 1, 2, 5, 10}},
		{0.4, 480, []float64{1, 10, 100}},
		{1000, 1000, []float64{500, 1000, 2000, 5000}},
	} {
		got := ticks(round(c.low, c.high))
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9*b }) {
			t.Errorf("from %v to %v the ticks are %v, want %v", c.low, c.high, got, c.want)
		}
	}
	for v := 1e-6; v < 1e9; v *= 1.07 {
		from, to := round(v, 1.5*v)
		if from.value() > v || to.value() < 1.5*v || to-from < 3 || to-from > 4 {
			t.Errorf("around %v are %v and %v", v, from.value(), to.value())
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.256: "0.26", 0.004: "0.004", 1: "1", 1.068: "1.07", 4.84: "4.8", 99.6: "100", 188.2: "188", 486: "490",
		999: "1k", 1000: "1k", 4850: "4.8k", 18_000: "18k", 100_000: "100k", 3e6: "3M", 2e9: "2G", math.Inf(1): "+Inf",
	} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestDataStays(t *testing.T) {
	folder := t.TempDir()
	g, err := readData(folder)
	if err != nil || len(g.Sweeps) != 0 {
		t.Fatalf("in an empty folder is %v (%v)", g, err)
	}
	g.put(measured{Sweep: "a", Machine: thisMachine(true), Points: []*bench.Result{{Subscribers: 1}}})
	g.put(measured{Sweep: "b", Points: []*bench.Result{{Rate: 2, Notes: []string{"n"}}}})
	g.put(measured{Sweep: "a", Machine: thisMachine(false), Points: []*bench.Result{{Subscribers: 3}}})
	if err := g.write(folder); err != nil {
		t.Fatal(err)
	}
	got, err := readData(folder)
	if err != nil || !reflect.DeepEqual(got, g) {
		t.Errorf("read %v (%v), want %v", got, err, g)
	}
	if m := got.find("a"); len(got.Sweeps) != 2 || m == nil || m.Points[0].Subscribers != 3 {
		t.Errorf("there are %v", got.Sweeps)
	}
}
