package filelog_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filelog"
)

func TestASecondOpenerIsToldWhatToDo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	log := mustOpen(t, dir, nil)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory is %v, error %v, want it for its owner only", info.Mode(), err)
	}
	_, err := filelog.Open(dir, nil)
	if !errors.Is(err, filelog.ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "stop the other process") {
		t.Errorf("got error %v, want one that names the directory and says what to do", err)
	}
	log.Close()
	mustOpen(t, dir, nil)
}

func TestOptionsAreChecked(t *testing.T) {
	if _, err := filelog.Open(t.TempDir(), &filelog.Options{Level: "paper"}); err == nil || !strings.Contains(err.Error(), `"paper"`) {
		t.Errorf("got error %v, want one about the level", err)
	}
}

func TestAStoreOfANewerFormatIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	log := mustOpen(t, dir, nil)
	mustAppend(t, log, "", numbered("all", 1))
	log.Close()
	name := filepath.Join(dir, "00000001.log")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[6] = 2
	binary.LittleEndian.PutUint32(content[60:], crc32.Checksum(content[:60], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := filelog.Open(dir, nil); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "version") {
		t.Fatalf("got error %v, want one about the version of %s", err, name)
	}
	if after, err := os.ReadFile(name); err != nil || string(after) != string(content) {
		t.Error("the file was changed")
	}
}

func TestATailThatMayBeLostIsAHole(t *testing.T) {
	for _, c := range []struct {
		name        string
		level       streamgauge.Level
		boot        string
		clean, hole bool
	}{
		{"level os, killed", streamgauge.LevelOS, "one", false, false},
		{"level os, power cut", streamgauge.LevelOS, "two", false, true},
		{"level os, closed and rebooted", streamgauge.LevelOS, "two", true, false},
		{"level fsync, power cut", streamgauge.LevelFsync, "two", false, false},
		{"level memory, killed", streamgauge.LevelMemory, "one", false, true},
		{"level memory, closed", streamgauge.LevelMemory, "one", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, o := t.TempDir(), &filelog.Options{Level: c.level}
			log, err := filelog.OpenUnsynced(dir, o, "one")
			if err != nil {
				t.Fatal(err)
			}
			for i := 1; i <= 5; i++ {
				mustAppend(t, log, "", numbered("all", i))
			}
			_, _, before := readStore(t, log)
			if c.clean {
				log.Close()
			} else {
				filelog.Abandon(log)
			}
			log, err = filelog.OpenUnsynced(dir, o, c.boot)
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			events, gaps, head := readStore(t, log)
			if !c.hole {
				if head != before || len(gaps) > 0 || len(events) != 5 {
					t.Fatalf("%d events, gaps %+v, head %v; want all 5 and no gap", len(events), gaps, head)
				}
				return
			}
			last := uint64(len(events)) // at level memory not all need be written
			want := streamgauge.Gap{From: streamgauge.Position{Epoch: head.Epoch, Seq: last}, Lost: -1,
				Reason: streamgauge.ReasonBackend, Through: last + 1<<32}
			if len(gaps) != 1 || gaps[0] != want || head.Epoch != before.Epoch || head.Seq != want.Through {
				t.Fatalf("gaps %+v, head %v, want %+v", gaps, head, want)
			}
			checkHole(t, log, want, before)
		})
	}
}

func TestARestoredBackupIsAHole(t *testing.T) {
	dir, backup := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
	open := func(dir string) *filelog.Log {
		log, err := filelog.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { log.Close() })
		return log
	}
	log := open(dir)
	kept := mustAppend(t, log, "", numbered("all", 1)).Position
	log.Close()
	copyDir(t, dir, backup)
	log = open(dir)
	lost := mustAppend(t, log, "", numbered("all", 2)).Position
	log.Close()

	log = open(dir)
	if head, err := log.Head(t.Context()); err != nil || head != lost {
		t.Fatalf("the head of what was not copied is %v, error %v, want %v", head, err, lost)
	}
	log.Close()

	log = open(backup)
	next := mustAppend(t, log, "", numbered("all", 3)).Position
	if next.Epoch != kept.Epoch || next.Seq <= lost.Seq {
		t.Errorf("after the backup the log goes on with %v, which may have been seen; it had come to %v", next, lost)
	}
	for _, cursor := range []streamgauge.Position{kept, lost} {
		page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}, After: cursor})
		if err != nil || len(page.Gaps) != 1 || page.Gaps[0].Reason != streamgauge.ReasonBackend {
			t.Errorf("after %v: gaps %+v, error %v, want one of the backend", cursor, page.Gaps, err)
		}
	}
}

func TestATornBatchVanishesWhole(t *testing.T) {
	dir := t.TempDir()
	log := mustOpen(t, dir, nil)
	mustAppend(t, log, "", numbered("all", 1))
	name := filepath.Join(dir, "00000001.log")
	before := fileSize(t, name)
	mustAppend(t, log, "key", numbered("all", 2), numbered("all", 3), numbered("all", 4))
	filelog.Abandon(log)
	for size := before; size < fileSize(t, name); size++ {
		torn := t.TempDir()
		copyDir(t, dir, torn)
		if err := os.Truncate(filepath.Join(torn, filepath.Base(name)), size); err != nil {
			t.Fatal(err)
		}
		log := mustOpen(t, torn, nil)
		if events, gaps, head := readStore(t, log); len(events) != 1 || len(gaps) != 0 || head.Seq != 1 {
			t.Fatalf("cut at byte %d: %d events, gaps %+v, head %v; want only the first event", size, len(events), gaps, head)
		}
		if r := mustAppend(t, log, "key", numbered("all", 2), numbered("all", 3), numbered("all", 4)); r.Duplicate {
			t.Fatalf("cut at byte %d: the key of the torn batch is remembered", size)
		}
		log.Close()
	}
}

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestATailThatIsMissingAfterACleanEndIsAHole(t *testing.T) {
	o := &filelog.Options{SegmentBytes: 1}
	for name, remove := range map[string]func(name string) error{
		"file removed":           os.Remove,
		"cut between two events": func(name string) error { return os.Truncate(name, 64) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log := mustOpen(t, dir, o)
			for i := 1; i <= 4; i++ {
				mustAppend(t, log, "", numbered("all", i))
			}
			log.Close()
			if err := remove(filepath.Join(dir, "00000004.log")); err != nil {
				t.Fatal(err)
			}
			log = mustOpen(t, dir, o)
			events, gaps, head := readStore(t, log)
			if len(events) != 3 || len(gaps) != 1 || gaps[0].From.Seq != 3 || head.Seq != 4+1<<32 {
				t.Fatalf("%d events, gaps %+v, head %v; want 3 and a hole that goes far beyond 4", len(events), gaps, head)
			}
		})
	}
}

// checkHole reads from positions around the hole.
func checkHole(t *testing.T, log *filelog.Log, hole streamgauge.Gap, seen streamgauge.Position) {
	t.Helper()
	r := mustAppend(t, log, "", numbered("all", int(hole.Through+1)))
	read := func(after streamgauge.Position, told uint64) []streamgauge.Gap {
		page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{"nothing.here"}, After: after, Told: map[string]uint64{"": told}})
		if err != nil {
			t.Fatal(err)
		}
		return page.Gaps
	}
	if gaps := read(seen, 0); len(gaps) != 1 || gaps[0].From != seen || gaps[0].To != r.Position {
		t.Errorf("from what was seen before: gaps %+v, want one from %v to %v", gaps, seen, r.Position)
	}
	if gaps := read(seen, hole.Through); len(gaps) != 0 {
		t.Errorf("told of it: gaps %+v, want none", gaps)
	}
	if gaps := read(streamgauge.Position{Epoch: seen.Epoch, Seq: hole.Through}, 0); len(gaps) != 0 {
		t.Errorf("from its end: gaps %+v, want none", gaps)
	}
}

func TestADamagedEventIsAHoleOnceItIsRead(t *testing.T) {
	dir := t.TempDir()
	log := mustOpen(t, dir, nil)
	for i := 1; i <= 9; i++ {
		mustAppend(t, log, "", numbered("all", i))
	}
	name := filepath.Join(dir, "00000001.log")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[strings.Index(string(content), `{"n": 5`)] = '['
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		events, gaps, head := readStore(t, log)
		if len(events) != 8 || len(gaps) != 1 || gaps[0].Reason != streamgauge.ReasonBackend || gaps[0].Through != 5 || head.Seq != 9 {
			t.Fatalf("%d events, gaps %+v, head %v; want 8 and a hole at 5", len(events), gaps, head)
		}
	}
	check()
	log.Close()
	log = mustOpen(t, dir, nil)
	check()
}

func TestSpaceOfTrimmedEventsIsReclaimed(t *testing.T) {
	dir := t.TempDir()
	o := &filelog.Options{SegmentBytes: 50_000, Rules: streamgauge.Rules{
		{Match: "ring", Keep: streamgauge.Keep{Events: 100}}, {Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}},
	}}
	log := mustOpen(t, dir, o)
	rare := 0
	for i := 1; i <= 20_000; i++ {
		stream := "ring"
		if i%500 == 0 {
			stream = "rare" // one in each segment, so that none dies as a whole
			rare++
		}
		mustAppend(t, log, "", numbered(stream, i))
	}
	if err := filelog.Clean(log); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		s, err := log.Stats(t.Context())
		if err != nil || s.Events != 100+rare || s.Bytes > 200_000 || s.Segments > 12 {
			t.Fatalf("%+v, error %v; 100 events and %d rare ones must take less than 200,000 bytes", s, err, rare)
		}
		events, gaps, _ := readStore(t, log)
		if len(events) != s.Events || len(gaps) != 1 || gaps[0].Lost != int64(20_000-s.Events) {
			t.Fatalf("%d events, gaps %+v; want %d and the exact count of the trimmed", len(events), gaps, s.Events)
		}
	}
	check()
	log.Close()
	log = mustOpen(t, dir, o)
	check()
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 30 {
		t.Errorf("there are %d files", len(files))
	}
}

func TestReadersGoOnWhileSegmentsAreCompacted(t *testing.T) {
	o := &filelog.Options{SegmentBytes: 3_000, Rules: streamgauge.Rules{
		{Match: "ring", Keep: streamgauge.Keep{Events: 30}}, {Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}},
	}}
	log := mustOpen(t, t.TempDir(), o)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; i <= 3000; i++ {
			mustAppend(t, log, "", numbered([]string{"ring", "ring", "all"}[i%3], i))
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		readStore(t, log)
	}
	if events, _, _ := readStore(t, log); len(events) != 1030 {
		t.Errorf("%d events are kept, want 1030", len(events))
	}
}

// fillMillion returns a directory with a log of a million kept events.
func fillMillion(t testing.TB) (dir string, o *filelog.Options) {
	t.Helper()
	dir, o = t.TempDir(), &filelog.Options{Rules: streamgauge.Rules{{Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}}}}
	log := mustOpen(t, dir, o)
	events := make([]streamgauge.Event, 10_000)
	for i := range events {
		events[i] = streamgauge.Event{Stream: fmt.Sprint("s.", i%1000), Data: []byte("1")}
	}
	for range 100 {
		mustAppend(t, log, "", events...)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, o
}

func TestAMillionEventsOpenFastAndResumeAtAnyDepth(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a million events")
	}
	dir, o := fillMillion(t)
	began := time.Now()
	log := mustOpen(t, dir, o)
	t.Logf("opened in %v", time.Since(began))
	head, err := log.Head(t.Context())
	if err != nil || head.Seq != 1_000_000 {
		t.Fatalf("head %v, error %v", head, err)
	}
	for _, behind := range []uint64{1, 1_000, 100_000, 1_000_000} {
		after := head
		after.Seq -= behind
		began := time.Now()
		page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}, After: after, Limit: 256})
		if err != nil || len(page.Events) != int(min(behind, 256)) || page.Events[0].ID.Seq != after.Seq+1 || len(page.Gaps) > 0 {
			t.Fatalf("%d behind: %d events, gaps %+v, error %v", behind, len(page.Events), page.Gaps, err)
		}
		t.Logf("%d behind: %v", behind, time.Since(began))
	}
}

func BenchmarkOpenMillion(b *testing.B) {
	dir, o := fillMillion(b)
	for b.Loop() {
		log, err := filelog.Open(dir, o)
		if err != nil {
			b.Fatal(err)
		}
		log.Close()
	}
}
