//go:build linux

package e2e_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

// A cut is when and how a client's connection ends.
type cut struct {
	bytes int           // after this many bytes from the server; 0 is no bound
	after time.Duration // after this time; 0 is no bound
	how   ending
}

// ending is how a client ends its connection.
type ending uint8

const (
	withFIN   ending = iota
	withRST          // what is on its way is thrown away
	halfClose        // it writes no more, and reads until the server closes
	endings
)

// randomCut returns one of any kind: in the middle of an event or of the
// header, in silence, soon or late.
func randomCut(random *rand.Rand) cut {
	c := cut{how: ending(random.IntN(int(endings)))}
	if random.IntN(2) == 0 {
		c.bytes = 1 + random.IntN(1<<random.IntN(18))
		c.after = 5 * time.Second
	} else {
		c.after = time.Duration(1 + random.Int64N(int64(2*time.Second)))
	}
	return c
}

var errCut = errors.New("the connection was cut on purpose")

// cutter is a connection's input up to a cut.
type cutter struct {
	conn *net.TCPConn
	cut  cut
	left int // bytes; less than 0 is no bound
	over bool
}

// halfCloseGrace is how long a server has to close a half-closed connection.
const halfCloseGrace = 10 * time.Second

// input begins the time of the cut.
func (c cut) input(conn *net.TCPConn) io.Reader {
	left := c.bytes
	if left == 0 {
		left = -1
	}
	deadline := time.Time{}
	if c.after > 0 {
		deadline = time.Now().Add(c.after)
	}
	_ = conn.SetReadDeadline(deadline)
	return &cutter{conn: conn, cut: c, left: left}
}

func (c *cutter) Read(p []byte) (int, error) {
	if c.left == 0 {
		if err := c.end(); err != nil {
			return 0, err
		}
	}
	if c.left > 0 {
		p = p[:min(len(p), c.left)]
	}
	n, err := c.conn.Read(p)
	if c.left > 0 {
		c.left -= n
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && !c.over {
		if err := c.end(); err != nil {
			return 0, err
		}
		return c.conn.Read(p)
	}
	return n, err
}

// end ends the connection, or with half of it only lets what is left come.
func (c *cutter) end() error {
	switch c.over, c.left = true, -1; c.cut.how {
	case halfClose:
		_ = c.conn.SetReadDeadline(time.Now().Add(halfCloseGrace))
		return c.conn.CloseWrite()
	case withRST:
		_ = c.conn.SetLinger(0)
	}
	_ = c.conn.Close()
	return errCut
}
