package filelog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errSharing says that another has the file open.
const errSharing = syscall.Errno(32)

// lockDir takes the lock on the data directory, by a file that nobody else may
// open meanwhile. The operating system closes it when the process ends in
// whatever way.
func lockDir(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockName)
	p, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	const alone = 0 // no sharing
	h, err := syscall.CreateFile(p, syscall.GENERIC_READ|syscall.GENERIC_WRITE, alone, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, errSharing):
		return nil, fmt.Errorf("%w: %s: stop the other process, or give this one another data directory", ErrLocked, dir)
	case err != nil:
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// inode would return the number of the file. Zero is unknown.
func inode(*os.File) uint64 { return 0 }
