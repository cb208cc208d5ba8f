//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const resumeSettings = `
heartbeat: 1s
streams:
  - match: few.*
    keep: {events: 100}
  - match: ">"
    keep: {events: 1000000}
`

// follow subscribes after the cursor and returns the ids of the events up to the
// first heartbeat, which must say that there is no more.
func follow(t *testing.T, s *server, r request, want func(i int) string) (ids []string) {
	t.Helper()
	c := mustConnect(t, s.api, r)
	hello, members := c.mustHub(t, "hello")
	if r.cursor != "" && (string(hello.id) != r.cursor || members["position"] != r.cursor) {
		t.Errorf("hub.hello has the id %s and says %s, but the cursor was %s", hello.id, hello.data, r.cursor)
	}
	last := hello.id
	for {
		m := c.mustNext(t)
		switch {
		case m.hub == "heartbeat":
			if !bytes.Equal(m.id, last) {
				t.Errorf("the heartbeat's id is %s, but %s was the last", m.id, last)
			}
			return ids
		case m.hub != "":
			t.Errorf("got hub.%s %s", m.hub, m.data)
		case string(m.data) != want(len(ids)):
			t.Fatalf("event %d after %s is %s %s, want %s", len(ids), r.cursor, m.id, m.data, want(len(ids)))
		default:
			ids = append(ids, string(m.id))
		}
		last = m.id
	}
}

// After a restart, and before anything new is published, clients go on where
// they were, however far behind.
func TestResumeRightAfterARestart(t *testing.T) {
	t.Parallel()
	sized(t, 10_000, 100_000, func(t *testing.T, deepest int) {
		s := startServer(t, resumeSettings)
		total := deepest + 1
		for n := 1; n <= total; n += 5000 {
			mustPublish(t, s.api, "deep", numbers(n, min(n+4999, total))...)
		}
		number := func(i int) string { return fmt.Sprintf(`{"n":%d}`, i+1) }
		ids := follow(t, s, onStream("deep", "?last=1000000"), number)
		if len(ids) != total {
			t.Fatalf("there are %d events, want %d", len(ids), total)
		}
		for _, end := range []struct {
			name string
			end  func(*testing.T)
		}{
			{"a clean stop", func(t *testing.T) { s.stop() }},
			{"kill -9", func(t *testing.T) { s.kill() }},
			{"a drain", func(t *testing.T) {
				c := mustConnect(t, s.api, onStream("deep", ""))
				c.mustHub(t, "hello")
				s.stop()
				if _, bye := c.mustHub(t, "bye"); bye["reason"] != "drain" {
					t.Errorf("goodbye is %v, want reason drain", bye)
				}
			}},
		} {
			t.Run("after "+end.name, func(t *testing.T) {
				end.end(t)
				s.start()
				for _, behind := range []int{0, 1, 1000, 10_000, 100_000} {
					if behind > deepest {
						continue
					}
					t.Run(fmt.Sprintf("%d behind", behind), func(t *testing.T) {
						t.Parallel()
						at := total - 1 - behind
						got := follow(t, s, onStream("deep", "").after(ids[at]), func(i int) string { return number(at + 1 + i) })
						if !slices.Equal(got, ids[at+1:]) {
							t.Errorf("got %d events whose ids are not the %d of before the restart", len(got), behind)
						}
					})
				}
			})
		}
	})
}

// gapOf returns the members of a gap as one comparable text.
func gapOf(members map[string]any) string {
	return fmt.Sprintf("%v %v lost %v, from %v to %v", members["reason"], members["stream"], members["lost"], members["from"], members["to"])
}

// Retention is told with exact counts, per stream, also by a server that was
// killed since.
func TestEvictedEventsAreCounted(t *testing.T) {
	t.Parallel()
	s := startServer(t, resumeSettings)
	first := mustPublish(t, s.api, "few.a", numbers(1, 1)...).ID
	calm := mustPublish(t, s.api, "calm", numbers(1, 1)...).ID
	mustPublish(t, s.api, "few.a", numbers(2, 1000)...)
	mustPublish(t, s.api, "few.b", numbers(1, 500)...)
	mustPublish(t, s.api, "calm", numbers(2, 2)...)
	check := func(t *testing.T) {
		c := mustConnect(t, s.api, on("stream=few.*&stream=calm").after(first))
		if hello, _ := c.mustHub(t, "hello"); string(hello.id) != first {
			t.Errorf("hub.hello's id is %s, want the cursor %s", hello.id, first)
		}
		for _, want := range []struct {
			stream string
			lost   float64
		}{{"few.a", 899}, {"few.b", 400}} {
			m, gap := c.mustHub(t, "gap")
			if gap["reason"] != "evicted" || gap["stream"] != want.stream || gap["lost"] != want.lost || gap["from"] != first {
				t.Errorf("gap is %s, want %s evicted with %v lost after %s", gapOf(gap), want.stream, want.lost, first)
			}
			if string(m.id) != first { // the decoder's: the gap brings none
				t.Errorf("the gap moved the last event id to %s", m.id)
			}
		}
		counts := map[string]int{}
		for m := c.mustNext(t); m.hub != "heartbeat"; m = c.mustNext(t) {
			_, rest, _ := strings.Cut(string(m.data), `{"stream":"`)
			stream, _, _ := strings.Cut(rest, `"`)
			counts[stream+m.hub]++
		}
		if fmt.Sprint(counts) != "map[calm:2 few.a:100 few.b:100]" {
			t.Errorf("after the gaps came %v, want what is kept", counts)
		}
		// Those who did not select what was trimmed have lost nothing.
		got := follow(t, s, onStream("calm", "").after(first), func(i int) string { return numbers(1, 2)[i] })
		if len(got) != 2 || got[0] != calm {
			t.Errorf("calm after %s brought %v, want two events", first, got)
		}
		// Under a filter nobody knows how many of them would have passed.
		c = mustConnect(t, s.api, on("stream=few.a&filter=data.n>0").after(first))
		c.mustHub(t, "hello")
		if _, gap := c.mustHub(t, "gap"); gap["lost"] != nil || gap["reason"] != "evicted" {
			t.Errorf("under a filter the gap is %s, want lost null", gapOf(gap))
		}
	}
	t.Run("at once", check)
	s.kill()
	s.start()
	t.Run("after kill -9", check)
	s.stop()
	s.start()
	t.Run("after a restart", check)
}

// mustStartAnew connects with a cursor that can't be used: that is told with
// status 200, and delivery goes on as if there had been none.
func mustStartAnew(t *testing.T, s *server, r request, reason string, event int) {
	t.Helper()
	c := mustConnect(t, s.api, r)
	hello, _ := c.mustHub(t, "hello")
	m, gap := c.mustHub(t, "gap")
	if gap["reason"] != reason || gap["stream"] != nil || gap["lost"] != nil {
		t.Errorf("cursor %.40q: the gap is %s, want reason %s without stream and count", r.cursor, gapOf(gap), reason)
	}
	if !bytes.Equal(m.id, hello.id) || len(m.id) == 0 {
		t.Errorf("cursor %.40q: the gap's id is %q and hub.hello's %q, want where delivery goes on", r.cursor, m.id, hello.id)
	}
	published := mustPublish(t, s.api, "a", numbers(event, event)...)
	if m := c.mustEvent(t); string(m.id) != published.ID {
		t.Errorf("cursor %.40q: the first event is %s %s, want %s, the first that was published since", r.cursor, m.id, m.data, published.ID)
	}
}

func TestCursorsThatAreNoneAreToldAndAnswered(t *testing.T) {
	t.Parallel()
	s := startServer(t, resumeSettings)
	head := mustPublish(t, s.api, "a", numbers(1, 10)...).ID
	epoch, seq, _ := strings.Cut(head, "-")
	n, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	garbage := map[string]string{
		"a word":            "abc",
		"a number":          "12",
		"a negative number": "-1",
		"only a dash":       "-",
		"no number":         epoch + "-",
		"leading zeros":     epoch + "-0" + seq,
		"upper case":        strings.ToUpper(epoch) + "-" + seq + "x",
		"too large":         epoch + "-99999999999999999999999",
		"8 KiB":             strings.Repeat("x", 8<<10),
		"UTF-8":             "näh-☃",
		"not UTF-8":         "\xff\xfe",
		"the future":        fmt.Sprintf("%s-%d", epoch, n+1_000_000),
	}
	event := 11
	for name, cursor := range garbage {
		mustStartAnew(t, s, onStream("a", "").after(cursor), "unknown", event)
		mustStartAnew(t, s, on("stream=a").after(cursor), "unknown", event+1)
		if event += 2; t.Failed() {
			t.Fatalf("the cursor was %s", name)
		}
	}
	// A header can't have NUL, a parameter can.
	mustStartAnew(t, s, onStream("a", "?last-event-id=%00"), "unknown", event)
	mustStartAnew(t, s, onStream("a", "").after("1z-5"), "epoch", event+1)

	t.Run("of a log that is no more", func(t *testing.T) {
		s.stop()
		if err := os.RemoveAll(filepath.Join(s.dir, "data")); err != nil {
			t.Fatal(err)
		}
		s.start()
		mustStartAnew(t, s, onStream("a", "").after(head), "epoch", 1)
	})
}

// A restored backup is a log that was rewound: the cursors of what came after it
// was taken are of no use, and must not be taken for places in what is published
// instead.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"stopped", "killed"} {
		t.Run("of a server that was "+name, func(t *testing.T) {
			s := startServer(t, resumeSettings)
			end := func() {
				if name == "killed" {
					s.kill()
				} else {
					s.stop()
				}
			}
			data, backup := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "backup")
			kept := mustPublish(t, s.api, "a", numbers(1, 10)...).ID
			end()
			if err := os.CopyFS(backup, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			s.start()
			middle := mustPublish(t, s.api, "a", numbers(11, 20)...).ID
			head := mustPublish(t, s.api, "a", numbers(21, 30)...).ID
			end()
			if err := os.RemoveAll(data); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(backup, data); err != nil {
				t.Fatal(err)
			}
			s.start()

			c := mustConnect(t, s.api, onStream("a", "").after(head))
			c.mustHub(t, "hello")
			if m := c.mustNext(t); m.hub != "gap" {
				t.Errorf("a cursor beyond the restored head was answered with hub.%s %s, want a gap", m.hub, m.data)
			}
			t.Run("the cursor at its end is told that something may be lost", func(t *testing.T) {
				c := mustConnect(t, s.api, onStream("a", "").after(kept))
				c.mustHub(t, "hello")
				if m := c.mustNext(t); m.hub != "gap" || !strings.Contains(string(m.data), `"backend"`) {
					t.Errorf("got %q hub.%s %s, want a gap of the backend", m.id, m.hub, m.data)
				}
			})
			t.Run("numbers are not used twice", func(t *testing.T) {
				mustPublish(t, s.api, "a", numbers(1011, 1025)...)
				c := mustConnect(t, s.api, onStream("a", "").after(middle))
				c.mustHub(t, "hello")
				for m := c.mustNext(t); m.hub != "gap"; m = c.mustNext(t) {
					if m.hub == "" {
						t.Fatalf("a cursor of what was lost was taken for one of what was published since: %s %s came, without a gap", m.id, m.data)
					}
				}
			})
		})
	}
}

// A client that comes back in the first moments of a server is not turned away.
func TestResumeWhileTheServerStarts(t *testing.T) {
	t.Parallel()
	s := startServer(t, resumeSettings)
	id := mustPublish(t, s.api, "a", numbers(1, 1)...).ID
	mustPublish(t, s.api, "a", numbers(2, 2)...)
	for range 3 {
		s.kill()
		s.launch()
		var c *connection
		eventually(t, 10*time.Second, "the server answers", func() bool {
			var err error
			c, err = connect(s.api, onStream("a", "").after(id), nil)
			if refused, ok := err.(*refusal); ok {
				t.Fatal(refused)
			}
			return err == nil
		})
		c.mustHub(t, "hello")
		if m := c.mustEvent(t); string(m.data) != numbers(2, 2)[0] {
			t.Errorf("got %s, want what came after %s", m.data, id)
		}
		c.Close()
	}
}
