package filelog_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filelog"
)

// crashVariable makes the test binary the process that is killed: it holds the
// data directory and the level.
const crashVariable = "STREAMGAUGE_FILELOG_CRASH"

func TestMain(m *testing.M) {
	if setting := os.Getenv(crashVariable); setting != "" {
		dir, level, _ := strings.Cut(setting, "|")
		fmt.Fprintln(os.Stderr, appendUntilKilled(dir, streamgauge.Level(level)))
		os.Exit(1)
	}
	code := m.Run()
	if left := goroutinesOfLogs(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines of logs are left behind:\n%s", left)
		code = 1
	}
	os.Exit(code)
}

// goroutinesOfLogs returns the stacks of goroutines that run a log's methods.
func goroutinesOfLogs() string {
	buf := make([]byte, 1<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "filelog.(*Log)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func crashOptions(level streamgauge.Level) *filelog.Options {
	return &filelog.Options{
		Rules:        streamgauge.Rules{{Match: "ring.>", Keep: streamgauge.Keep{Events: 50}}, {Match: ">", Keep: streamgauge.Keep{Events: 1 << 20}}},
		Level:        level,
		SegmentBytes: 40_000, // so that it is killed while it rolls and compacts too
	}
}

// appendUntilKilled appends numbered events from several goroutines and prints
// each position once it is acknowledged.
func appendUntilKilled(dir string, level streamgauge.Level) error {
	log, err := filelog.Open(dir, crashOptions(level))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for a := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				stream := []string{"keep.all", "ring.a"}[i%2]
				events := make([]streamgauge.Event, 1+i%3)
				for j := range events {
					events[j] = streamgauge.Event{Stream: stream, Data: fmt.Appendf(nil, `"%d-%d-%d"`, a, i, j)}
				}
				r, err := log.Append(context.Background(), streamgauge.Batch{Events: events, Key: fmt.Sprintf("%d-%d-%d", os.Getpid(), a, i)})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("%d %s %d %d-%d\n", r.Position.Seq, stream, r.Count, a, i)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return nil
}

// acked is what a killed process had printed.
type acked struct {
	first, last uint64
	stream      string
	name        string
}

func runAndKill(t *testing.T, dir string, level streamgauge.Level, after time.Duration) (all []acked) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashVariable+"="+dir+"|"+string(level))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var kill *time.Timer
	for lines.Scan() {
		if kill == nil { // it is up
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		f := strings.Fields(lines.Text())
		if len(f) != 4 {
			continue // cut by the kill
		}
		last, _ := strconv.ParseUint(f[0], 10, 64)
		count, _ := strconv.ParseUint(f[2], 10, 64)
		all = append(all, acked{last - count + 1, last, f[1], f[3]})
	}
	if err := cmd.Wait(); kill == nil || err == nil {
		t.Fatalf("the process ended by itself: %v", err)
	}
	return all
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	for level, kills := range map[streamgauge.Level]int{streamgauge.LevelOS: 20, streamgauge.LevelFsync: 5} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var all []acked
			for range kills {
				got := runAndKill(t, dir, level, rand.N(60*time.Millisecond))
				if len(all) > 0 && len(got) > 0 && got[0].first+200 <= all[len(all)-1].last {
					t.Fatalf("numbers went back from %d to %d", all[len(all)-1].last, got[0].first)
				}
				all = append(all, got...)
			}
			log, err := filelog.Open(dir, crashOptions(level))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			verifyAcked(t, log, all)
		})
	}
}

// verifyAcked checks that every acknowledged event is there with its number and
// its data or, in the ring, was trimmed and is counted as that.
func verifyAcked(t *testing.T, log *filelog.Log, all []acked) {
	t.Helper()
	stored := make(map[uint64]streamgauge.Event)
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := streamgauge.Query{Select: streamgauge.Selection{">"}, After: streamgauge.Position{Epoch: head.Epoch}}
	var ring int64
	for first := true; first || q.After != head; first = false {
		page, err := log.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Gaps {
			if first {
				ring += g.Lost
			}
			if g.Stream != "ring.a" || g.Reason != streamgauge.ReasonEvicted {
				t.Fatalf("gap %+v", g)
			}
		}
		for _, e := range page.Events {
			if e.ID.Seq <= q.After.Seq {
				t.Fatalf("%v is out of order after %v", e.ID, q.After)
			}
			stored[e.ID.Seq] = e
			q.After = e.ID
		}
		q.After = page.Next
	}
	if int64(len(stored))+ring != int64(head.Seq) {
		t.Errorf("%d events are kept and %d trimmed, but the head is %d", len(stored), ring, head.Seq)
	}
	missing := 0
	for _, a := range all {
		for seq := a.first; seq <= a.last; seq++ {
			e, ok := stored[seq]
			if !ok {
				missing++
				if a.stream != "ring.a" {
					t.Fatalf("event %d of %s was acknowledged and is lost", seq, a.stream)
				}
				continue
			}
			if want := fmt.Sprintf(`"%s-%d"`, a.name, seq-a.first); e.Stream != a.stream || string(e.Data) != want {
				t.Fatalf("event %d is %s %s, acknowledged was %s %s", seq, e.Stream, e.Data, a.stream, want)
			}
		}
	}
	t.Logf("%d acknowledged batches, %d of their events trimmed, head %d", len(all), missing, head.Seq)
}
