package dashboard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	udiff "github.com/aymanbagabas/go-udiff"
)

// Edit is a change that was made, or would be.
type Edit struct {
	Entry *Entry // as it is now; for a dry run, as it would be
	Diff  string // unified; empty if nothing changes
}

// Save says how a change is made.
type Save struct {
	// Version is what the dashboard's version must be. Empty is that it must not
	// exist; "*" is any, but it must exist.
	Version string
	// DryRun changes nothing.
	DryRun bool
}

// Patch applies a JSON Patch to a dashboard. Of a built-in one it makes a file.
// See [Patch] for what stays of the text. The Edit is returned with [Errors] and
// with [ErrReadOnly] too: it is what would be.
func (s *Store) Patch(name string, ops []Op, how Save) (*Edit, error) {
	return s.change(name, how, func(old []byte) ([]byte, error) { return Patch(old, ops) })
}

// Put makes the text the dashboard's. The Edit is returned with [Errors] and
// with [ErrReadOnly] too.
func (s *Store) Put(name string, text []byte, how Save) (*Edit, error) {
	return s.change(name, how, func([]byte) ([]byte, error) { return text, nil })
}

// Delete deletes the dashboard's file. A built-in dashboard that it had taken the
// place of comes back.
func (s *Store) Delete(name string, how Save) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.Reload()
	e, err := s.check(name, how)
	switch {
	case err != nil:
		return err
	case e.Builtin:
		return ErrBuiltin
	case how.DryRun:
		return nil
	}
	defer s.Reload()
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	defer root.Close()
	for _, ext := range []string{".yaml", ".yml"} {
		if err := root.Remove(name + ext); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return readOnly(err)
		}
	}
	return nil
}

// check returns the dashboard if it has the version that is asked for.
func (s *Store) check(name string, how Save) (*Entry, error) {
	if !ValidName(name) {
		return nil, ErrName
	}
	e := s.Get(name)
	switch {
	case e == nil && how.Version != "":
		return nil, ErrNotFound
	case e != nil && how.Version == "":
		return nil, ErrExists
	case e != nil && how.Version != "*" && how.Version != e.Version:
		return nil, ErrVersion
	}
	return e, nil
}

func (s *Store) change(name string, how Save, edited func([]byte) ([]byte, error)) (*Edit, error) {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.Reload() // the watcher may be a moment behind
	before, err := s.check(name, how)
	if err != nil {
		return nil, err
	}
	var old []byte
	if before != nil {
		old = before.Text
	}
	text, err := edited(old)
	if err != nil {
		return nil, err
	}
	edit := &Edit{s.parse(name, name+".yaml", text, before), udiff.Unified("a/"+name+".yaml", "b/"+name+".yaml", string(old), string(text))}
	edit.Entry.Writable = s.writable()
	switch {
	case edit.Entry.Errors != nil:
		return edit, edit.Entry.Errors
	case how.DryRun || edit.Diff == "" && before != nil:
		return edit, nil
	}
	if err := s.write(name, text); err != nil {
		edit.Entry.Writable = !errors.Is(err, ErrReadOnly)
		return edit, err
	}
	s.Reload()
	if now := s.Get(name); now != nil {
		edit.Entry = now
	}
	return edit, nil
}

// write puts the text into the dashboard's file, all or nothing.
func (s *Store) write(name string, text []byte) (err error) {
	if s.opts.Dir == "" {
		return fmt.Errorf("%w: there is none", ErrReadOnly)
	}
	if err := os.MkdirAll(s.opts.Dir, 0o777); err != nil {
		return readOnly(err)
	}
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	defer root.Close()
	base := name + ".yaml"
	if _, err := root.Lstat(name + ".yml"); err == nil {
		if _, err := root.Lstat(base); err != nil {
			base = name + ".yml"
		}
	}
	mode := fs.FileMode(0o666)
	if info, err := root.Stat(base); err == nil {
		mode = info.Mode().Perm()
	}
	temp := "." + base + "." + rand.Text()
	defer func() {
		if err != nil {
			_ = root.Remove(temp)
		}
	}()
	if err := writeFile(root, temp, text, mode); err != nil {
		return readOnly(err)
	}
	return readOnly(root.Rename(temp, base))
}

// writeFile writes a new file, which is on the disk when it returns: a rename
// must not come before what it names.
func writeFile(root *os.Root, name string, text []byte, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// readOnly says so of an error that means it.
func readOnly(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return fmt.Errorf("save dashboard: %w", err)
}
