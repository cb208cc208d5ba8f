//go:build linux

package e2e_test

import (
	"bytes"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

var announced = regexp.MustCompile(`(?m)^Streamgauge is at http://(127\.0\.0\.1:\d+)$`)

// A new user starts the program without arguments in an empty folder, sees this
// machine move, and ends it. The ports come from the environment only because
// the usual ones may be taken here.
func TestFirstRunWithoutArguments(t *testing.T) {
	s := &server{t: t, dir: t.TempDir(), command: []string{binary}, api: testenv.FreeAddress(t), admin: testenv.FreeAddress(t)}
	s.env = []string{"STREAMGAUGE_LISTEN=" + s.api, "STREAMGAUGE_ADMIN=" + s.admin}
	began := time.Now()
	s.launch()
	var address string
	eventually(t, 5*time.Second, "the program says where it is", func() bool {
		found := announced.FindStringSubmatch(s.output.String())
		if found != nil {
			address = found[1]
		}
		return found != nil
	})
	if address != s.api {
		t.Errorf("it says that it is at %s, want %s", address, s.api)
	}

	c := mustConnect(t, address, onStream("host.cpu", "?last=1"))
	_ = c.SetReadDeadline(began.Add(5 * time.Second))
	c.mustHub(t, "hello")
	first := bytes.Clone(c.mustEvent(t).data)
	for {
		m, err := c.next()
		if err != nil {
			t.Fatalf("host.cpu did not bring two values within 5 s of the start: %v", err)
		}
		if m.hub == "" && !bytes.Equal(m.data, first) {
			break
		}
	}
	t.Logf("two values of host.cpu after %.1f s", time.Since(began).Seconds())

	page, err := http.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %s, %s", page.Status, page.Header.Get("Content-Type"))
	}

	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	ended := make(chan int)
	go func() { ended <- s.stop() }()
	m := c.mustNext(t)
	for m.hub != "bye" {
		m = c.mustNext(t)
	}
	if !bytes.Contains(m.data, []byte(`"reason":"drain"`)) {
		t.Errorf("hub.bye is %s, want reason drain", m.data)
	}
	if code := <-ended; code != 0 {
		t.Errorf("the exit code after SIGTERM is %d, want 0", code)
	}
}

// What can't be had at the start is said, with what to do about it.
func TestSecondInstanceSaysWhatToDo(t *testing.T) {
	t.Parallel()
	first := startServer(t, "")
	for _, test := range []struct {
		name, listen, admin, data string
		want                      []string
	}{
		{"on the same data", testenv.FreeAddress(t), testenv.FreeAddress(t), filepath.Join(first.dir, "data"), []string{"error: data: ", "in use", "hint: ", "--data"}},
		{"on the same port", first.api, testenv.FreeAddress(t), t.TempDir(), []string{"error: listen: ", first.api, "hint: ", "--listen"}},
		{"on the same admin port", testenv.FreeAddress(t), first.admin, t.TempDir(), []string{"error: admin: ", first.admin, "hint: ", "--admin"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			second := &server{t: t, dir: t.TempDir()}
			second.command = []string{binary, "--listen", test.listen, "--admin", test.admin, "--data", test.data}
			second.launch()
			select {
			case <-second.exited:
			case <-time.After(10 * time.Second):
				t.Fatal("it did not end")
			}
			if code := second.process.ProcessState.ExitCode(); code != 1 && code != 2 {
				t.Errorf("the exit code is %d, want 1 or 2", code)
			}
			for _, want := range test.want {
				if !strings.Contains(second.output.String(), want) {
					t.Errorf("it printed\n%swithout %q", second.output.String(), want)
				}
			}
		})
	}
	mustPublish(t, first.api, "a", "1") // the first is none the worse
}

// A publish that is wrong is answered with what is wrong, and leaves nothing,
// nor does what was right in the same request.
func TestMalformedPublishesLeaveNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, "limits: {event_bytes: 1KiB, batch_events: 5, batch_bytes: 4KiB, request_bytes: 16KiB}")
	head := mustPublish(t, s.api, "good", "1").ID
	for _, test := range []struct {
		name, path, kind, body string
		status                 int
		says                   string
	}{
		{"no JSON", "/v1/streams/x/events", "application/json", `{"a":`, 400, "JSON"},
		{"no JSON after an array", "/v1/streams/x/events", "application/json", `[1,2]]`, 400, ""},
		{"the third of a batch", "/v1/streams/x/events", "application/json", `[1,2,nul]`, 400, "nul"},
		{"the second line", "/v1/streams/x/events", "application/x-ndjson", "1\n{]\n3", 400, "line 2"},
		{"nothing", "/v1/streams/x/events", "application/json", "", 400, "no event"},
		{"an empty batch", "/v1/streams/x/events", "application/json", "[]", 400, "no event"},
		{"not UTF-8", "/v1/streams/x/events", "application/json", "\"\xff\"", 400, "UTF-8"},
		{"a bad name", "/v1/streams/x..y/events", "application/json", "1", 400, "x..y"},
		{"a long name", "/v1/streams/" + strings.Repeat("x", 201) + "/events", "application/json", "1", 400, "200"},
		{"a name of ours", "/v1/streams/hub.x/events", "application/json", "1", 403, "hub."},
		{"a type of ours", "/v1/streams/x/events?type=hub.gap", "application/json", "1", 400, "hub."},
		{"a bad type", "/v1/streams/x/events?type=a%0Ab", "application/json", "1", 400, "type"},
		{"a bad key", "/v1/streams/x/events?key=%00", "application/json", "1", 400, "key"},
		{"a bad time", "/v1/streams/x/events?time=yesterday", "application/json", "1", 400, "time"},
		{"an unknown parameter", "/v1/streams/x/events?typ=a", "application/json", "1", 400, "type"},
		{"a large event", "/v1/streams/x/events", "application/json", `"` + strings.Repeat("x", 1100) + `"`, 413, "1024"},
		{"many events", "/v1/streams/x/events", "application/json", "[1,2,3,4,5,6]", 413, "5"},
		{"a large batch", "/v1/streams/x/events", "application/json", `["` + strings.Repeat(strings.Repeat("x", 1000)+`","`, 4) + strings.Repeat("x", 1000) + `"]`, 413, "4096"},
		{"a large body", "/v1/streams/x/events", "application/json", strings.Repeat(" ", 17<<10) + "1", 413, "16384"},
		{"another kind", "/v1/streams/x/events", "image/png", "1", 415, "image/png"},
		{"an envelope without a stream", "/v1/events", "application/json", `{"data":1}`, 400, "stream"},
		{"an envelope without data", "/v1/events", "application/json", `{"stream":"x"}`, 400, "data"},
		{"one bad envelope of two", "/v1/events", "application/json", `[{"stream":"x","data":1},{"stream":"x y","data":1}]`, 400, "x y"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := publish(s.api, test.path, test.kind, test.body, "")
			if err != nil {
				t.Fatal(err)
			}
			if r.status != test.status {
				t.Errorf("status %d (%s), want %d", r.status, r.Detail, test.status)
			}
			if r.Title == "" || r.Detail == "" || !strings.Contains(strings.ToLower(r.Detail), strings.ToLower(test.says)) {
				t.Errorf("the problem says %q, %q, want %q in it", r.Title, r.Detail, test.says)
			}
		})
	}
	c := mustConnect(t, s.api, on("stream=>"))
	if hello, _ := c.mustHub(t, "hello"); string(hello.id) != head {
		t.Errorf("the head is %s after publishes that were refused, want %s", hello.id, head)
	}
	if n := s.metric("streams"); n != 1 {
		t.Errorf("there are %d streams, want the one that was published to", n)
	}
	if again := mustPublish(t, s.api, "good", "2"); string(c.mustEvent(t).id) != again.ID {
		t.Error("the next event is not the one that was published")
	}
}
