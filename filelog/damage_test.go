package filelog_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filelog"
)

var small = &filelog.Options{
	Rules: streamgauge.Rules{
		{Match: "ring", Keep: streamgauge.Keep{Events: 20}},
		{Match: "latest", Keep: streamgauge.Keep{Events: 3}, Delivery: streamgauge.DeliverLatest},
		{Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}},
	},
	SegmentBytes: 6_000,
}

func mustOpen(t testing.TB, dir string, o *filelog.Options) *filelog.Log {
	t.Helper()
	log, err := filelog.OpenUnsynced(dir, o, "boot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

func mustAppend(t testing.TB, log *filelog.Log, key string, events ...streamgauge.Event) streamgauge.Receipt {
	t.Helper()
	r, err := log.Append(t.Context(), streamgauge.Batch{Events: events, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// numbered is an event whose data tell its sequence number.
func numbered(stream string, seq int) streamgauge.Event {
	return streamgauge.Event{Stream: stream, Key: fmt.Sprint(seq % 7), Data: fmt.Appendf(nil, `{"n": %d, "pad": %q}`, seq, strings.Repeat("x", seq%90))}
}

// fill writes n numbered events, with compactions, keys and a forgotten stream.
func fill(t testing.TB, log *filelog.Log, n int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		mustAppend(t, log, []string{"", fmt.Sprint("key", i)}[i%2], numbered([]string{"all", "ring", "latest", "forgotten"}[i%4], i))
		if i == n/2 {
			if err := log.Forget(t.Context(), "forgotten"); err != nil {
				t.Fatal(err)
			}
			if err := filelog.Clean(log); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// readStore returns what is kept, checking that nothing was never written.
func readStore(t testing.TB, log *filelog.Log) (events []streamgauge.Event, gaps []streamgauge.Gap, head streamgauge.Position) {
	t.Helper()
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: head.Epoch}, Limit: 100_000, Bytes: 1 << 30}
	page, err := log.Read(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		if want := numbered(e.Stream, int(e.ID.Seq)); !bytes.Equal(e.Data, want.Data) || e.Key != want.Key {
			t.Fatalf("event %d is %s, written was %s", e.ID.Seq, e.Data, want.Data)
		}
	}
	return page.Events, page.Gaps, head
}

func TestDamagedFilesNeverYieldWrongEvents(t *testing.T) {
	const n = 400
	for name, closed := range map[string]bool{"after a clean end": true, "after a kill": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pristine := t.TempDir()
			log := mustOpen(t, pristine, small)
			fill(t, log, n)
			whole, _, _ := readStore(t, log)
			if closed {
				log.Close()
			} else {
				filelog.Abandon(log)
			}
			seed := rand.Uint64()
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range 150 {
				dir := t.TempDir()
				copyDir(t, pristine, dir)
				what := mutate(t, rnd, dir)
				checkDamaged(t, dir, fmt.Sprintf("seed %d: %s", seed, what), whole, n, closed)
			}
		})
	}
}

func checkDamaged(t *testing.T, dir, what string, whole []streamgauge.Event, n uint64, closed bool) {
	t.Helper()
	t.Logf("%s", what)
	log := mustOpen(t, dir, small)
	defer log.Close()
	events, gaps, head := readStore(t, log)
	written := make(map[uint64]bool)
	for _, e := range whole {
		written[e.ID.Seq] = true
	}
	lost := len(whole)
	for _, e := range events {
		if written[e.ID.Seq] {
			lost--
		}
	}
	// A truncated file is what a killed process may leave: nothing can be told
	// of it then. All other losses must be declared.
	declared := head.Seq > n
	for _, g := range gaps {
		declared = declared || g.Reason == streamgauge.ReasonBackend
	}
	if lost > 0 && !declared && closed {
		t.Fatalf("%d events are lost and nothing tells of it; gaps %+v, head %v", lost, gaps, head)
	}
	if closed && head.Seq < n {
		t.Fatalf("the head went back from %d to %v", n, head)
	}
	r := mustAppend(t, log, "", numbered("all", int(head.Seq+1)))
	if r.Position.Seq <= head.Seq {
		t.Fatalf("%v was appended after head %v", r.Position, head)
	}
	log.Close()
	again := mustOpen(t, dir, small)
	defer again.Close()
	later, _, headLater := readStore(t, again)
	if headLater != r.Position || len(later) < len(events) {
		t.Fatalf("opened once more: %d events up to %v, before %d up to %v", len(later), headLater, len(events)+1, r.Position)
	}
}

// A compacted segment says at its end what was trimmed of it. Where that is
// damaged, those who missed it must be told nevertheless.
func TestADamagedListOfTrimmedEventsIsTold(t *testing.T) {
	dir := t.TempDir()
	o := &filelog.Options{SegmentBytes: 20_000, Rules: streamgauge.Rules{
		{Match: "ring", Keep: streamgauge.Keep{Events: 20}},
		{Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}},
	}}
	log := mustOpen(t, dir, o)
	first := mustAppend(t, log, "", numbered("all", 1)).Position
	for i := 2; i <= 150; i++ {
		mustAppend(t, log, "", numbered("ring", i))
	}
	log.Close()
	log = mustOpen(t, dir, o)
	if err := filelog.Clean(log); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, log, "", numbered("all", 151))
	log.Close()

	name := filepath.Join(dir, "00000001.log")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-12] ^= 0xff
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "00000001.idx")); err != nil {
		t.Fatal(err)
	}
	log = mustOpen(t, dir, o)
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}, After: first})
	if err != nil || len(page.Gaps) == 0 {
		t.Errorf("129 events are gone: gaps %+v, error %v", page.Gaps, err)
	}
}

// Whether there was more among what is gone than what newer events superseded
// must survive the records of these events.
func TestWhatAForgottenStreamOfLatestOwesSurvivesCompaction(t *testing.T) {
	dir := t.TempDir()
	o := &filelog.Options{SegmentBytes: 600, Rules: streamgauge.Rules{
		{Match: "state", Delivery: streamgauge.DeliverLatest}, {Match: "ring", Keep: streamgauge.Keep{Events: 1}},
	}}
	log := mustOpen(t, dir, o)
	first := mustAppend(t, log, "", numbered("all", 1)).Position
	for i := 2; i <= 20; i++ {
		mustAppend(t, log, "", numbered("state", i))
	}
	if err := log.Forget(t.Context(), "state"); err != nil {
		t.Fatal(err)
	}
	for i := 21; i <= 40; i++ { // so that the segment that says so is compacted too
		mustAppend(t, log, "", numbered("ring", i))
	}
	if err := filelog.Clean(log); err != nil {
		t.Fatal(err)
	}
	log.Close()
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if content, err := os.ReadFile(name); err != nil || bytes.Contains(content, []byte(`{"n": 9,`)) {
			t.Fatalf("%s was not compacted, error %v", name, err)
		}
	}
	log = mustOpen(t, dir, o)
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{"state"}, After: first})
	if err != nil || len(page.Gaps) != 1 || page.Gaps[0].Lost != 19 || !page.Gaps[0].Newest {
		t.Errorf("gaps %+v, error %v, want one of 19 events that were not all superseded", page.Gaps, err)
	}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// mutate damages one file of the store, or two, and says how.
func mutate(t testing.TB, rnd *rand.Rand, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	name := names[rnd.IntN(len(names))]
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) == 0 {
		return "nothing"
	}
	what, off := "", rnd.IntN(len(content))
	switch rnd.IntN(6) {
	case 0:
		what = fmt.Sprintf("flip a bit of byte %d", off)
		content[off] ^= 1 << rnd.IntN(8)
	case 1:
		what = fmt.Sprintf("truncate at %d", off)
		content = content[:off]
	case 2:
		what = fmt.Sprintf("zero a page from %d", off)
		clear(content[off:min(len(content), off+512)])
	case 3:
		other := names[rnd.IntN(len(names))]
		what = "swap with " + filepath.Base(other)
		swapped, err := os.ReadFile(other)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(other, content, 0o600); err != nil {
			t.Fatal(err)
		}
		content = swapped
	case 4:
		what = "append garbage"
		for range 100 {
			content = append(content, byte(rnd.Uint32()))
		}
	case 5:
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		return "remove " + filepath.Base(name)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s: %s", filepath.Base(name), what)
}
