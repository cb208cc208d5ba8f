package logtest

import (
	"fmt"
	"slices"

	"github.com/streamgauge/streamgauge"
)

var gapCases = []testCase{
	{name: "who was away is told exactly what was missed", run: exactCounts},
	{name: "a quiet stream has no gap when its neighbours are trimmed", run: quietStream},
	{name: "a gap is told in full on the first page and then not again", run: told},
	{name: "starting at last or since reports what is gone after the start", run: startGaps},
}

// exactCounts is away for k events of each of several streams that keep n.
func exactCounts(b *bench) {
	for _, n := range []int{1, 2, 100} {
		for _, k := range []int{0, 1, n - 1, n, n + 1, 10 * n} {
			b.open(streamgauge.Rule{Match: "ring.>", Keep: streamgauge.Keep{Events: n}})
			rings := []string{"ring.a", "ring.b", "ring.c"}
			for range n {
				for _, s := range rings {
					b.append(event(s, "0"))
				}
			}
			left := b.head()
			var batch []streamgauge.Event
			for i := 1; i <= k; i++ {
				for _, s := range rings {
					batch = append(batch, event(s, fmt.Sprint(i)))
				}
				batch = append(batch, event("other", "1"))
			}
			if k > 0 {
				b.appendAll(batch)
			}
			check := func(after string) {
				what := fmt.Sprintf("%s: away for %d of a ring of %d", after, k, n)
				p := b.read(streamgauge.Query{Select: selection("ring.>"), After: left, Limit: 10_000})
				lost := max(0, k-n)
				if lost == 0 && len(p.Gaps) > 0 {
					b.Fatalf("%s: a false gap %+v", what, p.Gaps)
				}
				if lost > 0 && len(p.Gaps) != len(rings) {
					b.Fatalf("%s: %d gaps, want one per stream", what, len(p.Gaps))
				}
				for i, g := range p.Gaps {
					first := slices.IndexFunc(p.Events, func(e streamgauge.Event) bool { return e.Stream == rings[i] })
					want := streamgauge.Gap{
						Stream: rings[i], From: left, To: p.Events[first].ID, Lost: int64(lost),
						Reason: streamgauge.ReasonEvicted, Through: left.Seq + uint64(4*(lost-1)+i+1),
					}
					if g != want {
						b.Fatalf("%s: got gap %+v, want %+v", what, g, want)
					}
				}
				if want := len(rings) * min(k, n); len(p.Events) != want {
					b.Fatalf("%s: %d events, want %d", what, len(p.Events), want)
				}
			}
			check("at once")
			if n == 2 {
				b.restarts(check)
			}
			b.log.Close()
		}
	}
}

func quietStream(b *bench) {
	b.open(streamgauge.Rule{Match: "busy.>", Keep: streamgauge.Keep{Events: 2}})
	b.append(event("quiet", "1"))
	left := b.head()
	for i := range 50 {
		b.append(event(fmt.Sprintf("busy.%d", i%3), "0"))
	}
	b.append(event("quiet", "2"))
	b.restarts(func(after string) {
		for _, sel := range []streamgauge.Selection{selection("quiet"), selection("quiet", "no.>"), selection("*")} {
			p := b.read(streamgauge.Query{Select: sel, After: left})
			b.want(after, data(p.Events), []string{"2"})
			if len(p.Gaps) > 0 {
				b.Fatalf("%s: %v: a false gap %+v", after, sel, p.Gaps)
			}
		}
		if p := b.read(streamgauge.Query{Select: selection("busy.>"), After: b.at(51)}); len(p.Gaps) > 0 {
			b.Fatalf("%s: a gap %+v after everything that was trimmed", after, p.Gaps)
		}
	})
}

func told(b *bench) {
	b.open(streamgauge.Rule{Match: "*", Keep: streamgauge.Keep{Events: 3}})
	for i := 1; i <= 10; i++ {
		b.append(event("a", fmt.Sprint(i)), event("b", fmt.Sprint(i)))
	}
	q := streamgauge.Query{Select: everything, After: b.at(1), Limit: 1}
	p := b.read(q)
	if len(p.Gaps) != 2 || p.Gaps[0].Lost != 6 || p.Gaps[1].Lost != 7 || p.Gaps[0].To != b.at(15) || p.Gaps[1].To != b.at(16) {
		b.Fatalf("first page: gaps %+v, want 6 of a before 15 and 7 of b before 16", p.Gaps)
	}
	q.Told = map[string]uint64{"a": p.Gaps[0].Through}
	if p := b.read(q); len(p.Gaps) != 1 || p.Gaps[0].Stream != "b" {
		b.Fatalf("told of a: gaps %+v, want that of b", p.Gaps)
	}
	q.Told["b"] = p.Gaps[1].Through
	if p := b.read(q); len(p.Gaps) > 0 {
		b.Fatalf("told of both: gaps %+v, want none", p.Gaps)
	}
	b.append(event("a", "11"), event("a", "12"))
	if p := b.read(q); len(p.Gaps) != 1 || p.Gaps[0].Lost != 2 {
		b.Fatalf("two more trimmed: gaps %+v, want one of a that lost 2", p.Gaps)
	}
}

func startGaps(b *bench) {
	b.open(streamgauge.Rule{Match: "a", Keep: streamgauge.Keep{Events: 1}})
	b.append(event("b", "1"), event("a", "2"), event("a", "3"), event("b", "4"), event("a", "5"))
	p := b.read(streamgauge.Query{Select: everything, Last: 3})
	b.want("last 3", data(p.Events), []string{"1", "4", "5"})
	if p.Start != b.at(0) || len(p.Gaps) != 1 || p.Gaps[0].Lost != 2 || p.Gaps[0].From != p.Start {
		b.Errorf("last 3: start %v, gaps %+v, want 0 and one that lost 2", p.Start, p.Gaps)
	}
	p = b.read(streamgauge.Query{Select: everything, Last: 2})
	if p.Start != b.at(3) || len(p.Gaps) != 0 {
		b.Errorf("last 2: start %v, gaps %+v, want 3 and none", p.Start, p.Gaps)
	}
	p = b.read(streamgauge.Query{Select: selection("a")})
	if p.Start != b.at(4) || len(p.Gaps) != 0 {
		b.Errorf("oldest kept: start %v, gaps %+v, want 4 and none", p.Start, p.Gaps)
	}
}
