package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// A server is what is measured: a command, and how one talks to it.
type server struct {
	name    string
	command *bench.Command
	ours    bool
	// webSocket is whether subscribers read over WebSocket.
	webSocket bool
}

const (
	peers       = "bench/peers"
	nchanModule = "/usr/lib/nginx/modules/ngx_nchan_module.so"
)

// The names of servers that figures are compared with.
const (
	plainName     = "plain net/http"
	nothingName   = "a handler that does nothing"
	nodeName      = "Node http"
	nextName      = "Next.js route handler"
	nchanName     = "nginx with nchan"
	webSocketName = "Go WebSocket (gorilla)"
)

// servers are all that can be started here.
type servers struct {
	ours, goroutines, plain, nothing *server
	others                           []*server // peers
	missing                          []string  // why some are not here
}

// prepare builds what is built from this checkout into a folder, and looks for the rest.
func prepare(ctx context.Context, folder, program string) (*servers, error) {
	build := func(name, dir string) (string, error) {
		into := filepath.Join(folder, name)
		return into, bench.Build(ctx, dir, into)
	}
	baseline, err := build("baseline", "bench/baseline")
	if err != nil {
		return nil, err
	}
	if program == "" {
		if program, err = build("streamgauge", "cmd/streamgauge"); err != nil {
			return nil, err
		}
	}
	with := func(path string, before ...string) *bench.Command {
		return &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) { return append(before, addr), nil }}
	}
	ours := bench.Streamgauge(program, "os", 0)
	s := &servers{
		ours:       &server{name: "Streamgauge", command: ours, ours: true},
		goroutines: &server{name: "Streamgauge, transport: goroutine", command: withLine(ours, "transport: goroutine"), ours: true},
		plain:      &server{name: plainName, command: with(baseline, "-listen")},
		nothing:    &server{name: nothingName, command: with(baseline, "-nothing", "-listen")},
	}
	if _, err := os.Stat(nchanModule); err != nil {
		s.missing = append(s.missing, nchanName+": Debian has it as libnginx-mod-nchan")
	} else if path, err := lookNginx(); err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s: %v", nchanName, err))
	} else {
		s.others = append(s.others, &server{name: nchanName, command: &bench.Command{Path: path, Args: nchanArgs}})
	}
	s.node()
	if path, err := build("websocket", peers+"/websocket"); err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s: %v", webSocketName, err))
	} else {
		s.others = append(s.others, &server{name: webSocketName, command: with(path, "-listen"), webSocket: true})
	}
	return s, nil
}

// node adds what runs on Node.
func (s *servers) node() {
	path, err := exec.LookPath("node")
	if err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s, %s: %v", nodeName, nextName, err))
		return
	}
	script := peers + "/node.mjs"
	s.others = append(s.others, &server{name: nodeName, command: &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) {
		return []string{script, addr}, nil
	}}})
	app, next := peers+"/next", peers+"/next/node_modules/next/dist/bin/next"
	if _, err := os.Stat(app + "/.next/BUILD_ID"); err != nil {
		s.missing = append(s.missing, nextName+": run 'npm ci && npm run build' in "+app)
		return
	}
	s.others = append(s.others, &server{name: nextName, command: &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) {
		host, port, err := net.SplitHostPort(addr)
		return []string{next, "start", app, "-H", host, "-p", port}, err
	}}})
}

// lookNginx finds nginx, which Debian keeps from everybody's path.
func lookNginx() (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/nginx")
}

func nchanArgs(addr, folder string) ([]string, error) {
	text, err := os.ReadFile(peers + "/nchan.conf")
	if err != nil {
		return nil, fmt.Errorf("nchan: %w", err)
	}
	text = bytes.ReplaceAll(text, []byte("ADDRESS"), []byte(addr))
	text = bytes.ReplaceAll(text, []byte("FOLDER"), []byte(folder))
	file := filepath.Join(folder, "nginx.conf")
	return []string{"-c", file}, os.WriteFile(file, text, 0o600)
}

// withLine returns the command with a line more in its configuration.
func withLine(c *bench.Command, line string) *bench.Command {
	return &bench.Command{Path: c.Path, Args: func(addr, folder string) ([]string, error) {
		args, err := c.Args(addr, folder)
		if err != nil {
			return nil, err
		}
		file, err := os.OpenFile(args[len(args)-1], os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		_, err = fmt.Fprintln(file, line)
		return args, err
	}}
}
