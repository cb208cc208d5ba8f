package dashboard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	settle    = 50 * time.Millisecond  // editors write in several steps
	mostDelay = 300 * time.Millisecond // of a folder that never settles
	pollFast  = 500 * time.Millisecond // where nothing tells of changes
	pollSlow  = 5 * time.Second        // where something should: not every file system does
)

// Run notices changes of the folder and tells of them until the context ends;
// then it returns nil. It may be called once.
func (s *Store) Run(ctx context.Context) error {
	w := &watcher{store: s}
	defer w.close()
	s.mu.Lock()
	s.pending = nil
	for name, e := range s.entries {
		if !e.Builtin { // it may have changed while nobody looked
			s.note(name)
		}
	}
	s.mu.Unlock()
	s.tell()
	for {
		w.open()
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			s.tell()
		case event := <-w.events():
			if !concerns(event) {
				continue
			}
			w.settle(ctx)
			w.reload()
		case <-w.errors(): // events were lost
			w.reload()
		case <-time.After(w.every()):
			if s.fingerprint() != w.seen {
				w.reload()
			}
		}
	}
}

// concerns reports whether the event is about a dashboard or the folder itself,
// and not about a file in the making.
func concerns(e fsnotify.Event) bool {
	base := filepath.Base(e.Name)
	return !e.Has(fsnotify.Chmod) && (!strings.HasPrefix(base, ".") || strings.HasPrefix(base, "..")) // Kubernetes swaps ..data
}

// watcher is told of changes by the system while the folder is there.
type watcher struct {
	store *Store
	fs    *fsnotify.Watcher
	dir   os.FileInfo // the folder that is watched
	seen  string      // the fingerprint of what was last read
}

// open watches the folder if it is there and not watched yet.
func (w *watcher) open() {
	dir := w.store.opts.Dir
	info, err := os.Stat(dir)
	if dir == "" || err != nil {
		w.close()
		return
	}
	if w.fs != nil && os.SameFile(info, w.dir) && len(w.fs.WatchList()) > 0 { // or it is another that has got its number
		return
	}
	w.close()
	watch, err := fsnotify.NewWatcher()
	if err != nil {
		return // it is polled
	}
	if err := watch.Add(dir); err != nil {
		_ = watch.Close()
		return
	}
	w.fs, w.dir = watch, info
	w.reload() // it may have changed before it was watched
}

// reload reads the folder. What changes meanwhile is noticed later.
func (w *watcher) reload() {
	w.seen = w.store.fingerprint()
	w.store.Reload()
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close()
	}
	w.fs, w.dir = nil, nil
}

func (w *watcher) events() <-chan fsnotify.Event {
	if w.fs == nil {
		return nil
	}
	return w.fs.Events
}

func (w *watcher) errors() <-chan error {
	if w.fs == nil {
		return nil
	}
	return w.fs.Errors
}

func (w *watcher) every() time.Duration {
	if w.fs == nil {
		return pollFast
	}
	return pollSlow
}

// settle waits until nothing has happened for a moment.
func (w *watcher) settle(ctx context.Context) {
	most := time.After(mostDelay)
	for {
		select {
		case <-w.events():
		case <-time.After(settle):
			return
		case <-most:
			return
		case <-ctx.Done():
			return
		}
	}
}

// fingerprint is other when the folder is.
func (s *Store) fingerprint() string {
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, e := range entries {
		// What a link names counts, not the link.
		if info, err := os.Stat(filepath.Join(s.opts.Dir, e.Name())); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
