package natslog_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/natslog"
)

const serverVersion = "v2.15.2"

// program returns the server, which is built once and kept beside Go's own cache. It is no
// dependency of this module: it is another process's program.
var program = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "streamgauge", "nats-server-"+serverVersion)
	path := filepath.Join(folder, "nats-server")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	build := exec.Command("go", "install", "github.com/nats-io/nats-server/v2@"+serverVersion)
	build.Env = append(os.Environ(), "GOBIN="+folder, "GOFLAGS=", "CGO_ENABLED=0")
	build.Dir = os.TempDir()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nats-server: %w\n%s", err, out)
	}
	return path, nil
})

// server is a NATS that the tests start themselves.
type server struct {
	addr   string
	dir    string
	config string // more of its configuration
	limits string // more of JetStream's
	cmd    *exec.Cmd
	out    bytes.Buffer
}

// shared is one for all tests that leave it as it is; each has a log of its own name.
var shared = sync.OnceValues(func() (*server, error) {
	dir, err := os.MkdirTemp("", "natslog")
	if err != nil {
		return nil, err
	}
	return launch(dir, "")
})

var sharedUsed bool

func TestMain(m *testing.M) {
	natslog.Hurry()
	code := m.Run()
	if sharedUsed {
		if s, err := shared(); err == nil {
			s.kill()
			os.RemoveAll(s.dir)
		}
	}
	os.Exit(code)
}

// natsServer returns the shared server. Where there is no nats-server the test is left out,
// unless it is required.
func natsServer(tb testing.TB) *server {
	tb.Helper()
	need(tb)
	sharedUsed = true
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func need(tb testing.TB) {
	tb.Helper()
	if _, err := program(); err != nil {
		if strings.Contains(","+os.Getenv("STREAMGAUGE_REQUIRE")+",", ",nats,") {
			tb.Fatalf("nats is required: %v", err)
		}
		tb.Skipf("there is no nats-server: %v", err)
	}
}

// ownServer starts a server for one test.
func ownServer(tb testing.TB, config string) *server {
	tb.Helper()
	need(tb)
	s, err := launch(tb.TempDir(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.kill)
	return s
}

func launch(dir, config string) (*server, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{addr: addr, dir: dir, config: config}
	return s, s.start()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start starts it at its address and waits until it answers.
func (s *server) start() error {
	path, err := program()
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "nats.conf")
	text := fmt.Sprintf("listen: %q\nserver_name: %q\nmax_payload: 2MB\njetstream { store_dir: %q, %s }\n%s",
		s.addr, s.addr, filepath.Join(s.dir, "js"), s.limits, s.config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	s.cmd = exec.Command(path, "-c", file)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 1000 {
		if c, err := net.DialTimeout("tcp", s.addr, time.Second); err == nil {
			c.Close()
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
	s.kill()
	return fmt.Errorf("nats-server did not answer: %s", s.out.String())
}

func (s *server) signal(tb testing.TB, what syscall.Signal) {
	tb.Helper()
	if err := s.cmd.Process.Signal(what); err != nil {
		tb.Fatal(err)
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// connect returns a connection that is not a log's.
func (s *server) connect(tb testing.TB) *nats.Conn {
	tb.Helper()
	c, err := nats.Connect("nats://" + s.addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// stream returns a JetStream stream.
func (s *server) stream(tb testing.TB, name string) jetstream.Stream {
	tb.Helper()
	js, err := jetstream.New(s.connect(tb))
	if err != nil {
		tb.Fatal(err)
	}
	stream, err := js.Stream(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	return stream
}

// url is the address of a log on the server.
func (s *server) url(name string) string { return "nats://" + s.addr + "?log=" + name }
