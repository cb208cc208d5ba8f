package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// A server is what is measured: a command, and how one talks to it.
type server struct {
	name    string
	command *bench.Command
	ours    bool
	dialect *bench.Dialect // nil is that of ours
	// webSocket is whether subscribers read over WebSocket.
	webSocket bool
}

const (
	peers       = "bench/peers"
	nchanModule = "/usr/lib/nginx/modules/ngx_nchan_module.so"
)

// The names of servers that figures are compared with.
const (
	plainName      = "plain net/http"
	nothingName    = "a handler that does nothing"
	nodeName       = "Node http"
	nextName       = "Next.js route handler"
	nchanName      = "nginx with nchan"
	mercureName    = "Mercure (bolt)"
	centrifugoName = "Centrifugo (uni_sse)"
	webSocketName  = "Go WebSocket (gorilla)"
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
		plain:      peer(plainName, with(baseline, "-listen")),
		nothing:    peer(nothingName, with(baseline, "-nothing", "-listen")),
	}
	if _, err := os.Stat(nchanModule); err != nil {
		s.missing = append(s.missing, nchanName+": Debian has it as libnginx-mod-nchan")
	} else if path, err := lookNginx(); err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s: %v", nchanName, err))
	} else {
		s.others = append(s.others, peer(nchanName, &bench.Command{Path: path, Args: nchanArgs}))
	}
	if err := s.hubs(); err != nil {
		return nil, err
	}
	s.node()
	if path, err := build("websocket", peers+"/websocket"); err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s: %v", webSocketName, err))
	} else {
		fanOut := peer(webSocketName, with(path, "-listen"))
		fanOut.webSocket = true
		s.others = append(s.others, fanOut)
	}
	return s, nil
}

// peer is a server that has the URLs of ours.
func peer(name string, command *bench.Command) *server {
	return &server{name: name, command: command, dialect: new(bench.Dialect)}
}

// hubs adds the hubs of which there is a binary on the path.
func (s *servers) hubs() error {
	if path, err := exec.LookPath("mercure"); err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s: %v", mercureName, err))
	} else {
		key := rand.Text() + rand.Text() // HS256 wants 32 bytes
		token, err := mercureToken(key)
		if err != nil {
			return err
		}
		args := func(addr, folder string) ([]string, error) {
			file, err := fill("mercure.Caddyfile", folder, "ADDRESS", addr, "FOLDER", folder, "KEY", key)
			return []string{"run", "--adapter", "caddyfile", "--config", file}, err
		}
		s.others = append(s.others, &server{name: mercureName, command: &bench.Command{Path: path, Args: args}, dialect: bench.Mercure(token)})
	}
	if path, err := exec.LookPath("centrifugo"); err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s: %v", centrifugoName, err))
	} else {
		args := func(addr, folder string) ([]string, error) {
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			file, err := fill("centrifugo.json", folder, "HOST", host, `"PORT"`, port)
			return []string{"--config", file}, err
		}
		s.others = append(s.others, &server{name: centrifugoName, command: &bench.Command{Path: path, Args: args}, dialect: bench.Centrifugo()})
	}
	return nil
}

// mercureToken lets its bearer publish anything at a Mercure hub with the key.
func mercureToken(key string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(key)}, nil)
	if err != nil {
		return "", fmt.Errorf("sign Mercure's token: %w", err)
	}
	signed, err := signer.Sign([]byte(`{"mercure":{"publish":["*"]}}`))
	if err != nil {
		return "", fmt.Errorf("sign Mercure's token: %w", err)
	}
	return signed.CompactSerialize()
}

// fill copies a configuration of a peer into the folder, with what takes the places of names in it,
// and returns its path.
func fill(name, folder string, places ...string) (string, error) {
	text, err := os.ReadFile(filepath.Join(peers, name))
	if err != nil {
		return "", fmt.Errorf("configure a peer: %w", err)
	}
	file := filepath.Join(folder, name)
	return file, os.WriteFile(file, []byte(strings.NewReplacer(places...).Replace(string(text))), 0o600)
}

// node adds what runs on Node.
func (s *servers) node() {
	path, err := exec.LookPath("node")
	if err != nil {
		s.missing = append(s.missing, fmt.Sprintf("%s, %s: %v", nodeName, nextName, err))
		return
	}
	script := peers + "/node.mjs"
	s.others = append(s.others, peer(nodeName, &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) {
		return []string{script, addr}, nil
	}}))
	app, next := peers+"/next", peers+"/next/node_modules/next/dist/bin/next"
	if _, err := os.Stat(app + "/.next/BUILD_ID"); err != nil {
		s.missing = append(s.missing, nextName+": run 'npm ci && npm run build' in "+app)
		return
	}
	s.others = append(s.others, peer(nextName, &bench.Command{Path: path, Args: func(addr, _ string) ([]string, error) {
		host, port, err := net.SplitHostPort(addr)
		return []string{next, "start", app, "-H", host, "-p", port}, err
	}}))
}

// lookNginx finds nginx, which Debian keeps from everybody's path.
func lookNginx() (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/nginx")
}

func nchanArgs(addr, folder string) ([]string, error) {
	file, err := fill("nchan.conf", folder, "ADDRESS", addr, "FOLDER", folder)
	return []string{"-c", file}, err
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
