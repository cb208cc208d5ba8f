//go:build linux

package natslog_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/natslog"
)

// TestNoPowerCutIsSilent has all servers of a cluster lose power at the same time. Each has
// a file system of its own, of which nothing is left but what was on the disk.
func TestNoPowerCutIsSilent(t *testing.T) {
	text := os.Getenv("STREAMGAUGE_POWER")
	if text == "" {
		t.Skip("left out because it mounts file systems; STREAMGAUGE_POWER=10s runs it, as root, with a cut after as long")
	}
	after, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("STREAMGAUGE_POWER: %v", err)
	}
	for name, settings := range syncs {
		t.Run(name, func(t *testing.T) { cutPower(t, settings, after) })
	}
}

func cutPower(t *testing.T, settings string, after time.Duration) {
	cluster := natstest.NewCluster(t)
	var disks []disk
	for _, s := range cluster {
		s.JetStream = settings
		disks = append(disks, newDisk(t, s.Dir))
	}
	cluster.Run()
	logs := openBoth(t, cluster.URL("x"))
	tails := []*tailtest.Follower{follow(t, logs[0], streamgauge.Position{}), follow(t, logs[1], streamgauge.Position{})}
	add(t, logs[0], event("a", 1))
	for _, d := range disks { // as if it had begun long ago
		run(t, "sync", "--file-system", d.dir)
	}
	p := tailtest.Publish(t, logs...)
	<-time.After(after)
	for _, s := range cluster { // so that they know nothing of each other's end
		s.Signal(syscall.SIGSTOP)
	}
	for _, d := range disks {
		d.cut(t)
	}
	for _, s := range cluster {
		s.Kill()
	}
	p.End()
	for _, d := range disks {
		d.unmount(t)
		d.mount(t)
	}
	cluster.Run()
	if !elects(cluster, "x") {
		// Raft's snapshot was on the disks, and events that are in it were not.
		t.Log("NATS elects no leader any more: somebody has to delete the streams")
		for i, log := range logs {
			if log.Ready() == nil {
				t.Errorf("instance %d is ready", i)
			}
		}
		for _, stream := range []string{"x", "x-control"} {
			if err := cluster[0].Connect().DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
		}
	}
	var there []streamgauge.Event
	eventually(t, time.Minute, "there is the log", func() (ok bool) {
		there, ok = readAll(t, cluster.URL("x"))
		return ok
	})
	lost := p.Missing(there)
	t.Logf("%d of %d acknowledged events are lost", lost, p.Acked())
	if lost > 0 && settings != "" {
		t.Error("they were synced")
	}
	for i, tail := range tails {
		if lost == 0 {
			p.Check(t, tail, true)
		} else if err := tail.Ended(t, 30*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
			t.Errorf("tail %d: %v, want ErrEpoch", i, err)
		}
	}
}

// elects reports whether a stream has a leader within 30 s of the start.
func elects(cluster natstest.Cluster, stream string) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); cluster.Leader(stream) == nil; {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// readAll reads a log as an instance does that comes now.
func readAll(t *testing.T, address string) (all []streamgauge.Event, ok bool) {
	t.Helper()
	log, err := natslog.Open(t.Context(), address, &natslog.Options{Rules: keepAll(t)})
	if err != nil {
		return nil, false
	}
	defer log.Close()
	for after := (streamgauge.Position{}); ; {
		page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}, After: after, Limit: 1000})
		if err != nil {
			return nil, false
		}
		if len(page.Events) == 0 {
			return all, true
		}
		all = append(all, page.Events...)
		after = all[len(all)-1].ID
	}
}

// A disk is a file with a file system.
type disk struct{ file, dir string }

// newDisk mounts a new disk on a folder, until the test ends.
func newDisk(t *testing.T, dir string) disk {
	t.Helper()
	d := disk{filepath.Join(t.TempDir(), "disk"), dir}
	if err := os.WriteFile(d.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.file, 512<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", d.file)
	d.mount(t)
	return d
}

func (d disk) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "-o", "loop", d.file, d.dir)
	// Lazily, for the server may still run.
	t.Cleanup(func() { _ = exec.Command("umount", "--lazy", d.dir).Run() })
}

func (d disk) unmount(t *testing.T) {
	t.Helper()
	run(t, "umount", d.dir)
}

// cut has nothing more get to the disk, neither of the files nor of the journal.
func (d disk) cut(t *testing.T) {
	t.Helper()
	const ioctlShutdown, noLogFlush = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
	dir, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	how := uint32(noLogFlush)
	if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), ioctlShutdown, uintptr(unsafe.Pointer(&how))); no != 0 {
		t.Fatal(fmt.Errorf("shut down %s: %w", d.dir, no))
	}
}

func run(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", command, err, out)
	}
}
