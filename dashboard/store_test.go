package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/dashboard"
)

const small = "title: %s\nrows: []\n"

func newStore(t *testing.T, o dashboard.StoreOptions) *dashboard.Store {
	t.Helper()
	s, err := dashboard.NewStore(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func names(s *dashboard.Store) (out []string) {
	for _, e := range s.List() {
		out = append(out, e.Name)
	}
	return out
}

func TestTheDemoIsListedOnlyIfItRuns(t *testing.T) {
	if got := names(newStore(t, dashboard.StoreOptions{})); !slices.Equal(got, []string{"host", "streamgauge"}) {
		t.Errorf("got %v", got)
	}
	if got := names(newStore(t, dashboard.StoreOptions{Demo: true})); !slices.Equal(got, []string{"demo", "host", "streamgauge"}) {
		t.Errorf("with the demo: got %v", got)
	}
}

func TestWhatIsNoDashboardIsLeftOutAndSaid(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yml", "b.yaml", "Bad Name.yaml", ".hidden.yaml", "readme.md"} {
		write(t, filepath.Join(dir, name), fmt.Sprintf(small, name))
	}
	if err := os.Mkdir(filepath.Join(dir, "d.yaml"), 0o777); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, dashboard.StoreOptions{Dir: dir})
	if got := names(s); !slices.Equal(got, []string{"a", "b", "d", "host", "streamgauge"}) {
		t.Errorf("got %v", got)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "Bad Name.yaml: a dashboard's file is named by") {
		t.Errorf("got %v", err)
	}
	for name, want := range map[string]string{"b": "b.yml:1:1: is left out: there is ", "d": "d.yaml:1:1: is no file"} {
		if e := s.Get(name); !strings.Contains(e.Errors.Error(), want) {
			t.Errorf("%s: got %v", name, e.Errors)
		}
	}
	if b := s.Get("b"); b.Last == nil || b.Last.Title != "b.yaml" {
		t.Errorf("got %+v", b.Last)
	}
}

func TestOneOfManyWritersWinsEachTime(t *testing.T) {
	s := newStore(t, dashboard.StoreOptions{Dir: filepath.Join(t.TempDir(), "new", "folder")})
	first, err := s.Put("a", fmt.Appendf(nil, small, "start"), dashboard.Save{})
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		wins []string
	)
	for i := range 8 {
		wg.Go(func() {
			title := fmt.Sprintf("writer %d", i)
			edit, err := s.Put("a", fmt.Appendf(nil, small, title), dashboard.Save{Version: first.Entry.Version})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && edit.Entry.Last.Title == title:
				wins = append(wins, title)
			case !errors.Is(err, dashboard.ErrVersion):
				t.Errorf("%s: %v", title, err)
			}
		})
	}
	wg.Wait()
	if len(wins) != 1 || s.Get("a").Last.Title != wins[0] {
		t.Errorf("%v won, there is %q", wins, s.Get("a").Last.Title)
	}
}

// Whoever has reloaded finds what was there then, also when somebody else began
// to read before and takes longer.
func TestAReloadIsNotUndoneByAnOlderOne(t *testing.T) {
	base := t.TempDir()
	dir, many, few := filepath.Join(base, "dir"), filepath.Join(base, "many"), filepath.Join(base, "few")
	for _, folder := range []string{many, few} {
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "a.yaml"), fmt.Sprintf(small, filepath.Base(folder)))
	}
	for i := range 300 { // take a while to read
		write(t, filepath.Join(many, fmt.Sprintf("b%d.yaml", i)), fmt.Sprintf(small, "B"))
	}
	lead := func(to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, dir+".new"), os.Rename(dir+".new", dir)); err != nil {
			t.Fatal(err)
		}
	}
	lead(many)
	s := newStore(t, dashboard.StoreOptions{Dir: dir})
	for round := range 60 {
		lead(many)
		var slow sync.WaitGroup
		slow.Go(s.Reload)
		for range round * 20 {
			runtime.Gosched()
		}
		lead(few)
		s.Reload()
		slow.Wait()
		if got := s.Get("a").Title(); got != "few" {
			t.Fatalf("round %d: there is %q again, want few", round, got)
		}
	}
}

func TestTheModeAndTheExtensionOfAFileStay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yml")
	write(t, path, fmt.Sprintf(small, "A"))
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, dashboard.StoreOptions{Dir: dir})
	if _, err := s.Put("a", fmt.Appendf(nil, small, "B"), dashboard.Save{Version: "*"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v", info, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the folder has %v", left)
	}
}

// follow runs the store and returns what it tells.
func follow(t *testing.T, dir string) (*dashboard.Store, <-chan dashboard.Change) {
	t.Helper()
	told := make(chan dashboard.Change, 100)
	s := newStore(t, dashboard.StoreOptions{Dir: dir, Changed: func(c dashboard.Change) { told <- c }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, told
}

func next(t *testing.T, told <-chan dashboard.Change) string {
	t.Helper()
	select {
	case c := <-told:
		if c.Entry == nil {
			return c.Name + " is gone"
		}
		return fmt.Sprintf("%s %s %v", c.Name, c.Entry.Title(), c.Entry.Errors == nil)
	case <-time.After(2 * time.Second):
		t.Fatal("nothing was told")
		return ""
	}
}

func TestChangesOfTheFolderAreTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	_, told := follow(t, dir)
	step := func(want string, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if got := next(t, told); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	put := func(name, text string) func() error {
		return func() error { // in one step, or half a file could be told of
			temp := filepath.Join(dir, "."+name)
			if err := os.WriteFile(temp, []byte(text), 0o666); err != nil {
				return err
			}
			return os.Rename(temp, filepath.Join(dir, name))
		}
	}
	step("a A true", func() error {
		if err := os.Mkdir(dir, 0o777); err != nil {
			return err
		}
		return put("a.yaml", "title: A\nrows: []\n")()
	})
	step("a A false", put("a.yaml", "title: 1\n"))
	step("a B true", put("a.yaml", "title: B\nrows: []\n"))
	step("host Mine true", put("host.yaml", "title: Mine\nrows: []\n"))
	step("host Host true", func() error { return os.Remove(filepath.Join(dir, "host.yaml")) })
	step("a is gone", func() error { return os.RemoveAll(dir) })
	step("c C true", func() error { // it is another folder now
		if err := os.Mkdir(dir, 0o777); err != nil {
			return err
		}
		return put("c.yaml", "title: C\nrows: []\n")()
	})
	step("c D true", put("c.yaml", "title: D\nrows: []\n"))
}

// As Kubernetes mounts a ConfigMap: files are links into a folder that is
// swapped as a whole.
func TestAConfigMapThatIsSwappedIsTold(t *testing.T) {
	dir := t.TempDir()
	version := func(n int) {
		t.Helper()
		sub := filepath.Join(dir, fmt.Sprintf("..v%d", n))
		if err := os.Mkdir(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(sub, "a.yaml"), fmt.Sprintf(small, fmt.Sprintf("V%d", n)))
		if err := os.Symlink(filepath.Base(sub), filepath.Join(dir, "..new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version(1)
	if err := os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	_, told := follow(t, dir)
	if got := next(t, told); got != "a V1 true" {
		t.Errorf("got %q", got)
	}
	version(2)
	if got := next(t, told); got != "a V2 true" {
		t.Errorf("got %q", got)
	}
}

func TestViewsAreFoundByName(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.yaml"), "title: S\nvariables:\n  c: { streams: shop.* }\nviews:\n  a: count(shop.orders)\n  b: count(shop.$c) where $c == \"\" or key == $c\nrows: []\n")
	s := newStore(t, dashboard.StoreOptions{Dir: dir})
	for name, want := range map[string]string{
		"shop/a": "count(shop.orders) every 10s",
		"shop/b": `count(shop.*) every 10s where "" == "" or key == ""`,
	} {
		if v, ok := s.View(name); !ok || v.String() != want {
			t.Errorf("%s: got %q, %v", name, v.String(), ok)
		}
	}
	for _, name := range []string{"shop", "shop/", "shop/c", "none/a", "host/a", ""} {
		if v, ok := s.View(name); ok {
			t.Errorf("%s: got %q", name, v.String())
		}
	}
}

// A folder that takes another's place may look like the same to the system, which
// gives numbers again that are free, and is watched all the same.
func TestAFolderThatTakesAnothersPlaceIsWatched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, told := follow(t, dir)
	put := func(title string) {
		t.Helper()
		temp := filepath.Join(filepath.Dir(dir), "new")
		write(t, temp, fmt.Sprintf(small, title))
		if err := os.Rename(temp, filepath.Join(dir, "a.yaml")); err != nil {
			t.Fatal(err)
		}
		for got := ""; got != "a "+title+" true"; { // that it was gone meanwhile may be told or not
			got = next(t, told)
		}
	}
	for i := range 8 {
		put(fmt.Sprint("v", i))
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)); err != nil {
			t.Fatal(err)
		}
		put(fmt.Sprint("w", i))
	}
}
