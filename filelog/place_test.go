package filelog

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// one is a batch of one small event.
var one = streamgauge.Batch{Events: []streamgauge.Event{{Stream: "a", Data: []byte("1")}}}

// store is a directory that has, or had, a log of so many events.
func store(t *testing.T, dir string, o *Options, events int, end func(*Log)) {
	t.Helper()
	log, err := open(dir, o, &faultFS{}, "boot")
	if err != nil {
		t.Fatal(err)
	}
	for range events {
		if _, err := log.Append(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	end(log)
}

func closeLog(log *Log) { log.Close() }

func killLog(log *Log) { Abandon(log) }

// files returns what is in a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	names, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range names {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(content)
	}
	return all
}

func TestADirectoryThatIsNotThereAnyMoreIsNoticedAndWhatIsThereLeftAlone(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, dir string) error{
		"removed":    func(_ *testing.T, dir string) error { return os.RemoveAll(dir) },
		"moved away": func(_ *testing.T, dir string) error { return os.Rename(dir, dir+".old") },
		"replaced by another store": func(t *testing.T, dir string) error {
			store(t, dir+".new", &Options{SegmentBytes: 1}, 9, closeLog)
			return errors.Join(os.Rename(dir, dir+".old"), os.Rename(dir+".new", dir))
		},
	} {
		for _, level := range []streamgauge.Level{streamgauge.LevelMemory, streamgauge.LevelOS, streamgauge.LevelFsync} {
			t.Run(fmt.Sprintf("%s at level %s", name, level), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "data")
				o := &Options{Level: level, SegmentBytes: 300, Rules: streamgauge.Rules{{Match: ">", Keep: streamgauge.Keep{Events: 20}}}}
				log, err := open(dir, o, &faultFS{}, "boot")
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close()
				if _, err := log.Append(t.Context(), one); err != nil {
					t.Fatal(err)
				}
				if err := take(t, dir); err != nil {
					t.Fatal(err)
				}
				before := files(t, dir)
				err = appendUntilRefused(t, log)
				if !errors.Is(err, streamgauge.ErrUnavailable) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "data directory") {
					t.Errorf("got error %v, want one that says that the data directory is gone", err)
				}
				if page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{"a"}}); err != nil || len(page.Events) == 0 {
					t.Errorf("reading meanwhile: %d events, error %v", len(page.Events), err)
				}
				_ = Clean(log)
				if err := log.Close(); err == nil {
					t.Error("Close does not say that nothing of it can be found again")
				}
				if after := files(t, dir); !maps.Equal(after, before) {
					t.Errorf("what is there now was changed: %q, before %q", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
				}
			})
		}
	}
}

// appendUntilRefused appends little by little, as long as a log may take to
// notice what became of its directory.
func appendUntilRefused(t *testing.T, log *Log) error {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		if _, err := log.Append(t.Context(), one); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			t.Fatal("appends are still acknowledged")
		}
	}
}

func TestADirectoryThatIsPutBackIsWrittenToAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	log, err := open(dir, nil, &faultFS{}, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := appendUntilRefused(t, log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want one that there is no directory", err)
	}
	if err := os.Rename(dir+".old", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), one); err != nil {
		t.Errorf("after it was put back: %v", err)
	}
}

func TestDirectoriesThatOpenCreatesSurviveAPowerCutAtLevelFsync(t *testing.T) {
	root := t.TempDir()
	fs := &faultFS{}
	log, err := open(filepath.Join(root, "new", "data"), &Options{Level: streamgauge.LevelFsync}, fs, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, dir := range []string{root, filepath.Join(root, "new")} {
		if !slices.Contains(fs.synced, dir) {
			t.Errorf("of %q only %q were synced", dir, fs.synced)
		}
	}
	fs.set("dirsync", 0, 1, syscall.EIO)
	if _, err := open(filepath.Join(root, "other"), &Options{Level: streamgauge.LevelFsync}, fs, "boot"); !errors.Is(err, syscall.EIO) {
		t.Errorf("got error %v, want that of the sync", err)
	}
}
