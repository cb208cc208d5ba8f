package natslog

import (
	"net"
	"time"
)

const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 2 * time.Second
)

// A dialer makes connections that a write which does not get through ends. The client does
// nothing else as long as it waits for one, be it to say whether it is connected.
type dialer struct{ net.Dialer }

func (d *dialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.Dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return connection{c}, nil
}

type connection struct{ net.Conn }

func (c connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.Close() // or all who wait to write would wait as long, one after the other
	}
	return n, err
}
