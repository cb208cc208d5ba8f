//go:build linux

package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	if address := os.Getenv(attackVariable); address != "" {
		attack(address, os.Getenv(attackVariable+"_BY"), os.Getenv(attackVariable+"_PACED") != "")
		return
	}
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "streamgauge-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "streamgauge")
	build := exec.Command("go", "build", "-o", binary, "../cmd/streamgauge")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: build the program: %v\n%s", err, out)
		return 1
	}
	var files syscall.Rlimit // connections are files, thousands of them
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		files.Cur = files.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
	}
	// The tests wait for timeouts and silences more than they compute.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("6")
	}
	if !inFull() {
		fmt.Println("e2e: the full forms are left out; STREAMGAUGE_E2E=1 runs them")
	}
	return m.Run()
}

func inFull() bool { return os.Getenv("STREAMGAUGE_E2E") == "1" }

// sized runs a test with its short or its full measure, and says which was left
// out.
func sized[M any](t *testing.T, short, full M, test func(*testing.T, M)) {
	t.Run("short", func(t *testing.T) {
		if inFull() {
			t.Skip("the full form runs in place of the short one")
		}
		test(t, short)
	})
	t.Run("full", func(t *testing.T) {
		if !inFull() {
			t.Skip("left out because it takes long; STREAMGAUGE_E2E=1 runs it")
		}
		began := time.Now()
		defer func() { t.Logf("took %.1f s", time.Since(began).Seconds()) }()
		test(t, full)
	})
}

// required reports whether STREAMGAUGE_REQUIRE names the tool.
func required(tool string) bool {
	return slices.Contains(strings.Split(os.Getenv("STREAMGAUGE_REQUIRE"), ","), tool)
}

// seed returns the seed of a test's random choices.
func seed(t *testing.T) uint64 {
	n := rand.Uint64()
	if text := os.Getenv("STREAMGAUGE_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("STREAMGAUGE_SEED: %v", err)
		}
	}
	t.Logf("STREAMGAUGE_SEED=%d", n)
	return n
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v in vain until %s", within, what)
		}
	}
}
