package redislog_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// server is a Redis that the tests start themselves.
type server struct {
	addr string
	dir  string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// shared is one for all tests that leave it as it is; each has a log of its own name.
var shared = sync.OnceValues(func() (*server, error) { return launch(os.MkdirTemp, "--save", "") })

func TestMain(m *testing.M) {
	code := m.Run()
	if s, err := shared(); err == nil {
		s.kill()
		os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// redisServer returns the shared server. Where there is no redis-server the test is left
// out, unless it is required.
func redisServer(tb testing.TB) *server {
	tb.Helper()
	need(tb)
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func need(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if strings.Contains(","+os.Getenv("STREAMGAUGE_REQUIRE")+",", ",redis,") {
			tb.Fatalf("redis is required: %v", err)
		}
		tb.Skip("there is no redis-server; Debian's package redis-server has it")
	}
}

// ownServer starts a server for one test.
func ownServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	need(tb)
	s, err := launch(func(string, string) (string, error) { return tb.TempDir(), nil }, args...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.kill)
	return s
}

func launch(dir func(string, string) (string, error), args ...string) (*server, error) {
	d, err := dir("", "redislog")
	if err != nil {
		return nil, err
	}
	s := &server{dir: d, args: args}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr = l.Addr().String()
	l.Close()
	return s, s.start()
}

// start starts it at its address and waits until it answers.
func (s *server) start() error {
	_, port, _ := net.SplitHostPort(s.addr)
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--enable-debug-command", "yes"}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 500 {
		c, err := s.client()
		if err == nil {
			err = c.Do(context.Background(), c.B().Ping().Build()).Error()
			c.Close()
			if err == nil {
				return nil
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	s.kill()
	return fmt.Errorf("redis-server did not answer: %s", s.out.String())
}

func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) client() (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, DisableCache: true, ForceSingleClient: true})
}

// url is the address of a log on the server.
func (s *server) url(name string) string { return "redis://" + s.addr + "/?log=" + name }
