package filelog

import (
	"os"
	"path/filepath"
	"runtime"
)

// filesystem is what the log needs of the operating system, so that tests can
// let any of it fail. Errors name the operation and the file.
type filesystem interface {
	open(name string, flag int) (file, error)
	rename(from, to string) error
	remove(name string) error
	list(dir string) ([]string, error) // sorted
	syncDir(dir string) error

	// place tells a data directory from a copy of it, by its lock file. Zero is
	// unknown.
	place(lock *os.File) uint64
}

// file is an open file.
type file interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
	size() (int64, error)
}

type osFS struct{}

func (osFS) place(lock *os.File) uint64 { return inode(lock) }

type osFile struct{ *os.File }

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (osFS) open(name string, flag int) (file, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) rename(from, to string) error { return os.Rename(from, to) }
func (osFS) remove(name string) error     { return os.Remove(name) }

func (osFS) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (osFS) syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // which has no such thing
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// replaceFile writes a file so that under its name there is either what was
// there before or all of the new content, whenever the machine stops.
func replaceFile(fs filesystem, name string, content []byte, durable bool) error {
	temp := name + tempSuffix
	f, err := fs.open(temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil && durable {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fs.rename(temp, name)
	}
	if err != nil {
		_ = fs.remove(temp) // or the next Open does
		return err
	}
	if durable {
		return fs.syncDir(filepath.Dir(name))
	}
	return nil
}

// readFile returns the whole file, in buf if it fits.
func readFile(fs filesystem, name string, buf []byte) ([]byte, error) {
	f, err := fs.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	if int64(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if n, err := f.ReadAt(buf, 0); n < len(buf) {
		return nil, err
	}
	return buf, nil
}
