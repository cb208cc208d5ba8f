//go:build !linux

package bench

import (
	"context"
	"errors"
)

// Run measures on Linux only: elsewhere it returns an error. A running server
// of any system can be measured from a Linux machine.
func Run(context.Context, Options) (*Result, error) {
	return nil, errors.New("bench needs Linux: it reads what the server uses from /proc and serves its connections with epoll")
}
