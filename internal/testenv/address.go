package testenv

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// given are the ports that this process has been given already.
var given sync.Map

// FreeAddress returns an address of this machine that nobody listens on, another one each
// time. The port that is 10,000 higher is free too: a Redis of a Cluster has its bus there.
//
// It is none of the ports that the kernel gives to those who ask for any: one of them could
// take it while a server is down.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(11_000)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		higher, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+10_000))
		l.Close()
		if err != nil {
			continue
		}
		higher.Close()
		if _, again := given.LoadOrStore(port, true); !again {
			return address
		}
	}
	tb.Fatal("there is no free port")
	return ""
}
