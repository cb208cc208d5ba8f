package natstest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

// Cluster is servers that keep each stream together.
type Cluster []*Server

// NewCluster returns three servers that do not run yet. See [New].
func NewCluster(tb testing.TB) Cluster {
	tb.Helper()
	c := Cluster{New(tb), New(tb), New(tb)}
	routes := make([]string, len(c))
	for i := range c {
		routes[i] = testenv.FreeAddress(tb)
	}
	for i, s := range c {
		s.Config = fmt.Sprintf("cluster { name: c, listen: %q, routes: [\"nats://%s\"] }", routes[i], strings.Join(routes, `", "nats://`))
	}
	return c
}

// Run starts all of them. They answer before they have found each other.
func (c Cluster) Run() {
	for _, s := range c {
		s.Run()
	}
}

// URL is the address of the log of this name, which all of them keep.
func (c Cluster) URL(log string) string {
	addrs := make([]string, len(c))
	for i, s := range c {
		addrs[i] = s.Addr
	}
	return fmt.Sprintf("nats://%s/?log=%s&replicas=%d", strings.Join(addrs, ","), log, len(c))
}

// Leader returns the server that leads a stream, or nil unless all others have what it has.
func (c Cluster) Leader(stream string) *Server {
	for _, asked := range c {
		info, err := asked.Info(stream)
		if err != nil || info.Cluster == nil || len(info.Cluster.Replicas) != len(c)-1 {
			continue
		}
		for _, peer := range info.Cluster.Replicas {
			if !peer.Current || peer.Offline {
				return nil
			}
		}
		for _, s := range c {
			if s.Addr == info.Cluster.Leader {
				return s
			}
		}
	}
	return nil
}
