package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is a server that runs.
type process struct {
	pid    int
	folder string // removed in the end
	exited chan struct{}
	stop   func()
}

const (
	startTimeout = 15 * time.Second
	stopTimeout  = 10 * time.Second
)

// start starts a server on a CPU, or on any if that is less than 0, and returns
// when it takes connections at the address.
func (c *Command) start(ctx context.Context, cpu int) (p *process, addr string, err error) {
	folder, err := os.MkdirTemp("", "streamgauge-bench-")
	if err != nil {
		return nil, "", fmt.Errorf("make a folder for the server: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(folder)
		}
	}()
	if addr, err = freeAddr(); err != nil {
		return nil, "", err
	}
	args, err := c.Args(addr, folder)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, c.Path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	// If this process is killed, the server must not outlive it. The signal
	// comes when the thread that started it ends, which Go's threads don't.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOn(cmd, cpu); err != nil {
		cancel()
		return nil, "", fmt.Errorf("start %s: %w", c.Path, err)
	}
	p = &process{pid: cmd.Process.Pid, folder: folder, exited: make(chan struct{})}
	go func() { // stop waits for it
		cmd.Wait()
		close(p.exited)
	}()
	p.stop = func() {
		cancel()
		<-p.exited
		os.RemoveAll(p.folder)
	}
	if err := p.await(ctx, addr); err != nil {
		p.stop()
		return nil, "", fmt.Errorf("start %s: %w; it said: %q", c.Path, err, said.String())
	}
	return p, addr, nil
}

// startOn starts a process that has only one CPU, unless that is less than 0. It
// must have it from the start: Go counts its CPUs once.
func startOn(cmd *exec.Cmd, cpu int) error {
	if cpu < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("pin the server to CPU %d: %w", cpu, err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return cmd.Start()
}

// pinSelf pins every thread of this process to a CPU.
func pinSelf(cpu int) error {
	var only unix.CPUSet
	only.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("pin the client: %w", err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(id, &only); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("pin the client to CPU %d: %w", cpu, err)
		}
	}
	return nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await waits until the process takes connections.
func (p *process) await(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-again.C:
		case <-p.exited:
			return errors.New("the server ended")
		case <-ctx.Done():
			return fmt.Errorf("the server does not listen on %s: %w", addr, ctx.Err())
		}
	}
}

// output keeps the beginning of what a process says, for the message about why
// it did not start.
type output struct {
	mu   sync.Mutex // protects following
	said []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, p[:min(len(p), 4<<10-len(o.said))]...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(string(o.said))
}

// cpuTime returns the CPU time that a process has used, to the nanosecond.
func cpuTime(pid int) (time.Duration, error) {
	// clock_getcpuclockid of the C library is this.
	const schedule = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|schedule, &used); err != nil {
		return 0, fmt.Errorf("read the server's CPU time: %w", err)
	}
	return time.Duration(used.Nano()), nil
}

// ticks converts the kernel's unit, a 100th of a second on every architecture.
func ticks(field string) time.Duration {
	n, _ := strconv.ParseInt(field, 10, 64)
	return time.Duration(n) * 10 * time.Millisecond
}

// resident returns the memory of a process in bytes.
func resident(pid int) (int64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read the server's memory: %w", err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		return 0, fmt.Errorf("read the server's memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// machine is the CPU time of all CPUs together.
type machine struct{ busy, stolen time.Duration }

func readMachine() (machine, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machine{}, fmt.Errorf("read the machine's CPU time: %w", err)
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 {
		return machine{}, fmt.Errorf("read the machine's CPU time: /proc/stat begins with %q", line)
	}
	const user, nice, system, irq, softirq, steal = 1, 2, 3, 6, 7, 8
	var m machine
	for _, i := range []int{user, nice, system, irq, softirq} {
		m.busy += ticks(fields[i])
	}
	m.stolen = ticks(fields[steal])
	return m, nil
}

// ownTime returns the CPU time that this process has used.
func ownTime() time.Duration {
	var usage unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
