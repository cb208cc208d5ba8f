//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

// A server is the program, run as a process that can be stopped, killed and
// started again on the same ports and data.
type server struct {
	t          *testing.T
	dir        string // it is run here; the data is in "data"
	api, admin string // host:port

	command []string
	env     []string // beside what environment returns
	process *exec.Cmd
	exited  chan struct{} // closed when the process has ended
	output  output        // of all runs
}

// newServer returns a server that is not started, with the settings, in YAML,
// beside the addresses and the data directory. Unless they say otherwise
// it has no sources, so that the test is its only publisher.
func newServer(t *testing.T, settings string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), api: testenv.FreeAddress(t), admin: testenv.FreeAddress(t)}
	config := fmt.Sprintf("listen: %s\nadmin: %s\ndata: ./data\n%s\n", s.api, s.admin, settings)
	if !strings.Contains(settings, "sources:") {
		config += "sources: {}\n"
	}
	path := filepath.Join(s.dir, "streamgauge.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.command = []string{binary, "--config", path}
	return s
}

// startServer returns a server that is ready.
func startServer(t *testing.T, settings string) *server {
	t.Helper()
	s := newServer(t, settings)
	s.start()
	return s
}

// start starts the process and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	s.launch()
	eventually(s.t, 20*time.Second, "the server is ready", func() bool {
		select {
		case <-s.exited:
			s.t.Fatalf("the server ended with %v:\n%s", s.process.ProcessState, s.output.tail())
		default:
		}
		resp, err := adminClient.Get("http://" + s.admin + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// launch starts the process.
func (s *server) launch() {
	s.t.Helper()
	p := exec.Command(s.command[0], s.command[1:]...)
	p.Dir, p.Stdout, p.Stderr, p.Env = s.dir, &s.output, &s.output, append(environment(), s.env...)
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { // ends with the process
		_ = p.Wait()
		close(exited)
	}()
	s.process, s.exited = p, exited
	s.t.Cleanup(func() {
		_ = p.Process.Kill()
		<-exited
		if s.t.Failed() && p == s.process {
			s.t.Logf("the server's output ends with:\n%s", s.output.tail())
		}
	})
}

// environment is this process's without what would be a setting of the server,
// or is taken for one, as STREAMGAUGE_E2E is.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(one string) bool { return strings.HasPrefix(one, "STREAMGAUGE_") })
}

// kill ends the process with SIGKILL.
func (s *server) kill() {
	_ = s.process.Process.Kill()
	<-s.exited
}

// stop ends the process with SIGTERM and returns its exit code.
func (s *server) stop() int {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the server did not end within 20 s of SIGTERM")
	}
	return s.process.ProcessState.ExitCode()
}

// adminClient leaves no connection behind that could be counted.
var adminClient = &http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

func (s *server) adminText(path string) string {
	s.t.Helper()
	resp, err := adminClient.Get("http://" + s.admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return string(text)
}

// metric returns one of the server's own figures.
func (s *server) metric(name string) int {
	s.t.Helper()
	return s.figure(s.adminText("/metrics"), "\nstreamgauge_"+name+" ")
}

// figure returns the number after the prefix.
func (s *server) figure(text, prefix string) int {
	s.t.Helper()
	_, rest, ok := strings.Cut(text, prefix)
	end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
	if !ok || end <= 0 {
		s.t.Fatalf("no figure after %q", prefix)
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// goroutines returns how many goroutines the server has.
func (s *server) goroutines() int {
	s.t.Helper()
	return s.figure(s.adminText("/debug/pprof/goroutine?debug=1"), "goroutine profile: total ")
}

// userMemory returns the bytes that are in use on the server's heap and stacks,
// after a garbage collection.
func (s *server) userMemory() int {
	s.t.Helper()
	profile := s.adminText("/debug/pprof/heap?gc=1&debug=1")
	return s.figure(profile, "\n# HeapAlloc = ") + s.figure(profile, "\n# Stack = ")
}

// files returns how many files, connections included, the process has open.
func (s *server) files() int {
	s.t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

// output keeps the end of what a process prints.
type output struct {
	mu   sync.Mutex // protects following
	text []byte
}

const keptOutput = 64 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if extra := len(o.text) - keptOutput; extra > 0 {
		o.text = append(o.text[:0], o.text[extra:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// tail returns the last lines.
func (o *output) tail() string {
	const lines = 20
	all := bytes.SplitAfter([]byte(o.String()), []byte("\n"))
	return string(bytes.Join(all[max(len(all)-lines, 0):], nil))
}
