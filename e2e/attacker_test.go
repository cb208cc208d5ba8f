//go:build linux

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// attacker keeps its connections open until the attack is over. It is a process of its own,
// and gives way to everybody else on the machine, as if it were on another one.
type attacker struct {
	address string
	limit   *rate.Limiter // nil is as fast as it can

	mu    sync.Mutex // protects following
	conns []net.Conn
	tasks sync.WaitGroup // of what reads from connections until they are closed
}

// attackVariable is whom an attacker's process attacks; attackVariable+"_BY" is the name of the
// attack, or empty for all of them in their short form at the same time; attackVariable+"_PACED"
// is empty for as fast as it can.
const attackVariable = "STREAMGAUGE_E2E_ATTACK"

const attackDone = "done"

// attackWith returns when an attack has done its worst. Its connections stay open until end
// is called.
func attackWith(t *testing.T, address, name string, paced bool) (end func()) {
	t.Helper()
	p := exec.Command("nice", "-n", "19", os.Args[0])
	p.Env = append(environment(), attackVariable+"="+address, attackVariable+"_BY="+name)
	if paced {
		p.Env = append(p.Env, attackVariable+"_PACED=1")
	}
	p.Stderr = os.Stderr
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	done := false
	for lines := bufio.NewScanner(stdout); !done && lines.Scan(); {
		if done = lines.Text() == attackDone; !done {
			t.Error(lines.Text())
		}
	}
	if !done {
		t.Error("the attacker's process ended")
	}
	return func() {
		_ = stdin.Close()
		if err := p.Wait(); err != nil {
			t.Errorf("the attacker's process: %v", err)
		}
	}
}

// attackTime is how long a paced attack takes.
const attackTime = 5 * time.Second

// attack is what an attacker's process does. Each line that it prints until it is done says
// what was wrong.
func attack(address, name string, paced bool) {
	a := &attacker{address: address}
	var all sync.WaitGroup
	for _, one := range attacks {
		switch name {
		case "":
			all.Go(func() { one.try(a, one.short) })
		case one.name:
			if paced {
				a.limit = rate.NewLimiter(rate.Limit(one.pace), 1)
				one.full = one.pace * int(attackTime/time.Second)
			}
			all.Go(func() { one.try(a, one.full) })
		}
	}
	all.Wait()
	fmt.Println(attackDone)
	_, _ = io.Copy(io.Discard, os.Stdin)
	a.end()
}

// wrong says that the server has not done what it should.
func (a *attacker) wrong(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

// pace waits until n more may be done, and reports whether there is a pace.
func (a *attacker) pace(n int) bool {
	return a.limit != nil && a.limit.WaitN(context.Background(), n) == nil
}

// open connects. The kernel takes little for the connection if it is not going to
// be read.
func (a *attacker) open(reads bool) net.Conn {
	dialer := net.Dialer{Timeout: 20 * time.Second}
	if !reads {
		dialer.Control = smallBuffers
	}
	conn, err := dialer.Dial("tcp", a.address)
	if err != nil {
		a.wrong("an attacker can't connect: %v", err)
		return closed{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns = append(a.conns, conn)
	return conn
}

// closed takes the place of a connection that there is not.
type closed struct{ net.Conn }

func (closed) Read([]byte) (int, error)  { return 0, net.ErrClosed }
func (closed) Write([]byte) (int, error) { return 0, net.ErrClosed }

// many does something n times, at most 64 at the same time.
func (a *attacker) many(n int, one func(i int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, 64)
	for i := range n {
		slots <- struct{}{}
		a.pace(1)
		all.Go(func() {
			one(i)
			<-slots
		})
	}
	all.Wait()
}

func (a *attacker) end() {
	for _, conn := range a.conns {
		_ = conn.Close()
	}
	a.tasks.Wait()
}
