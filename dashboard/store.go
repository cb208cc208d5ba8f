package dashboard

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// MaxFiles is how many dashboards of a folder are looked at.
const MaxFiles = 1000

// Why a store refuses. Errors are told apart by [errors.Is]; wrong files are
// [Errors], patches that don't apply are a [*PatchError].
var (
	ErrNotFound = errors.New("dashboard: there is no such dashboard")
	ErrExists   = errors.New("dashboard: there is a dashboard of this name")
	ErrBuiltin  = errors.New("dashboard: it is built in and there is no file to delete")
	ErrName     = errors.New("dashboard: a name is of lower-case letters, digits and dashes, begins with none, and has at most 64")
	ErrVersion  = errors.New("dashboard: it was changed meanwhile")
	ErrReadOnly = errors.New("dashboard: the folder can't be written to")
)

// Entry is a dashboard of a store as it is at a moment. It is not changed later;
// don't change it either.
type Entry struct {
	Name     string
	Version  string     // of the text; other text, other version
	Builtin  bool       // whether it is the one built in
	Writable bool       // whether it can be changed, as far as can be told
	Text     []byte     // of the file, even a wrong one
	Errors   Errors     // what is wrong with the text
	Last     *Dashboard // what the text says or, if it is wrong, what the last good one said; nil if there was none
}

// Title returns what the page calls the dashboard: its name if it has no title.
func (e *Entry) Title() string {
	if e.Last == nil {
		return e.Name
	}
	return e.Last.Title
}

// Change says that a dashboard is new, other or gone.
type Change struct {
	Name  string
	Entry *Entry // nil if it is gone
}

// StoreOptions configures a [Store].
type StoreOptions struct {
	// Dir is the folder. It need not exist: it is made when something is saved.
	// Empty is none at all, only what is built in.
	Dir string
	// Demo lists the built-in dashboard of the demo source.
	Demo bool
	// CheckFilter says what is wrong with a filter expression; see [Options].
	CheckFilter func(expression string) error
	// Changed is told of changes, by Run, one at a time and in order; and of every
	// file when Run begins. Changes that come quickly are told once.
	Changed func(Change)
	// Logger is told what can't be read. Nil discards it.
	Logger *slog.Logger
}

// Store is the dashboards of a folder and those built in, of which one of the
// same name in the folder takes the place. Its methods may be called from any
// number of goroutines.
type Store struct {
	opts    StoreOptions
	logger  *slog.Logger
	builtin map[string]*Entry
	wake    chan struct{} // something is in pending

	saving  sync.Mutex // one change of the folder at a time; before loading
	loading sync.Mutex // one reading of it; before mu

	mu      sync.Mutex        // protects following
	entries map[string]*Entry // replaced by who holds loading too
	pending []string          // names of which Run is to tell
	problem error             // with the folder
}

// NewStore returns a store that has read its folder once. Call Run for it to
// notice changes.
func NewStore(o StoreOptions) (*Store, error) {
	s := &Store{opts: o, logger: o.Logger, builtin: map[string]*Entry{}, entries: map[string]*Entry{}, wake: make(chan struct{}, 1)}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	files, err := fs.ReadDir(builtinFiles, "builtin")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".yaml")
		if name == "demo" && !o.Demo {
			continue
		}
		text, err := fs.ReadFile(builtinFiles, "builtin/"+f.Name())
		if err != nil {
			return nil, err
		}
		s.builtin[name] = s.parse(name, f.Name(), text, nil)
		if wrong := s.builtin[name].Errors; wrong != nil {
			return nil, fmt.Errorf("built-in dashboard: %w", wrong)
		}
		s.builtin[name].Builtin = true
	}
	s.Reload()
	return s, nil
}

// parse returns the entry of a text. The one before, if there was one, has the
// last good version.
func (s *Store) parse(name, file string, text []byte, before *Entry) *Entry {
	sum := sha256.Sum256(text)
	e := &Entry{Name: name, Version: hex.EncodeToString(sum[:8]), Text: text}
	d, err := Parse(file, text, &Options{CheckFilter: s.opts.CheckFilter})
	switch {
	case err == nil:
		e.Last = d
	case before != nil:
		e.Last = before.Last
	}
	errors.As(err, &e.Errors)
	return e
}

// List returns the dashboards, by name.
func (s *Store) List() []*Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Entry, 0, len(s.entries))
	for _, e := range s.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *Entry) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Get returns a dashboard, or nil if there is none of the name.
func (s *Store) Get(name string) *Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[name]
}

// Err returns what is wrong with the folder itself, such as files that are left
// out, or nil. What is wrong with a dashboard is in its entry.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// View returns the view that dashboards know as "dashboard/name". Variables in
// it are as if nothing were chosen. It is made for resolving names that
// subscribers ask for.
func (s *Store) View(name string) (streamgauge.View, bool) {
	dashboard, name, _ := strings.Cut(name, "/")
	e := s.Get(dashboard)
	if e == nil || e.Last == nil {
		return streamgauge.View{}, false
	}
	for _, v := range e.Last.Views {
		if v.Name == name {
			view, err := streamgauge.ParseView(expandView(v.Text))
			return view, err == nil
		}
	}
	return streamgauge.View{}, false
}

// Reload reads the folder anew. Run calls it when something has changed there.
// What is there when it is called is in the store when it returns, or something
// newer.
func (s *Store) Reload() {
	s.loading.Lock() // or who has read first could be the last to say so
	defer s.loading.Unlock()
	files, problem := s.readFolder()
	if before := s.Err(); problem != nil && (before == nil || problem.Error() != before.Error()) {
		s.logger.Warn("dashboards can't be read", "error", problem)
	}
	var entries map[string]*Entry // nil: what is known stays
	if files != nil {
		entries = s.read(files)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = problem
	if entries != nil {
		s.replace(entries)
	}
}

// read returns the entries of the folder's files and of what is built in.
// s.loading is held.
func (s *Store) read(files map[string]file) map[string]*Entry {
	writable := s.writable()
	entries := map[string]*Entry{}
	for name, f := range files {
		before := cmp.Or(s.entries[name], s.builtin[name])
		if before != nil && !before.Builtin && before.Writable == writable && f.errs == nil && before.Errors == nil && bytes.Equal(before.Text, f.text) {
			entries[name] = before
			continue
		}
		e := s.parse(name, f.path, f.text, before)
		e.Writable = writable
		if f.errs != nil {
			e.Errors = append(f.errs, e.Errors...)
		}
		entries[name] = e
	}
	for name, e := range s.builtin {
		if entries[name] == nil {
			one := *e
			one.Writable = writable
			entries[name] = &one
		}
	}
	return entries
}

// replace takes the entries and notes which names Run is to tell of. s.loading
// and s.mu are held.
func (s *Store) replace(entries map[string]*Entry) {
	for name, e := range entries {
		if before := s.entries[name]; before == nil || before.Version != e.Version || before.Builtin != e.Builtin || (before.Errors == nil) != (e.Errors == nil) {
			s.note(name)
		}
	}
	for name := range s.entries {
		if entries[name] == nil {
			s.note(name)
		}
	}
	s.entries = entries
	select {
	case s.wake <- struct{}{}:
	default: // Run has been told and has not looked yet
	}
}

func (s *Store) note(name string) {
	if !slices.Contains(s.pending, name) {
		s.pending = append(s.pending, name)
	}
}

// tell calls Changed for what has changed since it was last called.
func (s *Store) tell() {
	s.mu.Lock()
	names := s.pending
	s.pending = nil
	s.mu.Unlock()
	slices.Sort(names)
	for _, name := range names {
		if s.opts.Changed != nil {
			s.opts.Changed(Change{name, s.Get(name)})
		}
	}
}

// Nearest returns the name of the dashboard that was probably meant, or "".
func (s *Store) Nearest(name string) string {
	var names []string
	for _, e := range s.List() {
		names = append(names, e.Name)
	}
	return yamlfile.Nearest(name, names)
}
