package dashboard

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is what the folder has under a name.
type file struct {
	path string
	text []byte
	errs Errors // about the file, not its text
}

// readFolder returns the folder's files by dashboard. Nil files mean that the
// folder could not be read; a folder that isn't there is empty.
func (s *Store) readFolder() (map[string]file, error) {
	if s.opts.Dir == "" {
		return map[string]file{}, nil
	}
	// A root keeps links from leading out of the folder.
	root, err := os.OpenRoot(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]file{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := fileNames(root)
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	var problem error
	for _, base := range names {
		name := strings.TrimSuffix(base, filepath.Ext(base))
		path := filepath.Join(s.opts.Dir, base)
		first, again := files[name]
		switch {
		case !ValidName(name):
			problem = errors.Join(problem, fmt.Errorf("%s: a dashboard's file is named by lower-case letters, digits and dashes, such as shop.yaml", path))
			continue
		case len(files) == MaxFiles:
			return files, fmt.Errorf("%s has more than %d files; the rest is left out", s.opts.Dir, MaxFiles)
		case again:
			first.errs = append(first.errs, &Error{path, 1, 1, "", "is left out: there is " + first.path + " of the same name; delete or rename one"})
			files[name] = first
			continue
		}
		text, err := readFile(root, base)
		one := file{path: path, text: text}
		if err != nil {
			one.errs = Errors{{path, 1, 1, "", err.Error()}}
		}
		files[name] = one
	}
	return files, problem
}

// fileNames returns the names of the folder's YAML files: .yaml before .yml.
func fileNames(root *os.Root) (names []string, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		if ext := filepath.Ext(name); (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names) // "a" before "m"
	return names, nil
}

// readFile reads a file, of which it takes no more than may be.
func readFile(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	switch {
	case err != nil && errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("is a link to nothing")
	case err != nil:
		return nil, fmt.Errorf("can't be read: %w", err) // also a link that leads out of the folder
	case !info.Mode().IsRegular(): // opening a pipe would wait for a writer
		return nil, errors.New("is no file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	return text, nil
}

// writable reports whether the folder, or the one that it would be made in, can
// be written to, as far as can be told without doing it.
func (s *Store) writable() bool {
	dir := s.opts.Dir
	for dir != "" {
		if _, err := os.Stat(dir); err == nil {
			return canWrite(dir)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return false
}
