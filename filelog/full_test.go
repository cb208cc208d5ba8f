package filelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/streamgauge/streamgauge"
)

// TestALogOpensOnAFullDisk opens what the last run left behind where there is no
// room, and at last where there is some again. Nothing that it had to say of that
// run may be lost thereby.
func TestALogOpensOnAFullDisk(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(*Log)
		boot   string // of the second run
		damage func(t *testing.T, segment string)
		hole   bool
		kept   int
	}{
		"after a clean end":             {end: closeLog, boot: "boot", kept: 3},
		"after a clean end and a boot":  {end: closeLog, boot: "other", kept: 3},
		"after a kill":                  {end: killLog, boot: "boot", kept: 3},
		"after a power cut":             {end: killLog, boot: "other", kept: 3, hole: true},
		"with a torn tail":              {end: killLog, boot: "boot", kept: 2, damage: tear},
		"with damage after a clean end": {end: closeLog, boot: "boot", kept: 2, damage: flip, hole: true},
	} {
		for room := range 4 { // for so many writes of each Open
			t.Run(fmt.Sprintf("%s, with room for %d files", name, room), func(t *testing.T) {
				const often = 3
				dir := t.TempDir()
				store(t, dir, nil, 3, c.end)
				if c.damage != nil {
					c.damage(t, filepath.Join(dir, segmentName(1)))
				}
				fs := &faultFS{}
				var log *Log
				var seen streamgauge.Position
				for i := range often {
					fs.set("write", room, forever, syscall.ENOSPC)
					log = mustOpenFull(t, dir, fs, c.boot)
					seen = checkKept(t, log, c.kept, c.hole)
					if i+1 < often {
						[]func(*Log){closeLog, killLog}[i%2](log)
					}
				}
				fs.set("write", 0, forever, syscall.ENOSPC)
				if _, err := log.Append(t.Context(), one); !errors.Is(err, streamgauge.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("got error %v, want one that there is no room", err)
				}
				fs.set("", 0, 0, nil)
				r, err := log.Append(t.Context(), one)
				if err != nil || r.Position.Seq != seen.Seq+1 {
					t.Fatalf("when there was room: %+v, error %v, want the event after %v", r, err, seen)
				}
				Abandon(log)
				log = mustOpenFull(t, dir, fs, c.boot)
				if head := checkKept(t, log, c.kept+1, c.hole); head != r.Position {
					t.Errorf("killed, the head is %v, want %v", head, r.Position)
				}
				Abandon(log) // and now the power goes away: the last run was not closed
				log = mustOpenFull(t, dir, fs, "another")
				defer log.Close()
				if head := checkKept(t, log, c.kept+1, true); head.Seq != r.Position.Seq+skipAfterLoss {
					t.Errorf("after a power cut the head is %v, want one far beyond %v", head, r.Position)
				}
			})
		}
	}
}

func mustOpenFull(t *testing.T, dir string, fs *faultFS, boot string) *Log {
	t.Helper()
	log, err := open(dir, nil, fs, boot)
	if err != nil {
		t.Fatalf("open on a full disk: %v", err)
	}
	return log
}

// checkKept checks how many events there are, and whether there is a hole.
func checkKept(t *testing.T, log *Log, kept int, hole bool) streamgauge.Position {
	t.Helper()
	q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: log.epoch}}
	page, err := log.Read(t.Context(), q)
	if err != nil || len(page.Events) != kept || (len(page.Gaps) > 0) != hole {
		t.Errorf("%d events, gaps %+v, error %v; want %d and, of a gap, %v", len(page.Events), page.Gaps, err, kept, hole)
	}
	return page.Head
}

// tear cuts off the end of the last record, flip damages it.
func tear(t *testing.T, segment string) {
	t.Helper()
	info, err := os.Stat(segment)
	if err == nil {
		err = os.Truncate(segment, info.Size()-3)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, segment string) {
	t.Helper()
	content, err := os.ReadFile(segment)
	if err == nil {
		content[len(content)-1] ^= 1
		err = os.WriteFile(segment, content, 0o600)
	}
	if err == nil {
		err = os.Remove(strings.TrimSuffix(segment, segmentSuffix) + sidecarSuffix)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewDirectoryOnAFullDiskIsAnError(t *testing.T) {
	fs := &faultFS{}
	fs.set("write", 0, forever, syscall.ENOSPC)
	if _, err := open(t.TempDir(), nil, fs, "boot"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got error %v, want one that there is no room", err)
	}
}

// A damaged event must not be compacted away before it is on record that it is
// lost.
func TestADamagedEventIsNotCompactedAwayUntold(t *testing.T) {
	dir, fs := t.TempDir(), &faultFS{}
	o := &Options{SegmentBytes: 4000, Rules: streamgauge.Rules{{Match: "ring", Keep: streamgauge.Keep{Events: 1}}, {Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}}}}
	log, err := open(dir, o, fs, "boot")
	if err != nil {
		t.Fatal(err)
	}
	put := func(stream, data string) streamgauge.Position {
		t.Helper()
		r, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{{Stream: stream, Data: []byte(data)}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Position
	}
	put("ring", `"`+strings.Repeat("x", 3500)+`"`)
	put("a", `"good"`)
	lost := put("a", `"damaged"`)
	segment := filepath.Join(dir, segmentName(1))
	content, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	content[strings.Index(string(content), "damaged")] ^= 1
	if err := os.WriteFile(segment, content, 0o600); err != nil {
		t.Fatal(err)
	}
	log.cleaning.Lock() // or the janitor is there first
	put("ring", `"`+strings.Repeat("x", 1500)+`"`)
	fs.set("write", 1, 1, syscall.ENOSPC) // after the sidecar of the first segment
	log.cleaning.Unlock()
	err = Clean(log)
	if fs.failures() != 1 {
		t.Fatalf("compaction did not put on record what is damaged: error %v", err)
	}
	if err := Clean(log); err != nil {
		t.Fatal(err)
	}
	Abandon(log)
	log = mustOpenFull(t, dir, fs, "boot")
	defer log.Close()
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{"a"}, After: streamgauge.Position{Epoch: log.epoch}})
	if err != nil || len(page.Gaps) != 1 || page.Gaps[0].Through != lost.Seq || page.Gaps[0].Reason != streamgauge.ReasonBackend {
		t.Errorf("gaps %+v, error %v, want one at %v", page.Gaps, err, lost)
	}
}

func TestALargeBatchsBufferIsNotKept(t *testing.T) {
	log, err := open(t.TempDir(), nil, &faultFS{}, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	large := make([]streamgauge.Event, 5)
	for i := range large {
		large[i] = streamgauge.Event{Stream: "a", Data: []byte(`"` + strings.Repeat("x", keepBuf/2) + `"`)}
	}
	if _, err := log.Append(t.Context(), streamgauge.Batch{Events: large}); err != nil {
		t.Fatal(err)
	}
	if cap(log.buf) > keepBuf {
		t.Errorf("%d bytes are kept for the next batch, want at most %d", cap(log.buf), keepBuf)
	}
}

// What is known of trimmed events is a lot; to write it anew takes little more than it is long.
func TestCompactionTakesLittleMemory(t *testing.T) {
	const trimmed, most = 200_000, 10 // bytes of memory for each, where its record takes one
	log, err := open(t.TempDir(), &Options{
		SegmentBytes: 1 << 20, Rules: streamgauge.Rules{{Match: ">", Keep: streamgauge.Keep{Events: 1}}},
	}, &faultFS{}, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.cleaning.Lock() // or the janitor is there first
	defer log.cleaning.Unlock()
	events := make([]streamgauge.Event, 1000)
	for i := range events {
		events[i] = streamgauge.Event{Stream: fmt.Sprint("s.", i%4), Data: []byte("1")}
	}
	for range trimmed / len(events) {
		if _, err := log.Append(t.Context(), streamgauge.Batch{Events: slices.Clone(events)}); err != nil {
			t.Fatal(err)
		}
	}
	log.mu.Lock()
	sealed := log.sealed
	log.sealed = nil
	log.mu.Unlock()
	for _, s := range sealed {
		log.seal(s)
	}
	log.mu.Lock()
	run := log.chooseRun()
	log.mu.Unlock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := log.compact(run); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; len(run) < 5 || took > trimmed*most {
		t.Errorf("compaction of %d segments took %d bytes for %d trimmed events, want at most %d", len(run), took, trimmed, trimmed*most)
	}
}

// What an interrupted or a damaged run left behind is dealt with once.
func TestLeftoversAreDealtWithOnce(t *testing.T) {
	dir := t.TempDir()
	store(t, dir, &Options{SegmentBytes: 1}, 4, closeLog)
	flip(t, filepath.Join(dir, segmentName(1)))
	// A sidecar that contradicts itself makes all sidecars be made anew.
	content, err := os.ReadFile(filepath.Join(dir, segmentName(2)))
	if err != nil {
		t.Fatal(err)
	}
	contradiction := (&sidecar{items: []byte{9}}).encode(binary.LittleEndian.Uint64(content[16:]), int64(len(content)))
	if err := os.WriteFile(filepath.Join(dir, sidecarName(2)), contradiction, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{sidecarName(77), segmentName(3) + tempSuffix} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := open(dir, nil, &faultFS{}, "boot")
	if err != nil {
		t.Fatal(err)
	}
	Abandon(log)
	want := []string{
		"00000001.idx", "00000001.log", "00000001.log.damaged", "00000002.idx", "00000002.log",
		"00000003.idx", "00000003.log", "00000004.idx", "00000004.log", "lock", "meta",
	}
	var got []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
}
