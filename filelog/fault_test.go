package filelog

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/streamgauge/streamgauge"
)

// faultFS lets calls fail.
type faultFS struct {
	osFS
	mu     sync.Mutex
	match  string // operations, such as "write sync"
	left   int    // calls of them that succeed
	burst  int    // calls that then fail
	err    error
	failed int
	synced []string // directories
}

const forever = 1 << 30

// place lets tests copy a store without its being taken for a restored backup.
func (f *faultFS) place(*os.File) uint64 { return 0 }

func (f *faultFS) fail(op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(strings.Fields(f.match), op) {
		return nil
	}
	if f.left--; f.left >= 0 || f.failed == f.burst {
		return nil
	}
	f.failed++
	return fmt.Errorf("%s %s: %w", op, name, f.err)
}

func (f *faultFS) set(match string, n, burst int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.match, f.left, f.burst, f.err, f.failed = match, n, burst, err, 0
}

func (f *faultFS) failures() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *faultFS) open(name string, flag int) (file, error) {
	if err := f.fail("open", name); err != nil {
		return nil, err
	}
	inner, err := f.osFS.open(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultFile{inner, f, name}, nil
}

func (f *faultFS) rename(from, to string) error {
	if err := f.fail("rename", from); err != nil {
		return err
	}
	return f.osFS.rename(from, to)
}

func (f *faultFS) syncDir(dir string) error {
	if err := f.fail("dirsync", dir); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced = append(f.synced, dir)
	return nil
}

type faultFile struct {
	file
	fs   *faultFS
	name string
}

// WriteAt writes half of it before it fails, or all if the disk is broken.
func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.fail("write", f.name); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			p = p[:len(p)/2]
		}
		n, _ := f.file.WriteAt(p, off)
		return n, err
	}
	return f.file.WriteAt(p, off)
}

func (f *faultFile) Sync() error {
	if err := f.fs.fail("sync", f.name); err != nil {
		return err
	}
	return nil // what this process writes it also reads, synced or not
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fs.fail("truncate", f.name); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

// TestEveryFailureOfTheDiskIsSurvived lets the first, the second, the third ...
// call of each kind fail until a run comes through without a failure.
func TestEveryFailureOfTheDiskIsSurvived(t *testing.T) {
	for _, level := range []streamgauge.Level{streamgauge.LevelOS, streamgauge.LevelFsync} {
		for _, match := range []string{"write", "write truncate", "sync", "sync truncate", "dirsync", "rename", "open"} {
			t.Run(fmt.Sprintf("%s at level %s", match, level), func(t *testing.T) {
				t.Parallel()
				for n := 0; failAt(t, level, match, n); n++ {
					if n == 500 {
						t.Fatal("there is no end of calls that can fail")
					}
				}
			})
		}
	}
}

func failAt(t *testing.T, level streamgauge.Level, match string, n int) (failed bool) {
	t.Helper()
	dir, burst := t.TempDir(), len(strings.Fields(match)) // a write and then the truncating
	fs := &faultFS{}
	o := &Options{Level: level, SegmentBytes: 700, Rules: streamgauge.Rules{{Match: "ring", Keep: streamgauge.Keep{Events: 2}}}}
	log, err := open(dir, o, fs, "boot")
	if err != nil {
		t.Fatal(err)
	}
	fs.set(match, n, burst, []error{syscall.ENOSPC, syscall.EIO}[n/2%2])
	acked := make(map[uint64]string)
	refused := make(map[string]bool)
	for i := range 24 {
		data := fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", 40))
		r, err := log.Append(t.Context(), streamgauge.Batch{Key: fmt.Sprint(i), Events: []streamgauge.Event{
			{Stream: []string{"a", "ring"}[i%2], Data: []byte(data)}, {Stream: "ring", Data: []byte("0")},
		}})
		switch {
		case err == nil:
			acked[r.Position.Seq-1] = data
		case !errors.Is(err, streamgauge.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), dir):
			t.Fatalf("%s %d: error %q does not say what failed where", match, n, err)
		default:
			refused[data] = true
		}
		if len(refused) > 0 && n/2%2 == 1 {
			break // or what comes after could cover the traces
		}
		if i%8 == 7 {
			_ = log.cleanOnce() // fails sometimes, and must do no harm then
		}
	}
	checkStore(t, fmt.Sprintf("%s %d", match, n), log, acked, refused)
	failed = fs.failures() > 0
	if fs.set("", 0, 0, nil); n%2 == 0 {
		log.Close()
	} else {
		Abandon(log)
		for _, s := range log.segments { // let it read the segments themselves
			_ = os.Remove(log.path(sidecarName(s.first)))
		}
	}
	log, err = open(dir, o, fs, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	checkStore(t, fmt.Sprintf("%s %d, opened again", match, n), log, acked, refused)
	return failed
}

func checkStore(t *testing.T, what string, log *Log, acked map[uint64]string, refused map[string]bool) {
	t.Helper()
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	kept := make(map[uint64]string)
	for _, e := range page.Events {
		if kept[e.ID.Seq] = string(e.Data); refused[string(e.Data)] {
			t.Fatalf("%s: event %d was refused and is there: %s", what, e.ID.Seq, e.Data)
		}
	}
	for seq, data := range acked {
		if got, ok := kept[seq]; ok && got != data || !ok && int(data[1]-'0')%2 == 0 && data[2] == ' ' {
			t.Fatalf("%s: event %d was acknowledged as %s and is %q", what, seq, data, got)
		}
	}
	for _, g := range page.Gaps {
		if g.Reason != streamgauge.ReasonEvicted {
			t.Fatalf("%s: gap %+v", what, g)
		}
	}
}

func TestAFullDiskRefusesAppendsAndRecoversByItself(t *testing.T) {
	for _, level := range []streamgauge.Level{streamgauge.LevelMemory, streamgauge.LevelOS, streamgauge.LevelFsync} {
		t.Run(string(level), func(t *testing.T) {
			fs := &faultFS{}
			log, err := open(t.TempDir(), &Options{Level: level, Logger: slog.New(slog.DiscardHandler)}, fs, "boot")
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			put := func() error {
				_, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{{Stream: "a", Data: []byte("1")}}})
				return err
			}
			if err := put(); err != nil {
				t.Fatal(err)
			}
			fs.set("write", 0, forever, syscall.ENOSPC)
			acked := 1
			for range 100 {
				if err = put(); err != nil {
					break
				}
				acked++ // at level memory until the writing behind has failed
			}
			for level == streamgauge.LevelMemory && err == nil {
				if err = put(); err == nil {
					acked++
				}
			}
			if !errors.Is(err, streamgauge.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), ".log") {
				t.Fatalf("append to a full disk: got error %v, want one that says what and where", err)
			}
			page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{"a"}, Limit: 1 << 20})
			if err != nil || len(page.Events) != acked {
				t.Fatalf("reading meanwhile: %d events, error %v, want %d", len(page.Events), err, acked)
			}
			fs.set("", 0, 0, nil)
			if err := put(); err != nil {
				t.Fatalf("append after there was room again: %v", err)
			}
		})
	}
}

func TestAFileWhoseSyncFailedIsNotWrittenToAgain(t *testing.T) {
	fs := &faultFS{}
	log, err := open(t.TempDir(), &Options{Level: streamgauge.LevelFsync}, fs, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	batch := streamgauge.Batch{Events: []streamgauge.Event{{Stream: "a", Data: []byte("1")}}}
	if _, err := log.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	file, size := log.active, log.active.size
	fs.set("sync", 0, 1, syscall.EIO)
	if _, err := log.Append(t.Context(), batch); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got error %v, want EIO", err)
	}
	r, err := log.Append(t.Context(), batch)
	if err != nil || r.Position.Seq != 2 {
		t.Fatalf("the next append: %+v, error %v", r, err)
	}
	if log.active == file || file.size != size {
		t.Error("the file whose sync failed was written to again")
	}
}
