package logtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
)

var orderCases = []testCase{
	{name: "sequence numbers begin at 1 and follow each other over all streams", run: contiguous},
	{name: "what is read is what was appended", run: roundTrip},
	{name: "a batch of concurrent appenders is stored in one piece and in their order", run: concurrentAppend},
	{name: "reading begins after the position", run: readFrom},
	{name: "a position beyond the head or of another epoch is refused", run: wrongPosition},
	{name: "pages of any size add up to one big read", run: paging},
	{name: "a selection merges its streams in order", run: merging},
	{name: "the caller may reuse its slices", run: reuse},
	{name: "invalid events are refused and nothing of their batch is kept", run: invalidEvents},
	{name: "streams are listed by name with what they hold", run: streams},
}

func contiguous(b *bench) {
	b.open()
	if h := b.head(); h.Epoch == 0 || h.Seq != 0 {
		b.Fatalf("head of an empty log: got %v, want sequence number 0 of some epoch", h)
	}
	for i := 1; i <= 10; i++ {
		r := b.append(event("a", "1"), event("b", "2"), event("a", "3"))
		if want := b.at(uint64(3 * i)); r.Position != want || r.Count != 3 || r.Duplicate || r.Level == "" {
			b.Fatalf("receipt %+v, want position %v, count 3 and a level", r, want)
		}
		if h := b.head(); h != r.Position {
			b.Fatalf("head is %v after Append returned %v", h, r.Position)
		}
	}
	events, _ := b.readAll(streamgauge.Query{Select: everything})
	for i, e := range events {
		if e.ID != b.at(uint64(i+1)) {
			b.Fatalf("event %d has id %v", i, e.ID)
		}
	}
}

func roundTrip(b *bench) {
	b.open()
	given := time.Date(2021, 2, 3, 4, 5, 6, 789_123_456, time.FixedZone("", 3600))
	in := []streamgauge.Event{
		{Stream: "plain", Data: []byte(`{"a": [1, 2.5e-3, null, "x\u0000y"]}`)},
		{Stream: "full.A-b_9", Type: "some.type:x/y", Key: "schlüssel 鍵", Time: given, Data: []byte(`"déjà vu 🎉"`)},
		{Stream: "text", Text: true, Data: []byte("a\x00b\tc\u2028 'quoted\" \\")},
		{Stream: "text", Text: true},
		{Stream: strings.Repeat("s", streamgauge.MaxStreamBytes), Type: strings.Repeat("t", streamgauge.MaxTypeBytes),
			Key: strings.Repeat("k", streamgauge.MaxKeyBytes), Data: []byte(`null`)},
		{Stream: "old", Time: time.Unix(0, 0), Data: []byte("0")},
		{Stream: "big", Data: []byte(`"` + strings.Repeat("0123456789abcdef", 1<<16) + `"`)},
	}
	before := time.Now().Add(-time.Second)
	b.append(in...)
	b.restarts(func(after string) {
		got, gaps := b.readAll(streamgauge.Query{Select: everything})
		if len(got) != len(in) || len(gaps) > 0 {
			b.Fatalf("%s: read %d events and %d gaps, want %d and none", after, len(got), len(gaps), len(in))
		}
		for i := range got {
			if b.h.Advance == nil && got[i].Appended.Before(before) {
				b.Errorf("%s: event %d was appended at %v", after, i, got[i].Appended)
			}
			want := in[i]
			want.ID, want.Appended = b.at(uint64(i+1)), got[i].Appended
			if want.Time = want.Time.Truncate(time.Millisecond); want.Time.IsZero() {
				want.Time = got[i].Appended
			}
			if !same(got[i], want) {
				b.Errorf("%s: got %s, want %s", after, show(got[i]), show(want))
			}
		}
	})
}

func concurrentAppend(b *bench) {
	const appenders, batches, size = 8, 50, 3
	b.open()
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := range batches {
				var events []streamgauge.Event
				for j := range size {
					events = append(events, event(fmt.Sprintf("by.%d", a), fmt.Sprint(i*size+j)))
				}
				if _, err := b.log.Append(b.Context(), streamgauge.Batch{Events: events}); err != nil {
					b.Errorf("Append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	b.restarts(func(after string) {
		events, _ := b.readAll(streamgauge.Query{Select: everything})
		if len(events) != appenders*batches*size {
			b.Fatalf("%s: %d events are kept, want %d", after, len(events), appenders*batches*size)
		}
		next := make(map[string]int)
		for i, e := range events {
			if want := fmt.Sprint(next[e.Stream]); string(e.Data) != want {
				b.Fatalf("%s: %s goes on with %s, want %s", after, e.Stream, e.Data, want)
			}
			if next[e.Stream]++; i%size != 0 && e.Stream != events[i-1].Stream {
				b.Fatalf("%s: at %v a batch is torn by another", after, e.ID)
			}
		}
	})
}

func readFrom(b *bench) {
	b.open()
	b.number("a", 1, 10)
	b.restarts(func(after string) {
		for from := 0; from <= 10; from++ {
			p := b.read(streamgauge.Query{Select: everything, After: b.at(uint64(from))})
			b.want(fmt.Sprintf("%s: after %d", after, from), data(p.Events), numbers(from+1, 10))
			if p.Start != b.at(uint64(from)) || p.Next != b.head() || p.Head != b.head() || len(p.Gaps) > 0 {
				b.Fatalf("%s: after %d: start %v, next %v, head %v, %d gaps", after, from, p.Start, p.Next, p.Head, len(p.Gaps))
			}
		}
	})
	if p := b.read(streamgauge.Query{}); len(p.Events) > 0 || p.Next != b.head() {
		b.Fatalf("no selection: got %v up to %v, want nothing up to the head", data(p.Events), p.Next)
	}
}

func wrongPosition(b *bench) {
	b.open()
	b.number("a", 1, 3)
	other := b.at(1)
	other.Epoch++
	for _, c := range []struct {
		at   streamgauge.Position
		want error
	}{{b.at(4), streamgauge.ErrAhead}, {b.at(1 << 60), streamgauge.ErrAhead}, {other, streamgauge.ErrEpoch}} {
		if _, err := b.log.Read(b.Context(), streamgauge.Query{Select: everything, After: c.at}); !errors.Is(err, c.want) {
			b.Errorf("Read after %v: got error %v, want %v", c.at, err, c.want)
		}
		deliver := func([]streamgauge.Event) error { return errors.New("delivered") }
		if err := b.log.Tail(b.Context(), c.at, deliver); !errors.Is(err, c.want) {
			b.Errorf("Tail after %v: got error %v, want %v", c.at, err, c.want)
		}
	}
}

func paging(b *bench) {
	b.open()
	for i := range 60 {
		b.append(event(fmt.Sprintf("s.%d", i%7), fmt.Sprint(i)), event("other", `"not selected"`))
	}
	for _, sel := range []streamgauge.Selection{everything, selection("s.*"), selection("s.1", "s.3"), selection("none")} {
		all := b.read(streamgauge.Query{Select: sel, Limit: 1000})
		for limit := 1; limit <= 9; limit += 2 {
			got, gaps := b.readAll(streamgauge.Query{Select: sel, Limit: limit})
			b.wantSame(fmt.Sprintf("%v by %d", sel, limit), got, all.Events)
			if len(gaps) > 0 {
				b.Fatalf("%v by %d: %d gaps", sel, limit, len(gaps))
			}
		}
		got, _ := b.readAll(streamgauge.Query{Select: sel, Bytes: 1})
		b.wantSame(fmt.Sprintf("%v by 1 byte", sel), got, all.Events)
	}
	if p := b.read(streamgauge.Query{Select: selection("other"), Bytes: 2 * len(`"not selected"`)}); len(p.Events) != 2 {
		b.Errorf("a page of 2 events' bytes has %d", len(p.Events))
	}
}

func merging(b *bench) {
	b.open()
	for i := 1; i <= 40; i++ {
		b.append(event([]string{"a", "b.x", "b.y", "c"}[i%4], fmt.Sprint(i)))
	}
	for _, c := range []struct {
		sel  streamgauge.Selection
		want func(i int) bool
	}{
		{selection("a"), func(i int) bool { return i%4 == 0 }},
		{selection("b.*"), func(i int) bool { return i%4 == 1 || i%4 == 2 }},
		{selection("a", "c"), func(i int) bool { return i%4 == 0 || i%4 == 3 }},
		{selection("a", "b.x", "b.*"), func(i int) bool { return i%4 != 3 }},
		{streamgauge.Selection{"a", "a"}, func(i int) bool { return i%4 == 0 }},
	} {
		var want []string
		for i := 13; i <= 40; i++ {
			if c.want(i) {
				want = append(want, fmt.Sprint(i))
			}
		}
		got, _ := b.readAll(streamgauge.Query{Select: c.sel, After: b.at(12), Limit: 5})
		b.want(fmt.Sprint(c.sel), data(got), want)
	}
}

func reuse(b *bench) {
	b.open()
	payload := []byte(`"first"`)
	events := []streamgauge.Event{{Stream: "a", Data: payload}, {Stream: "a", Data: payload}}
	b.append(events...)
	copy(payload, `"spoil"`)
	events[0], events[1] = event("b", "0"), event("b", "0")
	got, _ := b.readAll(streamgauge.Query{Select: everything})
	b.want("after the caller changed its slices", data(got), []string{`"first"`, `"first"`})
}

func invalidEvents(b *bench) {
	b.open()
	good := event("a", "1")
	b.append(good)
	ended := b.tailInto(b.head(), func(events []streamgauge.Event) error {
		return fmt.Errorf("delivered %v", data(events))
	})
	for name, bad := range map[string]streamgauge.Event{
		"no stream":           event("", "1"),
		"odd stream":          event("a b", "1"),
		"empty token":         event("a..b", "1"),
		"long stream":         event(strings.Repeat("a", streamgauge.MaxStreamBytes+1), "1"),
		"reserved type":       {Stream: "a", Type: "hub.gap", Data: []byte("1")},
		"odd type":            {Stream: "a", Type: "a b", Data: []byte("1")},
		"type with line end":  {Stream: "a", Type: "a\nid: 1", Data: []byte("1")},
		"long type":           {Stream: "a", Type: strings.Repeat("t", streamgauge.MaxTypeBytes+1), Data: []byte("1")},
		"long key":            keyed("a", strings.Repeat("k", streamgauge.MaxKeyBytes+1), "1"),
		"key with control":    keyed("a", "a\x01", "1"),
		"key not UTF-8":       keyed("a", "\xff", "1"),
		"no data":             event("a", ""),
		"data not JSON":       event("a", "{"),
		"two JSON values":     event("a", "1 2"),
		"data not UTF-8":      event("a", "\"\xff\""),
		"data with line end":  event("a", "[1,\n2]"),
		"text with line ends": {Stream: "a", Text: true, Data: []byte("a\rb")},
		"too old":             {Stream: "a", Time: time.Unix(-1, 0), Data: []byte("1")},
		"too new":             {Stream: "a", Time: time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), Data: []byte("1")},
	} {
		for _, events := range [][]streamgauge.Event{{bad}, {good, bad}, {bad, good}} {
			_, err := b.log.Append(b.Context(), streamgauge.Batch{Events: events, Key: "k"})
			if !errors.Is(err, streamgauge.ErrInvalid) {
				b.Errorf("%s: got error %v, want ErrInvalid", name, err)
			}
		}
	}
	for _, batch := range []streamgauge.Batch{{}, {Key: strings.Repeat("k", streamgauge.MaxIdempotencyKeyBytes+1), Events: []streamgauge.Event{good}}} {
		if _, err := b.log.Append(b.Context(), batch); !errors.Is(err, streamgauge.ErrInvalid) {
			b.Errorf("batch %+v: got error %v, want ErrInvalid", batch, err)
		}
	}
	b.restarts(func(after string) {
		if events, _ := b.readAll(streamgauge.Query{Select: everything}); len(events) != 1 || b.head().Seq != 1 {
			b.Fatalf("%s: %v are kept up to %v, want only the valid event", after, data(events), b.head())
		}
	})
	b.log.Close()
	if err := <-ended; !errors.Is(err, streamgauge.ErrClosed) {
		b.Errorf("the tail ended with %v, want ErrClosed", err)
	}
}

func streams(b *bench) {
	b.open(streamgauge.Rule{Match: "few", Keep: streamgauge.Keep{Events: 2}})
	b.append(event("z", "1"), event("few", "22"), event("few", "333"), event("few", "4444"), event("a.b", "5"))
	b.restarts(func(after string) {
		all, err := b.log.Streams(b.Context())
		if err != nil || len(all) != 3 {
			b.Fatalf("%s: Streams: got %d, error %v, want 3", after, len(all), err)
		}
		stored, _ := b.readAll(streamgauge.Query{Select: everything})
		for i, want := range []streamgauge.StreamInfo{
			{Name: "a.b", Events: 1, Bytes: 1, First: b.at(5), Last: b.at(5)},
			{Name: "few", Events: 2, Bytes: 7, First: b.at(3), Last: b.at(4)},
			{Name: "z", Events: 1, Bytes: 1, First: b.at(1), Last: b.at(1)},
		} {
			want.Time = all[i].Time
			if all[i] != want || !all[i].Time.Equal(stored[0].Appended) {
				b.Errorf("%s: got %+v, want %+v, appended %v", after, all[i], want, stored[0].Appended)
			}
		}
	})
}
