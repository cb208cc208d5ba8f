// Package natstest starts NATS servers for tests.
package natstest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

// Server is a NATS with JetStream in a process of its own, with a folder of its own.
type Server struct {
	Addr      string // host:port
	Dir       string // in which JetStream keeps its files
	Config    string // more of its configuration
	JetStream string // more of JetStream's
	Process   *os.Process

	tb      testing.TB
	program string
	file    string // with the configuration
	cmd     *exec.Cmd
	out     bytes.Buffer
}

// Start starts a server, until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := New(tb)
	s.Run()
	return s
}

// New returns a server that does not run yet. Where there is no nats-server the test is
// skipped, unless STREAMGAUGE_REQUIRE names nats.
func New(tb testing.TB) *Server {
	tb.Helper()
	path, err := program()
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("STREAMGAUGE_REQUIRE"), ","), "nats") {
			tb.Fatalf("nats is required: %v", err)
		}
		tb.Skipf("left out: there is no nats-server: %v", err)
	}
	dir := tb.TempDir()
	s := &Server{Addr: testenv.FreeAddress(tb), Dir: filepath.Join(dir, "js"), tb: tb, program: path, file: filepath.Join(dir, "nats.conf")}
	tb.Cleanup(func() {
		if s.Kill(); tb.Failed() {
			tb.Logf("the output of nats-server %s ends with:\n%s", s.Addr, s.out.Bytes()[max(0, s.out.Len()-4<<10):])
		}
	})
	return s
}

// Run starts it, again after Kill, at its address and in its folder, and waits until it
// answers.
func (s *Server) Run() {
	s.tb.Helper()
	text := fmt.Sprintf("listen: %q\nserver_name: %q\nmax_payload: 2MB\njetstream { store_dir: %q, %s }\n%s\n",
		s.Addr, s.Addr, s.Dir, s.JetStream, s.Config)
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	s.cmd = exec.Command(s.program, "-c", s.file)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.Process = s.cmd.Process
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		if c, err := net.DialTimeout("tcp", s.Addr, time.Second); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.Kill()
			s.tb.Fatalf("nats-server does not answer:\n%s", s.out.String())
		}
	}
}

// Kill ends it as a power cut would, as far as the process is concerned.
func (s *Server) Kill() {
	if s.Process == nil {
		return
	}
	_ = s.Process.Kill()
	_ = s.cmd.Wait()
}

// Signal sends it a signal.
func (s *Server) Signal(what os.Signal) {
	s.tb.Helper()
	if err := s.Process.Signal(what); err != nil {
		s.tb.Fatal(err)
	}
}

// Connect returns a connection that is not a log's, until the test ends.
func (s *Server) Connect() jetstream.JetStream {
	s.tb.Helper()
	c, js, err := s.connect()
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(c.Close)
	return js
}

func (s *Server) connect() (*nats.Conn, jetstream.JetStream, error) {
	c, err := nats.Connect("nats://" + s.Addr)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(c)
	return c, js, err
}

// Info returns what JetStream says of a stream.
func (s *Server) Info(stream string) (*jetstream.StreamInfo, error) {
	c, js, err := s.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	st, err := js.Stream(s.tb.Context(), stream)
	if err != nil {
		return nil, err
	}
	return st.CachedInfo(), nil
}

// URL is the address of the log of this name.
func (s *Server) URL(log string) string { return fmt.Sprintf("nats://%s/?log=%s", s.Addr, log) }
