//go:build !linux

package streamgauge

import (
	"context"
	"net"
	"sync/atomic"
)

// loops are for Linux.
type loops struct{ carried atomic.Int64 }

func (*loops) run(context.Context, *Hub) (stop func()) { return func() {} }

func (*loops) take(func()) *loopConn { return nil }

// loopConn is never made.
type loopConn struct{}

func (*loopConn) leave() {}

func (*loopConn) enqueue() {}

func (*loopConn) abort() {}

func (*loopConn) adopt(net.Conn, *Subscriber) bool { return false }

func (*loopConn) relayTo(func(ended bool)) {}
