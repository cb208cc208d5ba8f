//go:build (!unix && !windows) || solaris || aix

package filelog

import (
	"os"
	"path/filepath"
)

// lockDir does not keep other processes out on this operating system: nothing
// that the standard library offers here ends with the process.
func lockDir(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
}

// inode would return the number of the file. Zero is unknown.
func inode(*os.File) uint64 { return 0 }
