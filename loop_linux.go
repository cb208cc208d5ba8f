package streamgauge

import (
	"context"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// loops carry connections: one loop for each processor. They begin with the first
// connection, and end when the hub does not run any more.
type loops struct {
	running sync.WaitGroup // everything that loops have started
	carried atomic.Int64   // connections

	mu        sync.Mutex      // protects following
	ctx       context.Context // of Run; nil unless that runs
	hub       *Hub
	all       []*loop
	next      int         // loop that gets a connection
	behind    []*loopConn // those that have to read the log
	replayers int
}

// A loop writes to its connections what there is for them. It waits neither for one of them
// nor for the log.
type loop struct {
	loops *loops
	ctx   context.Context
	epoll *os.File // of the connections
	fd    int      // the same
	more  chan struct{}

	mu          sync.Mutex // protects following
	ready       []*loopConn
	conns       []*loopConn // by slot
	free        []int32     // slots
	generations int32
	ended       bool
}

// loopConn is a connection that a loop carries. Only the loop uses it, or a replayer while it
// is away.
type loopConn struct {
	loop *loop
	left func() // is called in the end
	sub  *Subscriber
	rest []byte // of the block that is being written

	fd         int32 // [loop.drop] closes it and nobody else
	slot       int32
	generation int32 // tells it from those that had the slot before
	gone       bool  // it was dropped
	relay      func(ended bool)

	queued atomic.Bool // it is among those that are ready, or not adopted yet
	away   atomic.Bool // a replayer has it
	ended  atomic.Bool // its peer has gone, or nothing is to be written any more
	reset  atomic.Bool // what the kernel has for its peer is to be thrown away
}

const (
	blocksPerTurn   = 4 // of one connection, then it is the turn of others
	replayersPerCPU = 2
	pollEvents      = 256
	shortRound      = 250 * time.Microsecond // after which nobody needs to be given way
	epollET         = 1 << 31                // syscall's has another sign on each machine
)

// run allows loops until what it returns is called, after the context has ended.
func (ls *loops) run(ctx context.Context, h *Hub) (stop func()) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.ctx, ls.hub = ctx, h
	return ls.stop
}

// stop closes all connections, and returns when nothing of the loops is left.
func (ls *loops) stop() {
	ls.mu.Lock()
	all := ls.all
	ls.ctx, ls.all = nil, nil
	ls.mu.Unlock()
	for _, l := range all {
		l.mu.Lock()
		l.ended = true
		l.epoll.Close()
		l.mu.Unlock()
	}
	ls.running.Wait()
	for _, l := range all {
		for _, c := range l.conns {
			if c != nil {
				l.drop(c)
			}
		}
	}
}

// take returns the place for a connection, or nil if there are no loops. In the end left is
// called.
func (ls *loops) take(left func()) *loopConn {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.ctx == nil {
		return nil
	}
	for len(ls.all) < runtime.GOMAXPROCS(0) {
		l, err := ls.begin()
		if err != nil {
			ls.hub.opts.Logger.Warn("there is no event loop, so each connection has a goroutine", "error", err)
			return nil
		}
		ls.all = append(ls.all, l)
	}
	ls.next = (ls.next + 1) % len(ls.all)
	c := &loopConn{loop: ls.all[ls.next], left: left}
	c.queued.Store(true)
	ls.carried.Add(1)
	return c
}

func (ls *loops) begin() (*loop, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // so that the runtime waits for it
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	l := &loop{loops: ls, ctx: ls.ctx, epoll: os.NewFile(uintptr(fd), "epoll"), fd: fd, more: make(chan struct{}, 1)}
	ls.running.Go(l.run)
	ls.running.Go(l.poll)
	return l, nil
}

// run serves those that are ready.
func (l *loop) run() {
	var batch []*loopConn
	for l.ctx.Err() == nil {
		l.mu.Lock()
		batch, l.ready = l.ready, batch[:0]
		l.mu.Unlock()
		began := time.Now()
		for i, c := range batch {
			l.serve(c)
			batch[i] = nil
		}
		if len(batch) > 0 {
			if took := time.Since(began); took > shortRound {
				giveWay(took / 4)
			}
			continue
		}
		select {
		case <-l.more:
		case <-l.ctx.Done():
		}
	}
}

// giveWay lets others run as long as there are any, for about so long at most. Where there is one
// processor, whoever publishes would else have a turn between two rounds of a busy loop, and no
// more; what all of them add in their time goes out in one write.
func giveWay(most time.Duration) {
	const nobody = 3 * time.Microsecond // takes a yield to nobody, at most
	for began, last := time.Now(), time.Now(); ; {
		runtime.Gosched()
		now := time.Now()
		if now.Sub(began) >= most || now.Sub(last) < nobody {
			return
		}
		last = now
	}
}

// serve has its turn with a connection.
func (l *loop) serve(c *loopConn) {
	c.queued.Store(false) // before it is looked at: what comes from now on has another turn
	switch {
	case c.relay != nil:
		c.relay(c.ended.Load())
		return
	case c.gone || c.away.Load():
		return
	case c.ended.Load():
		l.drop(c)
		return
	}
	switch c.drive(l.ctx, false) {
	case turnOver:
		c.enqueue()
	case turnBehind:
		c.away.Store(true)
		l.loops.replay(c)
	case turnEnd:
		l.drop(c)
	}
}

// turn is how a connection's turn has ended.
type turn uint8

const (
	turnIdle   turn = iota // there is nothing to write now, or the peer takes nothing
	turnOver               // there is more
	turnBehind             // what comes next is in the log
	turnEnd                // the connection is to be closed
)

// drive writes what there is, as far as the peer takes it at once. The log is read only if
// that is allowed.
func (c *loopConn) drive(ctx context.Context, reads bool) turn {
	for range blocksPerTurn {
		if len(c.rest) == 0 {
			p, behind, err := c.sub.next(ctx, reads)
			switch {
			case err != nil:
				c.sub.hub.complain(ctx, err)
				return turnEnd
			case behind:
				return turnBehind
			case p == nil:
				return turnIdle
			}
			c.rest = p
		}
		for len(c.rest) > 0 {
			n, err := c.write()
			switch err {
			case 0:
				c.rest = c.rest[n:]
			case syscall.EINTR:
			case syscall.EAGAIN:
				return turnIdle // the poll finds it when it takes something again
			default:
				return turnEnd
			}
		}
	}
	return turnOver
}

// write writes without waiting, so that the runtime need not know of it.
func (c *loopConn) write() (int, syscall.Errno) {
	n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(c.fd), uintptr(unsafe.Pointer(&c.rest[0])), uintptr(len(c.rest)))
	return int(n), err
}

// poll finds those whose peer takes something again, or has gone.
func (l *loop) poll() {
	conn, err := l.epoll.SyscallConn()
	if err != nil {
		return // it is closed
	}
	events := make([]syscall.EpollEvent, pollEvents)
	found := make([]*loopConn, 0, pollEvents)
	for {
		n := 0
		err := conn.Read(func(fd uintptr) bool {
			n, _ = syscall.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return
		}
		l.mu.Lock()
		for _, e := range events[:n] {
			c := l.conns[e.Fd]
			if c == nil || c.generation != e.Pad {
				continue
			}
			if e.Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
				c.ended.Store(true)
			}
			found = append(found, c)
		}
		l.mu.Unlock()
		for i, c := range found {
			c.enqueue()
			found[i] = nil
		}
		found = found[:0]
	}
}

// enqueue has the loop look after the connection soon.
func (c *loopConn) enqueue() {
	if !c.queued.Swap(true) {
		c.push()
	}
}

func (c *loopConn) push() {
	l := c.loop
	l.mu.Lock()
	l.ready = append(l.ready, c)
	first := len(l.ready) == 1
	l.mu.Unlock()
	if first {
		select {
		case l.more <- struct{}{}:
		default:
		}
	}
}

// abort has the connection closed, and nothing more sent.
func (c *loopConn) abort() {
	c.reset.Store(true)
	c.ended.Store(true)
	c.enqueue()
}

// relayTo has told whenever the loop would look after the connection.
func (c *loopConn) relayTo(tell func(ended bool)) {
	c.relay = tell
	c.push()
}

// adopt takes the connection over, and reports whether it has. It is closed in the end.
func (c *loopConn) adopt(conn net.Conn, s *Subscriber) bool {
	fd, ok := descriptor(conn)
	if !ok {
		return false
	}
	conn.Close()
	c.fd, c.sub = fd, s
	l := c.loop
	l.mu.Lock()
	if l.ended || !l.register(c) {
		l.mu.Unlock()
		s.Close()
		syscall.Close(int(fd))
		c.leave()
		return true
	}
	l.mu.Unlock()
	c.push()
	return true
}

// leave is called in the end, whether it was adopted or not.
func (c *loopConn) leave() {
	c.loop.loops.carried.Add(-1)
	c.left()
}

// descriptor returns one of our own, of which the runtime does not know and for which it keeps
// nothing.
func descriptor(conn net.Conn) (fd int32, ok bool) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(theirs uintptr) {
		n, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, theirs, syscall.F_DUPFD_CLOEXEC, 0)
		fd, ok = int32(n), e == 0
	})
	return fd, ok && err == nil
}

// register gives the connection a slot. The loop's mutex is held.
func (l *loop) register(c *loopConn) bool {
	n := len(l.free)
	if n == 0 {
		l.conns = append(l.conns, nil)
		l.free = append(l.free, int32(len(l.conns)-1))
		n = 1
	}
	l.generations++
	c.slot, c.generation = l.free[n-1], l.generations
	event := syscall.EpollEvent{Events: syscall.EPOLLOUT | syscall.EPOLLRDHUP | epollET, Fd: c.slot, Pad: c.generation}
	if syscall.EpollCtl(l.fd, syscall.EPOLL_CTL_ADD, int(c.fd), &event) != nil {
		return false
	}
	l.free = l.free[:n-1]
	l.conns[c.slot] = c
	return true
}

// unread is where nothing is written: the room that the kernel is told of for what is thrown away.
var unread [64 << 10]byte

// drop closes a connection.
func (l *loop) drop(c *loopConn) {
	c.sub.Close()
	if c.reset.Load() {
		syscall.SetsockoptLinger(int(c.fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	} else {
		// Closing with something unread would throw away what the kernel has for the peer. The kernel
		// does not write what it is asked to leave out.
		_, _, _ = syscall.Recvfrom(int(c.fd), unread[:], syscall.MSG_DONTWAIT|syscall.MSG_TRUNC)
	}
	syscall.Close(int(c.fd))
	l.mu.Lock()
	l.conns[c.slot] = nil
	l.free = append(l.free, c.slot)
	l.mu.Unlock()
	c.gone, c.sub, c.rest = true, nil, nil
	c.leave()
}

// replay has somebody read the log for a connection and write what is in it.
func (ls *loops) replay(c *loopConn) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.behind = append(ls.behind, c)
	if ls.replayers < replayersPerCPU*runtime.GOMAXPROCS(0) {
		ls.replayers++
		ls.running.Go(ls.replayAll)
	}
}

// replayAll gives those that are behind a turn each, until nobody is.
func (ls *loops) replayAll() {
	for {
		ls.mu.Lock()
		ctx := ls.ctx
		if len(ls.behind) == 0 || ctx == nil {
			ls.behind = nil
			ls.replayers--
			ls.mu.Unlock()
			return
		}
		c := ls.behind[0]
		ls.behind[0] = nil
		ls.behind = ls.behind[1:]
		ls.mu.Unlock()
		if c.drive(ctx, true) == turnEnd {
			c.ended.Store(true)
		}
		c.away.Store(false)
		c.enqueue() // also for what has come meanwhile
	}
}
