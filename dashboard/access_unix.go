//go:build unix

package dashboard

import "golang.org/x/sys/unix"

func canWrite(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }
