//go:build !linux

package streamgauge_test

import "syscall"

func smallReceiveBuffer(_, _ string, _ syscall.RawConn) error { return nil }
