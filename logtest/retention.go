package logtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/streamgauge/streamgauge"
)

var retentionCases = []testCase{
	{name: "count, bytes and both bound what is kept", run: bounds},
	{name: "age bounds what is read, with nothing new appended", needs: needs{advance: true}, run: age},
	{name: "the append clock never runs backwards", needs: needs{advance: true}, run: clockBack},
	{name: "a latest rule keeps the newest event of every key in its place", run: survivors},
	{name: "last begins so many selected events before the head", run: last},
	{name: "since begins with what was appended at or after it", needs: needs{advance: true}, run: since},
	{name: "a forgotten stream is empty and begins anew", run: forget},
}

func bounds(b *bench) {
	b.open(
		streamgauge.Rule{Match: "count", Keep: streamgauge.Keep{Events: 5}},
		streamgauge.Rule{Match: "bytes", Keep: streamgauge.Keep{Bytes: 10}},
		streamgauge.Rule{Match: "both", Keep: streamgauge.Keep{Events: 3, Bytes: 10}},
		streamgauge.Rule{Match: "tiny", Keep: streamgauge.Keep{Bytes: 3}},
	)
	for i := 1; i <= 20; i++ {
		for _, s := range []string{"count", "bytes", "both", "tiny", "all"} {
			b.append(event(s, fmt.Sprint(1000+i)))
		}
	}
	b.restarts(func(after string) {
		for stream, first := range map[string]int{"count": 16, "bytes": 19, "both": 19, "tiny": 21, "all": 1} {
			got, _ := b.readAll(streamgauge.Query{Select: selection(stream)})
			b.want(after+": "+stream, data(got), numbers(1000+first, 1020))
		}
	})
}

func age(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Age: time.Minute}})
	for i := 1; i <= 4; i++ {
		b.append(event("a", fmt.Sprint(i)), event("b", fmt.Sprint(i)))
		b.h.Advance(b.T, b.log, 20*time.Second)
	}
	// The events of a are 80, 60, 40 and 20 seconds old.
	b.restarts(func(after string) {
		p := b.read(streamgauge.Query{Select: selection("a"), After: b.at(0)})
		b.want(after, data(p.Events), numbers(2, 4))
		if len(p.Gaps) != 1 || p.Gaps[0].Lost != 1 {
			b.Fatalf("%s: gaps %+v, want one that lost 1", after, p.Gaps)
		}
	})
	b.h.Advance(b.T, b.log, time.Hour)
	got, _ := b.readAll(streamgauge.Query{Select: everything})
	b.want("an hour later", data(got), numbers(1, 4))
	all, err := b.log.Streams(b.Context())
	if err != nil || len(all) != 1 || all[0].Name != "b" {
		b.Fatalf("an hour later: Streams: %+v, error %v; want b only, since nothing is left of a", all, err)
	}
}

func clockBack(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Age: time.Minute}})
	var latest time.Time
	check := func(after string) {
		events, _ := b.readAll(streamgauge.Query{Select: everything})
		for _, e := range events {
			if e.Appended.Before(latest) {
				b.Fatalf("%s: %v was appended at %v, before %v", after, e.ID, e.Appended, latest)
			}
		}
		latest = events[len(events)-1].Appended
	}
	b.append(event("a", "1"))
	check("at first")
	b.h.Advance(b.T, b.log, -time.Hour)
	b.append(event("a", "2"))
	check("an hour earlier")
	if b.h.Reopen != nil {
		b.log = b.h.Reopen(b.T, b.log)
	}
	r := b.append(event("a", "3"))
	check("reopened")
	if r.Position.Seq != 3 {
		b.Fatalf("the third event is at %v", r.Position)
	}
}

func survivors(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 2}, Delivery: streamgauge.DeliverLatest})
	b.append(keyed("a", "x", "1"), keyed("a", "y", "2"), event("b", "3"), keyed("a", "x", "4"),
		keyed("a", "z", "5"), keyed("a", "z", "6"), keyed("a", "z", "7"))
	b.restarts(func(after string) {
		p := b.read(streamgauge.Query{Select: everything, After: b.at(0)})
		b.want(after, data(p.Events), []string{"2", "3", "4", "6", "7"})
		if len(p.Gaps) != 1 || p.Gaps[0].Lost != 2 || p.Gaps[0].Stream != "a" || p.Gaps[0].Through != 5 || p.Gaps[0].To != b.at(6) {
			b.Fatalf("%s: gaps %+v, want one of a that lost 2 through 5 and goes on at 6", after, p.Gaps)
		}
		got, _ := b.readAll(streamgauge.Query{Select: everything, Limit: 1})
		b.want(after+", one by one", data(got), []string{"2", "3", "4", "6", "7"})
	})
	b.append(keyed("a", "y", "8"))
	b.append(event("a", "9"), event("a", "10"))
	b.restarts(func(after string) {
		p := b.read(streamgauge.Query{Select: selection("a"), After: b.at(0)})
		b.want(after+" and a newer y", data(p.Events), []string{"4", "7", "8", "9", "10"})
		if len(p.Gaps) != 1 || p.Gaps[0].Lost != 4 {
			b.Fatalf("%s and a newer y: gaps %+v, want one that lost 4", after, p.Gaps)
		}
	})
	p := b.read(streamgauge.Query{Select: selection("a"), Last: 4})
	b.want("last 4", data(p.Events), []string{"7", "8", "9", "10"})
	if err := b.log.Forget(b.Context(), "a"); err != nil {
		b.Fatal(err)
	}
	b.restarts(func(after string) {
		p := b.read(streamgauge.Query{Select: selection("a"), After: b.at(0)})
		if len(p.Events) > 0 || len(p.Gaps) != 1 || p.Gaps[0].Lost != 9 {
			b.Fatalf("%s and forgotten: got %v and %+v, want a gap of all 9", after, data(p.Events), p.Gaps)
		}
	})
}

func last(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 5}})
	for i := 1; i <= 20; i++ {
		b.append(event([]string{"a", "b"}[i%2], fmt.Sprint(i)))
	}
	b.restarts(func(after string) {
		for _, c := range []struct {
			sel   streamgauge.Selection
			last  int
			want  []string
			start uint64
		}{
			{everything, 1, numbers(20, 20), 19},
			{everything, 4, numbers(17, 20), 16},
			{selection("a"), 3, []string{"16", "18", "20"}, 15},
			{selection("a"), 99, []string{"12", "14", "16", "18", "20"}, 11},
			{everything, 12, []string{"7", "9", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20"}, 6},
			{selection("none"), 5, nil, 20},
		} {
			p := b.read(streamgauge.Query{Select: c.sel, Last: c.last})
			b.want(fmt.Sprintf("%s: last %d of %v", after, c.last, c.sel), data(p.Events), c.want)
			if p.Start != b.at(c.start) {
				b.Errorf("%s: last %d of %v starts at %v, want %d", after, c.last, c.sel, p.Start, c.start)
			}
		}
	})
	p := b.read(streamgauge.Query{Select: everything, Last: 12, Limit: 2})
	if got, _ := b.readAll(streamgauge.Query{Select: everything, After: p.Next}); !slices.Equal(data(got), numbers(11, 20)) {
		b.Errorf("going on after a first page of last: got %v, want 11 to 20", data(got))
	}
}

func since(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 3}})
	var times []time.Time
	for i := 1; i <= 10; i++ {
		b.append(event([]string{"a", "b"}[i%2], fmt.Sprint(i)))
		p := b.read(streamgauge.Query{Select: everything, Last: 1})
		times = append(times, p.Events[0].Appended)
		b.h.Advance(b.T, b.log, time.Second)
	}
	b.restarts(func(after string) {
		for _, c := range []struct {
			sel  string
			at   time.Time
			want []string
		}{
			{">", times[6], numbers(7, 10)},
			{">", times[6].Add(time.Millisecond), numbers(8, 10)},
			{"a", times[6], []string{"8", "10"}},
			{"a", times[0].Add(-time.Hour), []string{"6", "8", "10"}},
			{">", times[9].Add(time.Millisecond), nil},
		} {
			p := b.read(streamgauge.Query{Select: selection(c.sel), Since: c.at})
			b.want(fmt.Sprintf("%s: %s since %v", after, c.sel, c.at), data(p.Events), c.want)
			start := b.head()
			if len(p.Events) > 0 {
				start.Seq = p.Events[0].ID.Seq - 1
			}
			if p.Start != start {
				b.Errorf("%s: %s since %v starts at %v, want %v", after, c.sel, c.at, p.Start, start)
			}
		}
	})
}

func forget(b *bench) {
	b.open()
	b.append(event("a", "1"), event("b", "2"), event("a", "3"))
	for _, stream := range []string{"a", "unknown"} {
		if err := b.log.Forget(b.Context(), stream); err != nil {
			b.Fatalf("Forget(%s): %v", stream, err)
		}
	}
	b.restarts(func(after string) {
		p := b.read(streamgauge.Query{Select: everything, After: b.at(0)})
		b.want(after, data(p.Events), []string{"2"})
		if len(p.Gaps) != 1 || p.Gaps[0].Stream != "a" || p.Gaps[0].Lost != 2 || p.Head.Seq != 3 {
			b.Fatalf("%s: gaps %+v up to %v, want one of a that lost 2, up to 3", after, p.Gaps, p.Head)
		}
	})
	b.append(event("a", "4"))
	b.restarts(func(after string) {
		p := b.read(streamgauge.Query{Select: selection("a"), After: b.at(1)})
		b.want(after+" and begun anew", data(p.Events), []string{"4"})
		if len(p.Gaps) != 1 || p.Gaps[0].Lost != 1 || p.Gaps[0].To != b.at(4) {
			b.Fatalf("%s and begun anew: gaps %+v, want one that lost 1 before 4", after, p.Gaps)
		}
	})
}
