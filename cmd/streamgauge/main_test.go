package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Scripts run the real program: this test's binary is it when it is called
// streamgauge.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"streamgauge": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("STREAMGAUGE_ADMIN", "127.0.0.1:0")
			env.Setenv("STREAMGAUGE_SOURCES", "{}")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   serve,
			"stop":    stop,
			"waitfor": waitFor,
			"start":   start,
			"say":     say,
			"finish":  finish,

			"exitcode":  exitCodeIs,
			"tokenfrom": tokenFrom,
			"revoke":    revoke,
		},
	})
}

// servers are the running servers by their script's folder. Scripts run at the
// same time.
var servers sync.Map

type process struct {
	cmd    *exec.Cmd
	stderr *os.File
}

var address = regexp.MustCompile(`http://\S+`)

// tokenFrom makes a file's content the token that is shown from now on; without a file it is
// none.
//
//	tokenfrom [FILE]
func tokenFrom(ts *testscript.TestScript, _ bool, args []string) {
	token := ""
	if len(args) > 0 {
		token = strings.TrimSpace(ts.ReadFile(args[0]))
	}
	ts.Setenv("STREAMGAUGE_TOKEN", token)
}

// revoke ends the token of a name, as the administrator of the data folder.
//
//	revoke NAME
func revoke(ts *testscript.TestScript, _ bool, args []string) {
	before := ts.Getenv("STREAMGAUGE_TOKEN")
	ts.Setenv("STREAMGAUGE_TOKEN", "")
	ts.Check(ts.Exec("streamgauge", "token", "list", "--data", "data"))
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == args[0] {
			ts.Check(ts.Exec("streamgauge", "token", "revoke", f[0], "--data", "data"))
		}
	}
	ts.Setenv("STREAMGAUGE_TOKEN", before)
}

// serve starts a server and waits until it says where it is. Scripts find its
// address in $STREAMGAUGE_SERVER and its port in $ADDR; a server that is started
// again by the same script gets the same port. Flags follow.
//
//	serve [FLAG...]
func serve(ts *testscript.TestScript, _ bool, args []string) {
	listen := ts.Getenv("ADDR")
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	path, err := exec.LookPath("streamgauge")
	ts.Check(err)
	p := &process{cmd: exec.Command(path, append([]string{"serve", "--listen", listen}, args...)...)}
	p.cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"HOME", "PATH", "STREAMGAUGE_ADMIN", "STREAMGAUGE_SOURCES"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	p.stderr, err = os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	p.cmd.Stderr = p.stderr
	ts.Check(p.cmd.Start())
	servers.Store(ts.Getenv("WORK"), p)
	ts.Defer(func() { _ = p.end(os.Kill) })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		text, _ := os.ReadFile(ts.MkAbs("server.log"))
		ts.Fatalf("the server did not start: %v\n%s", err, text)
	}
	url := address.FindString(line)
	ts.Setenv("STREAMGAUGE_SERVER", url)
	ts.Setenv("ADDR", strings.TrimPrefix(url, "http://"))
}

// stop ends the server with a signal, TERM or KILL, and waits for its end. With
// TERM it must end well.
//
//	stop [TERM|KILL]
func stop(ts *testscript.TestScript, _ bool, args []string) {
	found, ok := servers.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("there is no server")
	}
	p := found.(*process)
	if len(args) == 1 && args[0] == "KILL" {
		_ = p.end(os.Kill)
		return
	}
	ts.Check(p.end(syscall.SIGTERM))
}

func (p *process) end(sig os.Signal) error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	_ = p.cmd.Process.Signal(sig)
	_ = p.stderr.Close()
	return p.cmd.Wait()
}

// start runs the program in the background, with its output in files.
//
//	start NAME ARG...
//
// The standard input is what NAME.in says, the output is NAME.out and NAME.err.
func start(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath("streamgauge")
	ts.Check(err)
	name := args[0]
	cmd := exec.Command(path, args[1:]...)
	cmd.Env = append(os.Environ(), "STREAMGAUGE_SERVER="+ts.Getenv("STREAMGAUGE_SERVER"))
	stdin, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	errout, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	cmd.Stdout, cmd.Stderr = out, errout
	ts.Check(cmd.Start())
	b := &background{cmd, stdin}
	backgrounds.Store(ts.Getenv("WORK")+name, b)
	ts.Defer(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		_ = out.Close()
		_ = errout.Close()
	})
}

type background struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

var backgrounds sync.Map

// say writes lines to the standard input of what start started.
//
//	say NAME LINE...
func say(ts *testscript.TestScript, _ bool, args []string) {
	for _, line := range args[1:] {
		_, err := fmt.Fprintln(started(ts, args[0]).stdin, line)
		ts.Check(err)
	}
}

// finish closes the standard input of what start started, and waits for its end,
// which must be a good one.
//
//	finish NAME
func finish(ts *testscript.TestScript, _ bool, args []string) {
	b := started(ts, args[0])
	_ = b.stdin.Close()
	ts.Check(b.cmd.Wait())
}

func started(ts *testscript.TestScript, name string) *background {
	b, ok := backgrounds.Load(ts.Getenv("WORK") + name)
	if !ok {
		ts.Fatalf("nothing is called %s", name)
	}
	return b.(*background)
}

// waitFor waits until the file has the words.
//
//	waitfor FILE WORDS
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(20 * time.Second)
	for {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		if strings.Contains(string(text), args[1]) {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			ts.Fatalf("%s has no %q:\n%s", args[0], args[1], text)
		}
	}
}

// exitCodeIs runs a command that must end with the exit code.
//
//	exitcode CODE PROGRAM ARG...
func exitCodeIs(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || fmt.Sprint(exit.ExitCode()) != args[0] {
		ts.Fatalf("got %v, want exit code %s", err, args[0])
	}
}
