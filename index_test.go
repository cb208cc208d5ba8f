package streamgauge_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// testIndex is an index whose places are the sequence numbers.
type testIndex struct {
	*streamgauge.Index[uint64]
	t       *testing.T
	dropped map[uint64]bool
}

func newIndex(t *testing.T, rules ...streamgauge.Rule) *testIndex {
	t.Helper()
	ix := &testIndex{t: t, dropped: make(map[uint64]bool)}
	ix.Index = streamgauge.NewIndex(1, rules, func(seq uint64) {
		if ix.dropped[seq] {
			t.Errorf("event %d was dropped twice", seq)
		}
		ix.dropped[seq] = true
	})
	return ix
}

func (ix *testIndex) add(stream, key string) uint64 {
	seq := ix.Head().Seq + 1
	ix.Add(streamgauge.Entry[uint64]{Stream: stream, Seq: seq, Appended: 1000, Key: key, Size: 1, Loc: seq})
	return seq
}

func at(seq uint64) streamgauge.Position { return streamgauge.Position{Epoch: 1, Seq: seq} }

func (ix *testIndex) read(after uint64, selectors ...string) (streamgauge.Page, []uint64) {
	ix.t.Helper()
	sel, err := streamgauge.NewSelection(selectors...)
	if err != nil {
		ix.t.Fatal(err)
	}
	page, entries, err := ix.Read(streamgauge.Query{Select: sel, After: at(after)}, time.UnixMilli(1000))
	if err != nil {
		ix.t.Fatal(err)
	}
	var seqs []uint64
	for _, e := range entries {
		if seqs = append(seqs, e.Seq); e.Loc != e.Seq || ix.dropped[e.Seq] {
			ix.t.Errorf("entry %+v, dropped: %v", e, ix.dropped[e.Seq])
		}
	}
	return page, seqs
}

func keep(n int) streamgauge.Rule {
	return streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: n}}
}

func TestTrimmedEventsAreCountedForAMillionAndUnknownAfterThat(t *testing.T) {
	const remembered = 1 << 20
	ix := newIndex(t, keep(1))
	clear(ix.dropped)
	for range 100 {
		ix.add("early", "")
	}
	for range remembered - 1 { // one of these stays
		ix.add("late", "")
	}
	lost := func(after uint64, stream string) int64 {
		page, _ := ix.read(after, stream)
		if len(page.Gaps) != 1 {
			t.Fatalf("%s after %d: gaps %+v, want one", stream, after, page.Gaps)
		}
		return page.Gaps[0].Lost
	}
	// 99 + 2^20 - 2 were trimmed: all but 97 are remembered.
	if got := lost(97, "early"); got != 2 {
		t.Errorf("early after 97: lost %d, want 2", got)
	}
	if got := lost(96, "early"); got != -1 {
		t.Errorf("early after 96: lost %d, want it unknown", got)
	}
	if got := lost(0, "late"); got != remembered-2 {
		t.Errorf("late: lost %d, want %d", got, remembered-2)
	}
	ix.add("late", "")
	ix.add("late", "")
	if page, seqs := ix.read(0, "early"); len(seqs) != 1 || len(page.Gaps) != 1 || page.Gaps[0].Lost != -1 || page.Gaps[0].Through != 99 {
		t.Errorf("early, long after: %v and gaps %+v, want the last event and an unknown number through 99", seqs, page.Gaps)
	}
	if page, _ := ix.read(99, "early"); len(page.Gaps) != 0 {
		t.Errorf("early after 99: a false gap %+v", page.Gaps)
	}
	restored := newIndex(t, keep(1))
	for _, g := range ix.Gone(0, 50) {
		restored.AddGone(g)
	}
	restored.Skip(50, false)
	for range 50 {
		restored.add("early", "")
	}
	if page, _ := restored.read(0, "early"); len(page.Gaps) != 1 || page.Gaps[0].Lost != -1 {
		t.Errorf("carried over in part: gaps %+v, want one of unknown size", page.Gaps)
	}
}

func TestAStreamThatVanishedStillOwesItsGap(t *testing.T) {
	const remembered = 1 << 20
	ix := newIndex(t, keep(1))
	last := ix.add("short", "")
	ix.Forget("short")
	for range remembered + 2 {
		ix.add("long", "")
	}
	if all := ix.Streams(time.UnixMilli(1000)); len(all) != 1 || all[0].Name != "long" {
		t.Fatalf("streams %+v, want only the one of which anything is known", all)
	}
	want := streamgauge.Gap{Stream: "short", From: at(0), Lost: -1, Reason: streamgauge.ReasonEvicted, Through: last}
	if page, _ := ix.read(0, "short"); len(page.Gaps) != 1 || page.Gaps[0] != want {
		t.Errorf("gaps %+v, want %+v", page.Gaps, want)
	}
	if page, _ := ix.read(last, "short"); len(page.Gaps) != 0 {
		t.Errorf("after its last event: a false gap %+v", page.Gaps)
	}
	want.Newest = true // under a latest rule, or it would be kept
	latest := newIndex(t, streamgauge.Rule{Match: ">", Delivery: streamgauge.DeliverLatest})
	for _, g := range ix.Gone(0, last) {
		latest.AddGone(g)
	}
	if page, _ := latest.read(0, "short"); len(page.Gaps) != 1 || page.Gaps[0] != want {
		t.Errorf("under a latest rule: gaps %+v, want %+v", page.Gaps, want)
	}
	latest.add("short", "")
	if page, _ := latest.read(0, "short"); len(page.Gaps) != 1 || !page.Gaps[0].Newest {
		t.Errorf("under a latest rule, begun anew: gaps %+v, want one of what was not superseded", page.Gaps)
	}
	seq := ix.add("short", "")
	if page, seqs := ix.read(0, "short"); len(page.Gaps) != 1 || page.Gaps[0].Lost != -1 || page.Gaps[0].To != at(seq) || len(seqs) != 1 {
		t.Errorf("begun anew: %v and gaps %+v, want the gap before it", seqs, page.Gaps)
	}
}

func TestLatestKeepsAtMostTenThousandKeys(t *testing.T) {
	ix := newIndex(t, streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1}, Delivery: streamgauge.DeliverLatest})
	for i := range 10_005 {
		ix.add("a", fmt.Sprint(i))
	}
	page, entries, err := ix.Read(streamgauge.Query{Select: streamgauge.Selection{"a"}, After: at(0), Limit: 20_000}, time.UnixMilli(1000))
	if err != nil || len(entries) != 10_001 || entries[0].Seq != 5 {
		t.Fatalf("%d events, error %v, want the newest and 10,000 survivors", len(entries), err)
	}
	if len(page.Gaps) != 1 || page.Gaps[0].Lost != 4 {
		t.Errorf("gaps %+v, want one that lost 4", page.Gaps)
	}
}

func TestHolesAreToldToWhoStartsInOrBeforeThem(t *testing.T) {
	ix := newIndex(t, keep(10))
	ix.add("a", "")
	ix.Skip(100, true)
	if page, _ := ix.read(1, "a"); len(page.Gaps) != 1 || page.Gaps[0].To != (streamgauge.Position{}) || page.Head != at(100) {
		t.Errorf("with nothing after it yet: gaps %+v, head %v", page.Gaps, page.Head)
	}
	ix.add("b", "")
	ix.Skip(200, true)
	ix.add("a", "")
	for _, c := range []struct {
		after uint64
		want  []streamgauge.Gap
	}{
		{0, []streamgauge.Gap{{From: at(1), To: at(101), Through: 100}, {From: at(101), To: at(201), Through: 200}}},
		{50, []streamgauge.Gap{{From: at(50), To: at(101), Through: 100}, {From: at(101), To: at(201), Through: 200}}},
		{100, []streamgauge.Gap{{From: at(101), To: at(201), Through: 200}}},
		{200, nil},
	} {
		page, _ := ix.read(c.after, "a")
		if len(page.Gaps) != len(c.want) {
			t.Fatalf("after %d: gaps %+v, want %+v", c.after, page.Gaps, c.want)
		}
		for i, want := range c.want {
			want.Lost, want.Reason = -1, streamgauge.ReasonBackend
			if page.Gaps[i] != want {
				t.Errorf("after %d: got gap %+v, want %+v", c.after, page.Gaps[i], want)
			}
		}
	}
}

func TestWhatIsKnownOfTrimmedEventsCanBeCarriedOver(t *testing.T) {
	ix := newIndex(t, keep(2))
	for i := range 30 {
		ix.add([]string{"a", "b", "c"}[i%3], "")
	}
	ix.Forget("c")
	copied := newIndex(t, keep(2))
	for _, e := range ix.Kept(0, 30, 100) {
		copied.Add(e)
	}
	for _, g := range ix.Gone(0, 30) {
		copied.AddGone(g)
	}
	for after := range uint64(30) {
		got, gotSeqs := copied.read(after, ">")
		want, wantSeqs := ix.read(after, ">")
		if fmt.Sprint(got, gotSeqs) != fmt.Sprint(want, wantSeqs) {
			t.Fatalf("after %d: got %+v %v, want %+v %v", after, got, gotSeqs, want, wantSeqs)
		}
	}
	if _, _, err := copied.Read(streamgauge.Query{After: at(31)}, time.UnixMilli(0)); !errors.Is(err, streamgauge.ErrAhead) {
		t.Errorf("beyond the head: got error %v, want ErrAhead", err)
	}
}

// Where a log's instances hear late that a stream was forgotten, they know in the end what
// they would have known at once.
func TestForgettingLateIsForgetting(t *testing.T) {
	for _, delivery := range []streamgauge.Delivery{streamgauge.DeliverAll, streamgauge.DeliverLatest} {
		for forgotten := range uint64(40) {
			rule := streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 5}, Delivery: delivery}
			atOnce, late := newIndex(t, rule), newIndex(t, rule)
			for i := range uint64(40) {
				stream, key := []string{"a", "b"}[i%2], fmt.Sprint(i%14)
				atOnce.add(stream, key)
				late.add(stream, key)
				if i+1 == forgotten {
					atOnce.Forget("a")
				}
			}
			late.ForgetThrough("a", forgotten)
			for after := range uint64(40) {
				got, gotSeqs := late.read(after, ">")
				want, wantSeqs := atOnce.read(after, ">")
				if fmt.Sprint(got, gotSeqs) != fmt.Sprint(want, wantSeqs) {
					t.Fatalf("%s, forgotten through %d, after %d: got %+v %v, want %+v %v", delivery, forgotten, after, got, gotSeqs, want, wantSeqs)
				}
			}
		}
	}
}

func TestWhatWasNotSupersededCanBeCarriedOverInParts(t *testing.T) {
	rule := streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1}, Delivery: streamgauge.DeliverLatest}
	ix := newIndex(t, rule)
	for i := range 20 {
		ix.add("a", fmt.Sprint(i%10))
		if i == 9 {
			ix.Forget("a") // the second time all keys are anew
		}
	}
	ix.Forget("a")
	copied := newIndex(t, rule)
	for _, part := range [][2]uint64{{0, 5}, {5, 15}, {15, 20}} {
		for _, g := range ix.Gone(part[0], part[1]) {
			copied.AddGone(g)
		}
		for after := range part[1] {
			if page, _ := copied.read(after, "a"); len(page.Gaps) != 1 || !page.Gaps[0].Newest {
				t.Fatalf("of %d carried over, after %d: gaps %+v, want one of what was not superseded", part[1], after, page.Gaps)
			}
		}
	}
}

func TestBesideEventsOfUnknownStreamsNoCountIsCertain(t *testing.T) {
	ix := newIndex(t, keep(1))
	ix.AddGone(streamgauge.Gone{Through: 3})
	ix.Skip(3, false)
	for range 3 {
		ix.add("a", "")
	}
	for after, lost := range []int64{-1, -1, -1, 2, 1} {
		if page, _ := ix.read(uint64(after), "a"); page.Gaps[0].Stream != "a" || page.Gaps[0].Lost != lost {
			t.Errorf("after %d: gaps %+v, want one of a that lost %d", after, page.Gaps, lost)
		}
	}
}

func TestALostEventIsAHoleAndNotTrimmed(t *testing.T) {
	ix := newIndex(t, keep(10))
	for range 4 {
		ix.add("a", "")
	}
	ix.Lose("a", 2)
	ix.Lose("a", 3)
	ix.Lose("a", 3)
	ix.Lose("unknown", 4)
	page, seqs := ix.read(0, "a")
	if fmt.Sprint(seqs) != "[1 4]" || len(page.Gaps) != 1 || page.Gaps[0].Reason != streamgauge.ReasonBackend || page.Gaps[0].Through != 3 {
		t.Errorf("got %v and gaps %+v, want 1 and 4 and one hole through 3", seqs, page.Gaps)
	}
}

func BenchmarkIndexAdd(b *testing.B) {
	ix := streamgauge.NewIndex(1, streamgauge.Rules{keep(1000)}, func(uint64) {})
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprint("stream.", i)
	}
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		ix.Add(streamgauge.Entry[uint64]{Stream: names[seq%1000], Seq: seq, Appended: 1, Size: 100, Loc: seq})
	}
}
