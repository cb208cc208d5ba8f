package bench

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A loop serves all connections of a run on one thread: with thousands of them
// a goroutine for each would cost as much as what is measured.
type loop struct {
	epoll int
	began time.Time
	conns []conn // by descriptor
	ready [512]unix.EpollEvent
	buf   [256 << 10]byte // what is being read
}

// conn is a connection in the loop.
type conn interface {
	// serve is called when there is something to read, or room to write after
	// there was none. After an error the loop closes the connection.
	serve(l *loop) error
	// closed is called with why.
	closed(err error)
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create: %w", err)
	}
	return &loop{epoll: fd, began: time.Now().Add(-time.Nanosecond)}, nil
}

// now is the run's clock. It is never 0.
func (l *loop) now() time.Duration { return time.Since(l.began) }

func (l *loop) add(fd int, c conn) error {
	for fd >= len(l.conns) {
		l.conns = append(l.conns, nil)
	}
	l.conns[fd] = c
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

// wantWrite says whether the connection waits for room to write.
func (l *loop) wantWrite(fd int, want bool) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if want {
		event.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &event))
}

func (l *loop) drop(fd int, err error) {
	c := l.conns[fd]
	l.conns[fd] = nil
	unix.Close(fd)
	c.closed(err)
}

// step serves what is ready, after waiting for it until the deadline at the
// latest.
func (l *loop) step(deadline time.Duration) error {
	n, err := unix.EpollWait(l.epoll, l.ready[:], 0)
	if wait := deadline - l.now(); n == 0 && err == nil && wait > 0 {
		// epoll_wait's own timeout is in milliseconds, which is too coarse.
		timeout := unix.NsecToTimespec(int64(wait))
		if _, err := unix.Ppoll([]unix.PollFd{{Fd: int32(l.epoll), Events: unix.POLLIN}}, &timeout, nil); err != nil && err != unix.EINTR {
			return fmt.Errorf("ppoll: %w", err)
		}
		n, err = unix.EpollWait(l.epoll, l.ready[:], 0)
	}
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	for _, event := range l.ready[:max(n, 0)] {
		fd := int(event.Fd)
		if c := l.conns[fd]; c != nil {
			if err := c.serve(l); err != nil {
				l.drop(fd, err)
			}
		}
	}
	return nil
}

// pause stops the thread without listening to anybody.
func pause(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	unix.Nanosleep(&t, nil)
}

// read reads once. It returns nothing if there is nothing.
func (l *loop) read(fd int) ([]byte, error) {
	switch n, err := unix.Read(fd, l.buf[:]); {
	case err == unix.EAGAIN, err == unix.EINTR:
		return nil, nil
	case err != nil:
		return nil, os.NewSyscallError("read", err)
	case n == 0:
		return nil, errClosed
	default:
		return l.buf[:n], nil
	}
}

func (l *loop) close() {
	for fd, c := range l.conns {
		if c != nil {
			unix.Close(fd)
		}
	}
	unix.Close(l.epoll)
}

// dial connects and writes a request. A receive buffer of 0 is the system's
// own choice.
func dial(addr netip.AddrPort, receiveBuffer int, request []byte) (fd int, err error) {
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(addr.Port())})
	if addr.Addr().Is4() {
		to.(*unix.SockaddrInet4).Addr = addr.Addr().As4()
	} else {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if receiveBuffer > 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return 0, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	for {
		err := unix.Connect(fd, to)
		if err == nil || err == unix.EISCONN {
			break
		}
		if err != unix.EINTR {
			return 0, fmt.Errorf("connect to %s: %w", addr, err)
		}
	}
	if _, err := unix.Write(fd, request); err != nil {
		return 0, os.NewSyscallError("write", err)
	}
	return fd, os.NewSyscallError("set nonblocking", unix.SetNonblock(fd, true))
}
