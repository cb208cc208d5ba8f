package logtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
)

var modelCases = []testCase{
	{name: "random operations agree with a model", run: againstModel},
}

// SeedVariable is the environment variable that repeats a failed run of the
// model test with the seed that it printed.
const SeedVariable = "STREAMGAUGE_LOGTEST_SEED"

var modelRules = []streamgauge.Rule{
	{Match: "m.count", Keep: streamgauge.Keep{Events: 3}},
	{Match: "m.bytes", Keep: streamgauge.Keep{Bytes: 12}},
	{Match: "m.age", Keep: streamgauge.Keep{Age: 10 * time.Second}},
	{Match: "m.latest.*", Keep: streamgauge.Keep{Events: 2, Age: 20 * time.Second}, Delivery: streamgauge.DeliverLatest},
	{Match: ">", Keep: streamgauge.Keep{Events: 50, Age: 1e6 * time.Hour, Bytes: 1 << 40}},
}

var modelStreams = []string{"m.count", "m.bytes", "m.age", "m.latest.a", "m.latest.b", "free", "free.more"}

// model is the plainest log there can be: it keeps every event for ever and
// decides anew at each step which of them count as kept.
type model struct {
	rules  streamgauge.Rules
	events []modelEvent // by sequence number, from 1
	now    time.Time
}

type modelEvent struct {
	streamgauge.Event
	trimmed   bool // by the bounds, or forgotten
	forgotten bool
	gone      bool
}

// settle applies the rules.
func (m *model) settle() {
	for _, stream := range modelStreams {
		rule := m.rules.For(stream)
		var bytes, count = int64(0), 0
		newest := make(map[string]bool)
		for i := len(m.events) - 1; i >= 0; i-- {
			e := &m.events[i]
			if e.Stream != stream {
				continue
			}
			count++
			bytes += int64(len(e.Data))
			if count > rule.Keep.Events || bytes > rule.Keep.Bytes || m.now.Sub(e.Appended) > rule.Keep.Age {
				e.trimmed = true
			}
			survives := rule.Delivery == streamgauge.DeliverLatest && !newest[e.Key] && !e.forgotten
			newest[e.Key] = true
			e.gone = e.gone || e.trimmed && !survives
		}
	}
}

// read is what a page without limits must be.
func (m *model) read(q streamgauge.Query, epoch streamgauge.Epoch) (start uint64, events []streamgauge.Event, gaps []streamgauge.Gap) {
	m.settle()
	var selected []modelEvent
	for _, e := range m.events {
		if q.Select.Matches(e.Stream) {
			selected = append(selected, e)
		}
	}
	kept := slices.DeleteFunc(slices.Clone(selected), func(e modelEvent) bool { return e.gone })
	begin := 0
	switch {
	case !q.After.IsZero():
		begin = slices.IndexFunc(kept, func(e modelEvent) bool { return e.ID.Seq > q.After.Seq })
	case q.Last > 0:
		begin = max(0, len(kept)-q.Last)
	case !q.Since.IsZero():
		begin = slices.IndexFunc(kept, func(e modelEvent) bool { return !e.Appended.Before(q.Since) })
	}
	start = uint64(len(m.events))
	if begin >= 0 && begin < len(kept) {
		start = kept[begin].ID.Seq - 1
		for _, e := range kept[begin:] {
			events = append(events, e.Event)
		}
	}
	if !q.After.IsZero() {
		start = q.After.Seq
	}
	at := func(seq uint64) streamgauge.Position { return streamgauge.Position{Epoch: epoch, Seq: seq} }
	for _, stream := range modelStreams {
		g := streamgauge.Gap{Stream: stream, From: at(start), Reason: streamgauge.ReasonEvicted}
		for _, e := range selected {
			switch {
			case e.Stream != stream || e.ID.Seq <= max(start, q.Told[stream]):
			case e.gone:
				g.Lost++
				g.Through, g.To = e.ID.Seq, streamgauge.Position{}
			case g.To.IsZero():
				g.To = e.ID
			}
		}
		if g.Lost > 0 {
			gaps = append(gaps, g)
		}
	}
	slices.SortFunc(gaps, func(a, b streamgauge.Gap) int { return strings.Compare(a.Stream, b.Stream) })
	return start, events, gaps
}

func againstModel(b *bench) {
	seed := rand.Uint64()
	if s := os.Getenv(SeedVariable); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			b.Fatalf("%s: %v", SeedVariable, err)
		}
	}
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("repeat with %s=%d", SeedVariable, seed)
		}
	})
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 12 {
		modelRun(b, rnd, 150)
	}
}

func modelRun(b *bench, rnd *rand.Rand, steps int) {
	rules, err := streamgauge.NewRules(modelRules...)
	if err != nil {
		b.Fatal(err)
	}
	b.open(rules...)
	defer func() { b.log.Close() }()
	m := &model{rules: rules, now: time.Now()}
	for range steps {
		switch n := rnd.IntN(100); {
		case n < 50:
			modelAppend(b, rnd, m)
		case n < 53:
			stream := modelStreams[rnd.IntN(len(modelStreams))]
			if err := b.log.Forget(b.Context(), stream); err != nil {
				b.Fatal(err)
			}
			for i := range m.events {
				if e := &m.events[i]; e.Stream == stream {
					e.trimmed, e.forgotten, e.gone = true, true, true
				}
			}
		case n < 56 && b.h.Advance != nil:
			d := time.Duration(rnd.IntN(8_000)) * time.Millisecond
			b.h.Advance(b.T, b.log, d)
			m.now = m.now.Add(d)
		case n < 58 && b.h.Reopen != nil:
			b.log = b.h.Reopen(b.T, b.log)
		case n < 60 && b.h.Kill != nil:
			b.log = b.h.Kill(b.T, b.log)
		default:
			modelRead(b, rnd, m)
		}
	}
	modelStreamInfo(b, m)
}

func modelAppend(b *bench, rnd *rand.Rand, m *model) {
	var batch []streamgauge.Event
	for range 1 + rnd.IntN(4) {
		e := keyed(modelStreams[rnd.IntN(len(modelStreams))], []string{"", "x", "y", "z"}[rnd.IntN(4)], fmt.Sprint(rnd.IntN(100_000)))
		e.Type = []string{"", "t"}[rnd.IntN(2)]
		batch = append(batch, e)
	}
	r := b.append(batch...)
	if want := len(m.events) + len(batch); r.Position.Seq != uint64(want) {
		b.Fatalf("appended up to %v, want %d", r.Position, want)
	}
	// Times are the log's: the model learns them from it.
	stored := b.read(streamgauge.Query{Select: everything, Last: 1})
	if n := len(stored.Events); n > 0 && stored.Events[n-1].ID == r.Position {
		m.now = stored.Events[n-1].Appended
	}
	for _, e := range batch {
		e.ID = b.at(uint64(len(m.events) + 1))
		e.Time, e.Appended = m.now, m.now
		m.events = append(m.events, modelEvent{Event: e})
	}
	m.settle()
}

func modelRead(b *bench, rnd *rand.Rand, m *model) {
	q := streamgauge.Query{Select: [...]streamgauge.Selection{
		everything, selection("m.*"), selection("m.latest.*", "free"), selection(modelStreams[rnd.IntN(len(modelStreams))]),
	}[rnd.IntN(4)]}
	head := len(m.events)
	switch rnd.IntN(5) {
	case 0:
		q.Last = 1 + rnd.IntN(20)
	case 1:
		if head > 0 {
			q.Since = m.events[rnd.IntN(head)].Appended
		}
	case 2:
		q.After = b.at(uint64(rnd.IntN(head + 1)))
		q.Told = map[string]uint64{modelStreams[rnd.IntN(len(modelStreams))]: uint64(rnd.IntN(head + 1))}
	default:
		q.After = b.at(uint64(rnd.IntN(head + 1)))
	}
	start, events, gaps := m.read(q, b.head().Epoch)
	if rnd.IntN(2) == 0 {
		q.Limit = 1 + rnd.IntN(5)
	}
	p := b.read(q)
	if p.Start.Seq != start || p.Head != b.at(uint64(head)) {
		b.Fatalf("%+v: starts at %v with head %v, want %d and %d", q, p.Start, p.Head, start, head)
	}
	for i := range p.Gaps {
		p.Gaps[i].Newest = false // the model does not know keys' fates
	}
	if !slices.Equal(p.Gaps, gaps) {
		b.Fatalf("%+v: got gaps %+v, want %+v", q, p.Gaps, gaps)
	}
	if q.Limit > 0 && len(events) > q.Limit {
		events = events[:q.Limit]
		if p.Next != events[q.Limit-1].ID {
			b.Fatalf("%+v: the page ends at %v, want %v", q, p.Next, events[q.Limit-1].ID)
		}
	} else if p.Next != p.Head {
		b.Fatalf("%+v: the page ends at %v, want the head %v", q, p.Next, p.Head)
	}
	b.wantSame(fmt.Sprintf("%+v", q), p.Events, events)
}

func modelStreamInfo(b *bench, m *model) {
	m.settle()
	got, err := b.log.Streams(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	want := make(map[string]streamgauge.StreamInfo)
	for _, e := range m.events {
		info := want[e.Stream]
		info.Name, info.Last, info.Time = e.Stream, e.ID, e.Appended
		if !e.gone {
			if info.Events++; info.First.IsZero() {
				info.First = e.ID
			}
			info.Bytes += int64(len(e.Data))
		}
		want[e.Stream] = info
	}
	maps.DeleteFunc(want, func(_ string, info streamgauge.StreamInfo) bool { return info.Events == 0 })
	if len(got) != len(want) {
		b.Fatalf("got %d streams, want %d", len(got), len(want))
	}
	for _, info := range got {
		if w := want[info.Name]; !info.Time.Equal(w.Time) {
			b.Errorf("%s: last appended at %v, want %v", info.Name, info.Time, w.Time)
		} else if w.Time = info.Time; info != w {
			b.Errorf("got %+v, want %+v", info, w)
		}
	}
}
