package filelog

import (
	"fmt"
	"os"
	"path/filepath"
)

// makeDir creates the directory and what is missing above it. If durable, it is
// still there after a power cut.
func makeDir(fs filesystem, dir string, durable bool) error {
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		return os.MkdirAll(dir, 0o700) // which says what else it is
	}
	parent := filepath.Dir(dir)
	if err := makeDir(fs, parent, durable); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	if !durable {
		return nil
	}
	return fs.syncDir(parent)
}

// checkPlace returns an error unless the data directory that is there is the one
// that was opened. In another nobody would find what is written, and in one that
// took its place, such as a restored backup, it would do harm.
func (l *Log) checkPlace() error {
	there, err := os.Stat(l.lock.Name())
	if err == nil {
		var own os.FileInfo
		if own, err = l.lock.Stat(); err == nil && !os.SameFile(own, there) {
			err = fmt.Errorf("%s is another file than was locked", l.lock.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("data directory was removed or replaced while the log was open, put it back or start again: %w", err)
	}
	return nil
}
