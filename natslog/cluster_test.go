package natslog_test

import (
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/natslog"
)

// leader returns the server that leads a stream, once all others have what it has.
func leader(t *testing.T, cluster natstest.Cluster, stream string) (s *natstest.Server) {
	t.Helper()
	eventually(t, time.Minute, "all servers are up to date", func() bool {
		s = cluster.Leader(stream)
		return s != nil
	})
	return s
}

// TestAClusterWhoseLeaderIsKilledLosesNothing takes a minute or more.
func TestAClusterWhoseLeaderIsKilledLosesNothing(t *testing.T) {
	if os.Getenv("STREAMGAUGE_E2E") != "1" {
		t.Skip("left out because it takes long; STREAMGAUGE_E2E=1 runs it, STREAMGAUGE_KILLS=20 for as many kills")
	}
	kills := 5
	if text := os.Getenv("STREAMGAUGE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("STREAMGAUGE_KILLS: %v", err)
		}
	}
	for name, settings := range syncs {
		t.Run(name, func(t *testing.T) { killLeaders(t, kills, settings) })
	}
}

// syncs is when servers sync what they have acknowledged.
var syncs = map[string]string{"by default": "", "always": "sync_interval: always"}

func killLeaders(t *testing.T, kills int, settings string) {
	cluster := natstest.NewCluster(t)
	for _, s := range cluster {
		s.JetStream = settings
	}
	cluster.Run()
	logs := openBoth(t, cluster.URL("x"))
	if r := add(t, logs[0], event("a", 1)); r.Level != streamgauge.LevelReplicated {
		t.Errorf("level %s", r.Level)
	}
	tails := []*tailtest.Follower{follow(t, logs[0], streamgauge.Position{}), follow(t, logs[1], streamgauge.Position{})}
	p := tailtest.Publish(t, logs...)
	for i := range kills {
		p.GoOn(t, tails[0])
		s := leader(t, cluster, "x")
		if i%5 == 2 { // it hangs
			s.Signal(syscall.SIGSTOP)
			p.GoOn(t, tails[0])
			s.Signal(syscall.SIGCONT)
		} else {
			s.Kill()
			p.GoOn(t, tails[0])
			s.Run()
		}
	}
	p.GoOn(t, tails[0])
	p.End()
	for _, tail := range tails {
		p.Check(t, tail, true)
	}
}

// openBoth opens a log twice once the cluster takes it.
func openBoth(t *testing.T, address string) (logs []*natslog.Log) {
	t.Helper()
	eventually(t, time.Minute, "the cluster takes a log", func() bool {
		log, err := natslog.Open(t.Context(), address, &natslog.Options{Rules: keepAll(t)})
		if err != nil {
			return false
		}
		t.Cleanup(func() { log.Close() })
		logs = append(logs, log)
		return len(logs) == 2
	})
	return logs
}

func keepAll(t *testing.T) streamgauge.Rules {
	t.Helper()
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10_000_000}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}
