package streamgauge_test

import "syscall"

// smallReceiveBuffer makes the kernel take as little as it can for a reader
// that does not read.
func smallReceiveBuffer(_, _ string, conn syscall.RawConn) error {
	var failed error
	err := conn.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
	})
	if err != nil {
		return err
	}
	return failed
}
