package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// mostUnsent is how many bytes the kernel takes of which it has sent nothing to a client yet: what
// waits in the hub can still be conflated, and the kernel's memory is for what is under way.
const mostUnsent = 128 << 10

// boundUnsent fails only on a connection that is closed.
func boundUnsent(conn *net.TCPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, mostUnsent)
		})
	}
}
