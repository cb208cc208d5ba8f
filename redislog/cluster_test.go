package redislog_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/redislog"
)

// In a Cluster a log is on one shard, whichever node an instance asks first.
func TestAClusterHoldsALogOnOneShard(t *testing.T) {
	t.Parallel()
	var addrs []string
	for range 3 {
		addrs = append(addrs, redistest.Start(t, "--save", "", "--cluster-enabled", "yes").Addr)
	}
	create := exec.CommandContext(t.Context(), "redis-cli", append([]string{"--cluster-yes", "--cluster", "create"}, addrs...)...)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("make a cluster: %v\n%s", err, out)
	}
	var logs []*redislog.Log
	for i, name := range []string{"one", "one", "another"} {
		address := "redis://" + addrs[i] + "?addr=" + addrs[(i+1)%3] + "&log=" + name
		eventually(t, 20*time.Second, "the cluster is ready", func() bool {
			log, err := redislog.Open(t.Context(), address, nil)
			if err != nil {
				return false
			}
			t.Cleanup(func() { log.Close() })
			logs = append(logs, log)
			return true
		})
	}
	tail := follow(t, logs[1], streamgauge.Position{})
	for i := range 20 {
		add(t, logs[i%2], event("a", i), event("b", i))
	}
	add(t, logs[2], event("a", 99))
	eventually(t, 10*time.Second, "it has all", func() bool { return len(tail.Events()) == 40 })
	for i, e := range tail.Events() {
		if e.ID.Seq != uint64(i+1) {
			t.Fatalf("event %d has the number %d", i, e.ID.Seq)
		}
	}
	fresh := open(t, "redis://"+strings.Join(addrs[:2], "?addr=")+"&log=one", redislog.Options{})
	page, err := fresh.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
	if err != nil || len(page.Events) != 40 {
		t.Errorf("another instance reads %d events, %v", len(page.Events), err)
	}
	for _, log := range logs {
		eventually(t, 10*time.Second, "messages come round", func() bool { return log.Ready() == nil })
	}
}
