package server_test

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
	"time"
)

// Nothing that a test starts may go on after it.
func TestMain(m *testing.M) {
	before := goroutines()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code) // fuzzing itself leaves one
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(5 * time.Second); code == 0 && goroutines() > before; <-ticker.C {
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "goroutines are left over:")
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
	}
	os.Exit(code)
}

func goroutines() int { return pprof.Lookup("goroutine").Count() }
