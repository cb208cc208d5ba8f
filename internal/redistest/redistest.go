// Package redistest starts Redis servers for tests.
package redistest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

// Server is a Redis in a process of its own, with a folder of its own.
type Server struct {
	Addr    string // host:port
	Process *os.Process

	tb   testing.TB
	dir  string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// Start starts a server with these arguments, until the test ends. Where there is no
// redis-server the test is skipped, unless STREAMGAUGE_REQUIRE names redis.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if slices.Contains(strings.Split(os.Getenv("STREAMGAUGE_REQUIRE"), ","), "redis") {
			tb.Fatalf("redis is required: %v", err)
		}
		tb.Skip("left out: there is no redis-server; Debian's package redis-server has it")
	}
	s := &Server{Addr: testenv.FreeAddress(tb), tb: tb, dir: tb.TempDir(), args: args}
	s.Run()
	tb.Cleanup(s.Kill)
	return s
}

// Run starts it, again after Kill, at its address and in its folder, and waits until it
// answers.
func (s *Server) Run() {
	s.tb.Helper()
	host, port, _ := net.SplitHostPort(s.Addr)
	s.cmd = exec.Command("redis-server", append([]string{"--bind", host, "--port", port, "--dir", s.dir}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.Process = s.cmd.Process
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		if _, err := s.ask("PING"); err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.Kill()
			s.tb.Fatalf("redis-server does not answer:\n%s", s.out.String())
		}
	}
}

// Kill ends it as a power cut would, as far as the process is concerned.
func (s *Server) Kill() {
	_ = s.Process.Signal(syscall.SIGCONT)
	_ = s.Process.Kill()
	_ = s.cmd.Wait()
}

// Do sends it a command.
func (s *Server) Do(command ...string) {
	s.tb.Helper()
	if _, err := s.ask(command...); err != nil {
		s.tb.Fatal(err)
	}
}

// Ask sends it a command and returns the answer, if there is one, as text.
func (s *Server) Ask(command ...string) string {
	answer, err := s.ask(command...)
	if err != nil {
		return ""
	}
	return answer.String()
}

func (s *Server) ask(command ...string) (rueidis.RedisMessage, error) {
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		return rueidis.RedisMessage{}, err
	}
	defer c.Close()
	return c.Do(context.Background(), c.B().Arbitrary(command...).Build()).ToMessage()
}

// URL is the address of the log of this name.
func (s *Server) URL(log string) string { return fmt.Sprintf("redis://%s/?log=%s", s.Addr, log) }
