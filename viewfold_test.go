package streamgauge

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keepMuch are rules that trim nothing in these tests.
var keepMuch = Rules{{Match: ">", Keep: Keep{Events: 1e6, Age: 1000 * time.Hour, Bytes: 1 << 40}, Delivery: DeliverAll, Format: FormatJSON}}

// smallPages is a log that gives a few events at a time.
type smallPages struct {
	Log
	most int
}

func (l smallPages) Read(ctx context.Context, q Query) (Page, error) {
	q.Limit = min(q.Limit, 1+rand.IntN(l.most))
	return l.Log.Read(ctx, q)
}

// instance is a hub over a log that does not run; its folds step when told.
func instance(t testing.TB, log Log) *Hub {
	t.Helper()
	hub, err := New(&Options{Log: log, Rules: keepMuch, CompileFilter: func(source string) (Filter, error) {
		return minimum{source}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return hub
}

// minimum lets data through that is not below its text.
type minimum struct{ text string }

func (m minimum) Match(e *Event) bool { return string(e.Data) >= m.text }

// foldOf returns a fold of the view, which nobody watches.
func foldOf(t testing.TB, log Log, view string) *fold {
	t.Helper()
	v, err := ParseView(view)
	if err != nil {
		t.Fatal(err)
	}
	hub := instance(t, log)
	filter, err := hub.compile(&Subscription{Filter: v.Where})
	if err != nil {
		t.Fatal(err)
	}
	f := newFold(&hub.views, namedView{View: v, filter: filter, reads: Selection{v.Select}, text: v.String()})
	f.left = time.Now().AddDate(1, 0, 0) // it stays
	return f
}

func (f *fold) mustStep(t testing.TB) {
	t.Helper()
	if err := f.step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// said returns what the fold's rows say.
func (f *fold) said() map[rowKey]string {
	out := make(map[rowKey]string)
	all := nothing
	all.version = 0
	place := beforeAll
	f.table.walk(&all, &place, func(r *row) bool {
		out[r.rowKey] = string(r.data)
		return true
	})
	return out
}

func differences(t *testing.T, what string, got, want map[rowKey]string) {
	t.Helper()
	keys := make(map[rowKey]bool)
	for _, rows := range []map[rowKey]string{got, want} {
		for key := range rows {
			keys[key] = true
		}
	}
	for key := range keys {
		if got[key] != want[key] {
			t.Errorf("%s: %s %q: got %s, want %s", what, time.UnixMilli(key.at).UTC().Format(time.TimeOnly), key.group, got[key], want[key])
		}
	}
}

// randomEvent happens now, or a while ago, or claims to happen later.
func randomEvent(rng *rand.Rand) Event {
	at := time.Now()
	switch rng.IntN(10) {
	case 0, 1:
		at = at.Add(-time.Duration(rng.IntN(60_000)) * time.Millisecond)
	case 2:
		at = at.Add(time.Duration(rng.IntN(7_200_000)) * time.Millisecond)
	}
	e := Event{
		Stream: "s." + string(rune('a'+rng.IntN(3))), Key: string(rune('k' + rng.IntN(4))), Time: at,
		Data: fmt.Appendf(nil, `{"v":%g,"g":"%d"}`, float64(rng.IntN(1000))/10, rng.IntN(5)),
	}
	switch rng.IntN(12) {
	case 0:
		e.Data = []byte(`{"v":"7"}`)
	case 1:
		e.Data = []byte(`{"v":true,"g":null}`)
	case 2:
		e.Data, e.Text = []byte("a line"), true
	case 3:
		e.Data = []byte(`[1]`)
	}
	return e
}

var manyViews = []string{
	"count(s.*) every 1s", "sum,avg,min,max,last(s.* /v) by /g every 5s", "p50,p99.9,histogram(s.a /v) by key every 10s",
	"sum,avg,p95(s.* /v) over 20s every 5s", "count,rate(s.*) by stream over 1m every 2s", "sum(s.* /v) by /g every 5s where {\"v\":5",
	"max,last(s.> /v) by type over 7s every 1s",
}

func TestAViewIsTheSameHoweverItWasFolded(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			view := manyViews[seed%uint64(len(manyViews))]
			log := NewMemoryLog(keepMuch)
			live := foldOf(t, log, view)
			for range 60 {
				<-time.After(time.Duration(rng.IntN(4000)) * time.Millisecond)
				appendRandom(t, log, rng)
				if rng.IntN(3) == 0 {
					live.mustStep(t)
				}
			}
			live.mustStep(t)
			want := live.said()
			if len(want) < 10 {
				t.Fatalf("%s: there are only %d rows", view, len(want))
			}
			for name, log := range map[string]Log{"from history": log, "in small pages": smallPages{log, 3}} {
				f := foldOf(t, log, view)
				f.mustStep(t)
				differences(t, view+" "+name, f.said(), want)
			}
		})
	}
}

func appendRandom(t *testing.T, log Log, rng *rand.Rand) {
	t.Helper()
	events := make([]Event, 1+rng.IntN(8))
	for i := range events {
		events[i] = randomEvent(rng)
	}
	if _, err := log.Append(t.Context(), Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
}

// What retention has taken from a window must not make it say less than it was:
// it is left out, and all others are the same.
func TestAWindowOfWhichSomethingIsTrimmedIsLeftOut(t *testing.T) {
	rules := Rules{
		{Match: "s.a", Keep: Keep{Events: 25, Age: time.Hour, Bytes: 1 << 40}, Delivery: DeliverAll, Format: FormatJSON},
		{Match: "s.b", Keep: Keep{Events: 10, Age: time.Hour, Bytes: 1 << 40}, Delivery: DeliverLatest, Format: FormatJSON},
		{Match: ">", Keep: Keep{Events: 1e6, Age: 40 * time.Second, Bytes: 1 << 40}, Delivery: DeliverAll, Format: FormatJSON},
	}
	rowsSeen, rowsLeftOut := 0, 0
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 2))
			view := manyViews[seed%uint64(len(manyViews))]
			log, whole := NewMemoryLog(rules), NewMemoryLog(keepMuch)
			overtaken := foldOf(t, log, view)
			for i := range 50 {
				<-time.After(time.Duration(rng.IntN(4000)) * time.Millisecond)
				// In order of time: what is trimmed is older than what is kept.
				e := randomEvent(rng)
				e.Time = time.Now()
				for _, l := range []Log{log, whole} {
					if _, err := l.Append(t.Context(), Batch{Events: []Event{e}}); err != nil {
						t.Fatal(err)
					}
				}
				if i == 5 || i == 45 {
					overtaken.mustStep(t)
				}
			}
			truth, fresh := foldOf(t, whole, view), foldOf(t, log, view)
			for _, f := range []*fold{truth, fresh, overtaken} {
				f.mustStep(t)
			}
			want := truth.said()
			for name, f := range map[string]*fold{"fresh": fresh, "overtaken": overtaken} {
				for key, data := range f.said() {
					rowsSeen++
					if want[key] != data {
						t.Errorf("%s, %s: %v is %s, want %s or nothing", view, name, key, data, want[key])
					}
				}
			}
			rowsLeftOut += len(want) - len(fresh.said())
		})
	}
	if rowsSeen < 200 || rowsLeftOut < 200 {
		t.Errorf("%d rows seen and %d left out show little", rowsSeen, rowsLeftOut)
	}
}

// The same numbers, computed event by event and window by window.
func TestAViewSaysWhatIsInItsWindows(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 3))
			every := []int64{1000, 5000, 60_000}[seed%3]
			over := every * []int64{1, 3, 12}[rng.IntN(3)]
			view := fmt.Sprintf("count,sum,min,max,last(n) by key over %dms every %dms", over, every)
			log := NewMemoryLog(keepMuch)
			f := foldOf(t, log, view)
			var events []Event
			for range 150 {
				<-time.After(time.Duration(rng.IntN(3000)) * time.Millisecond)
				e := Event{Stream: "n", Key: string(rune('a' + rng.IntN(3))), Data: fmt.Append(nil, rng.IntN(100)), Time: time.Now().Add(-time.Duration(rng.IntN(20)) * time.Second)}
				if _, err := log.Append(t.Context(), Batch{Events: []Event{e}}); err != nil {
					t.Fatal(err)
				}
				events = append(events, e)
				if rng.IntN(9) == 0 {
					f.mustStep(t)
				}
			}
			f.mustStep(t)
			differences(t, view, f.said(), windowsOf(events, every, over))
		})
	}
}

// windowsOf computes rows of the view above the slow way.
func windowsOf(events []Event, every, over int64) map[rowKey]string {
	now := time.Now().UnixMilli()
	out := make(map[rowKey]string)
	groups := make(map[string]bool)
	for _, e := range events {
		groups[e.Key] = true
	}
	start := time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC).UnixMilli()
	for at := start; at <= now; at += every {
		for _, group := range slices.Sorted(maps.Keys(groups)) {
			var count, sum, least, most, last int
			var lastTime int64
			for _, e := range events {
				ms := e.Time.UnixMilli()
				if e.Key != group || ms < at+every-over || ms >= at+every {
					continue
				}
				var n int
				fmt.Sscan(string(e.Data), &n)
				if count == 0 {
					least, most = n, n
				}
				if ms >= lastTime {
					last, lastTime = n, ms
				}
				count, sum, least, most = count+1, sum+n, min(least, n), max(most, n)
			}
			if count > 0 {
				out[rowKey{at, group}] = fmt.Sprintf(`{"count":%d,"sum":%d,"min":%d,"max":%d,"last":%d}`, count, sum, least, most, last)
			}
		}
	}
	return out
}

func TestGroupsThatAreTooManyAreCountedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := NewMemoryLog(keepMuch)
		var events []Event
		for i := range 1500 {
			events = append(events, Event{Stream: "s", Data: fmt.Appendf(nil, `{"g":%d}`, i)}, Event{Stream: "s", Data: []byte(`{"g":0}`)})
		}
		if _, err := log.Append(t.Context(), Batch{Events: events}); err != nil {
			t.Fatal(err)
		}
		f := foldOf(t, log, "count(s) by /g every 1h")
		f.mustStep(t)
		rows := f.said()
		at := f.table.windows[0].at
		if len(rows) != 1001 || rows[rowKey{at, otherGroups}] != `{"count":500}` || rows[rowKey{at, "0"}] != `{"count":1501}` || rows[rowKey{at, "999"}] != `{"count":1}` {
			t.Errorf("%d rows, of all others %s, of 0 %s, of 999 %s", len(rows), rows[rowKey{at, otherGroups}], rows[rowKey{at, "0"}], rows[rowKey{at, "999"}])
		}
	})
}

// Whatever is published, what a view keeps is bounded, and the newest windows
// are those that are kept.
func TestAViewKeepsItsNewestWindows(t *testing.T) {
	for _, test := range []struct {
		view                  string
		groups, perGroup      int
		step                  time.Duration
		rows, windows, oldest int // oldest counts windows back from the newest
	}{
		{"count(s) every 1s", 1, 6000, time.Second, 5000, 5000, 4999},
		{"count(s) every 1m", 1, 6000, time.Second, 100, 100, 99},
		{"sum(s /v) by /g every 1s", 500, 210, time.Second, 100_000, 200, 199},
		{"sum(s /v) by /g over 10s every 1s", 500, 210, time.Second, 96_000, 192, 191},
	} {
		synctest.Test(t, func(t *testing.T) {
			log := NewMemoryLog(keepMuch)
			f := foldOf(t, log, test.view)
			for range test.perGroup {
				events := make([]Event, test.groups)
				for i := range events {
					events[i] = Event{Stream: "s", Data: fmt.Appendf(nil, `{"g":%d,"v":1}`, i)}
				}
				if _, err := log.Append(t.Context(), Batch{Events: events}); err != nil {
					t.Fatal(err)
				}
				<-time.After(test.step)
			}
			f.views.hub.replay.left.Store(1 << 40)
			f.mustStep(t)
			w := f.table.windows
			every := f.view.Every.Milliseconds()
			oldest := int((w[len(w)-1].at - w[0].at) / every)
			if f.table.rows != test.rows || len(w) != test.windows || oldest != test.oldest {
				t.Errorf("%s: %d rows, %d windows, the oldest %d back, want %d, %d, %d", test.view, f.table.rows, len(w), oldest, test.rows, test.windows, test.oldest)
			}
		})
	}
}

func TestQuantilesTakeBoundedMemory(t *testing.T) {
	v, err := ParseView("p99,histogram(s /v) by /g every 1s")
	if err != nil {
		t.Fatal(err)
	}
	tally := newTally(&v, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Unix(1e9, 0)
	for i := range 600_000 {
		at := start.Add(time.Duration(i/3000) * time.Second)
		value := rng.Float64() * 1e6
		tally.add(&Event{Stream: "s", Time: at, Appended: at, ID: Position{1, uint64(i + 1)}, Data: fmt.Appendf(nil, `{"g":%d,"v":%g}`, i%3, value*value)})
		if i%100 == 0 {
			tally.trim()
		}
	}
	count := 0
	for _, p := range tally.panes {
		for _, c := range p.cells {
			count += c.buckets()
		}
	}
	if count != tally.buckets || count > maxViewBuckets {
		t.Errorf("there are %d buckets, counted are %d", count, tally.buckets)
	}
}

func TestAnEventFromTheFarFutureIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := NewMemoryLog(keepMuch)
		f := foldOf(t, log, "count(s) every 1h")
		now := time.Now()
		for _, at := range []time.Time{now, now.Add(time.Hour), now.Add(time.Hour + time.Second), now.AddDate(200, 0, 0)} {
			if _, err := log.Append(t.Context(), Batch{Events: []Event{{Stream: "s", Time: at, Data: []byte("1")}}}); err != nil {
				t.Fatal(err)
			}
		}
		f.mustStep(t)
		var got []string
		for key, data := range f.said() {
			got = append(got, fmt.Sprintf("%s %s", time.UnixMilli(key.at).Sub(now), data))
		}
		slices.Sort(got)
		if want := `0s {"count":1} 1h0m0s {"count":1}`; strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}
