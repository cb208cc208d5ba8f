package natslog_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/natslog"
)

// cluster starts three servers, and returns the address of a log that all of them keep.
func cluster(t *testing.T) (servers []*server, address string) {
	t.Helper()
	need(t)
	var routes, clients []string
	for range 3 {
		addr, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		client, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		routes, clients = append(routes, addr), append(clients, client)
	}
	for i, addr := range clients {
		s := &server{addr: addr, dir: t.TempDir()}
		s.config = fmt.Sprintf("cluster { name: c, listen: %q, routes: [\"nats://%s\"] }", routes[i], strings.Join(routes, `", "nats://`))
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.kill)
		servers = append(servers, s)
	}
	return servers, "nats://" + strings.Join(clients, ",") + "?log=x&replicas=3"
}

// leader returns the server that leads a stream, once all others have what it has.
func leader(t *testing.T, servers []*server, stream string) *server {
	t.Helper()
	name := ""
	eventually(t, time.Minute, "all servers are up to date", func() bool {
		for _, s := range servers {
			js, err := jetstream.New(s.connect(t))
			if err != nil {
				return false
			}
			st, err := js.Stream(t.Context(), stream)
			if err != nil || st.CachedInfo().Cluster == nil {
				return false
			}
			c := st.CachedInfo().Cluster
			if name = c.Leader; name == "" || len(c.Replicas) != 2 {
				return false
			}
			for _, peer := range c.Replicas {
				if !peer.Current || peer.Offline {
					return false
				}
			}
			return true
		}
		return false
	})
	for _, s := range servers {
		if s.addr == name {
			return s
		}
	}
	t.Fatalf("there is no server %s", name)
	return nil
}

// TestAClusterWhoseLeaderIsKilledLosesNothing takes half a minute or more.
func TestAClusterWhoseLeaderIsKilledLosesNothing(t *testing.T) {
	if os.Getenv("STREAMGAUGE_E2E") != "1" {
		t.Skip("left out because it takes long; STREAMGAUGE_E2E=1 runs it")
	}
	servers, address := cluster(t)
	var logs []*natslog.Log
	eventually(t, time.Minute, "the cluster takes a log", func() bool {
		log, err := natslog.Open(t.Context(), address, nil)
		if err != nil {
			t.Log(err)
			return false
		}
		t.Cleanup(func() { log.Close() })
		logs = append(logs, log)
		return len(logs) == 2
	})
	if r := add(t, logs[0], event("a", 1)); r.Level != streamgauge.LevelReplicated {
		t.Errorf("level %s", r.Level)
	}
	tails := []*tailtest.Follower{follow(t, logs[0], streamgauge.Position{}), follow(t, logs[1], streamgauge.Position{})}
	p := tailtest.Publish(t, logs...)
	for i := range 5 {
		p.GoOn(t, tails[0])
		s := leader(t, servers, "x")
		began := time.Now()
		if i == 2 { // it hangs
			s.signal(t, syscall.SIGSTOP)
			p.GoOn(t, tails[0])
			s.signal(t, syscall.SIGCONT)
		} else {
			s.kill()
			p.GoOn(t, tails[0])
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("goes on after %v", time.Since(began))
	}
	p.GoOn(t, tails[0])
	p.End()
	for _, tail := range tails {
		p.Check(t, tail, true)
	}
}
