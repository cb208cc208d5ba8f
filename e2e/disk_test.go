//go:build linux

package e2e_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

// A disk that can be full.
type disk struct {
	name string
	// fill makes it full soon, and free frees it.
	fill, free func(*testing.T, *server)
}

// A full disk is said to publishers and does no other harm, and when there is
// room again everything goes on by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, d := range []disk{
		{"a file system", mountSmall, func(t *testing.T, s *server) {
			if err := os.Remove(filepath.Join(s.dir, "data", "ballast")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the size of a file", func(t *testing.T, s *server) { limitFiles(t, s, 3<<20) },
			func(t *testing.T, s *server) { limitFiles(t, s, unix.RLIM_INFINITY) }},
	} {
		t.Run("limited by "+d.name, func(t *testing.T) {
			s := newServer(t, "heartbeat: 1s\nstreams: [{match: '>', keep: {events: 1000000}}]")
			if d.name == "a file system" {
				d.fill(t, s)
				s.start()
			} else {
				s.start()
				d.fill(t, s)
			}
			fullDisk(t, s, func() { d.free(t, s) })
		})
	}
}

// mountSmall gives the server a file system of its own, of which little is free.
func mountSmall(t *testing.T, s *server) {
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("left out because this needs root: mount a file system of 8 MiB: %v", err)
	}
	t.Cleanup(func() { // before the directory is removed
		if s.process != nil {
			s.kill()
		}
		if err := syscall.Unmount(data, 0); err != nil {
			t.Errorf("unmount %s: %v", data, err)
		}
	})
	if err := os.WriteFile(filepath.Join(data, "ballast"), make([]byte, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
}

// limitFiles makes writes beyond a size of a file fail.
func limitFiles(t *testing.T, s *server, size uint64) {
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.process.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// diskTest publishes numbered events to a disk that gets full.
type diskTest struct {
	t         *testing.T
	server    *server
	ledger    check.Ledger
	publisher *check.Publisher
}

// publish publishes a batch and returns the answer, which is 200 or 503.
func (d *diskTest) publish() receipt {
	d.t.Helper()
	const batch = 50
	var body strings.Builder
	for range batch {
		body.Write(append(d.publisher.Append(nil, 0, 1000), '\n'))
	}
	r, err := publish(d.server.api, "/v1/streams/disk/events", "application/x-ndjson", body.String(), "")
	switch {
	case err != nil:
		d.t.Fatal(err)
	case r.status == http.StatusOK:
		d.publisher.Acked(batch)
	case r.status == http.StatusServiceUnavailable:
		d.publisher.Refused(batch)
	default:
		d.t.Fatalf("publish: status %d: %s", r.status, r.Detail)
	}
	return r
}

func fullDisk(t *testing.T, s *server, free func()) {
	d := &diskTest{t: t, server: s}
	d.publisher = d.ledger.NewPublisher(0, "disk")
	selection, err := streamgauge.NewSelection("disk")
	if err != nil {
		t.Fatal(err)
	}
	live := check.NewSubscriber("the live subscriber", selection)
	c := mustConnect(t, s.api, onStream("disk", ""))
	hello, _ := c.mustHub(t, "hello")
	cursor := string(hello.id)

	var refused receipt
	for n := 0; refused.status == 0; n++ {
		if r := d.publish(); r.status != http.StatusOK {
			refused = r
		} else if n > 1000 {
			t.Fatal("the disk does not get full")
		}
	}
	t.Logf("refused after %d events: %s", d.ledger.Acked(), refused.Detail)
	why := strings.ToLower(refused.Detail)
	if !strings.Contains(why, "space") && !strings.Contains(why, "full") && !strings.Contains(why, "too large") {
		t.Errorf("the problem says %q, which does not say that there is no room", refused.Detail)
	}
	for range 5 {
		d.publish()
	}

	// What is there is delivered, to those who follow and to those who come.
	d.readAll(c, live)
	late := check.NewSubscriber("the late subscriber", selection)
	again := mustConnect(t, s.api, onStream("disk", "").after(cursor))
	d.readAll(again, late)
	if health, _ := adminClient.Get("http://" + s.admin + "/healthz"); health == nil || health.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %v", health)
	} else {
		health.Body.Close()
	}

	free()
	eventually(t, 30*time.Second, "publishing goes on by itself", func() bool { return d.publish().status == http.StatusOK })
	for range 5 {
		if r := d.publish(); r.status != http.StatusOK {
			t.Errorf("refused again: %s", r.Detail)
		}
	}
	d.readAll(c, live)
	s.kill()
	s.start()
	reborn := mustConnect(t, s.api, onStream("disk", "").after(late.Cursor()))
	late.Connected()
	d.readAll(reborn, late)
	for _, one := range []*check.Subscriber{live, late} {
		if err := one.Finish(&d.ledger).Err(); err != nil {
			t.Error(err)
		}
	}
}

// readAll reads what was acknowledged so far, and then a heartbeat.
func (d *diskTest) readAll(c *connection, s *check.Subscriber) {
	d.t.Helper()
	for caughtUp := false; ; {
		m := c.mustNext(d.t)
		if err := c.tell(s, m); err != nil {
			d.t.Fatal(err)
		}
		if caughtUp && m.hub == "heartbeat" {
			if !bytes.Contains(m.data, []byte(`"state":"ok"`)) {
				d.t.Errorf("the heartbeat says %s, want state ok", m.data)
			}
			return
		}
		caughtUp = s.CaughtUp(&d.ledger)
		if m.hub == "gap" || m.hub == "bye" {
			d.t.Fatalf("got hub.%s %s", m.hub, m.data)
		}
	}
}
