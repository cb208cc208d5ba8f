package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge/internal/config"
)

// Who publishes too fast is told when to come back, and costs the others nothing.
func TestAPublisherMayPublishSoMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := locked(t, func(c *config.Config) {
			c.Limits.PublishEventsPerSecond, c.Limits.BatchEvents = 10, 20
			c.Limits.PublishBytesPerSecond, c.Limits.BatchBytes, c.Limits.EventBytes, c.Limits.RequestBytes = 1000, 2000, 2000, 2000
			c.Limits.NewStreamsPerMinute = 30
		})
		fast, _ := f.token(t, `"write":[">"]`)
		other, _ := f.token(t, `"write":[">"]`)
		publish := func(token, stream, body string) *httptest.ResponseRecorder {
			return f.do("POST", "/v1/streams/"+stream+"/events", body, bearer(token)...)
		}
		// wants says how many of the tries are taken.
		wants := func(what string, want int, try func(n int) *httptest.ResponseRecorder) (wait time.Duration) {
			t.Helper()
			taken := 0
			for n := range want + 20 {
				w := try(n)
				switch w.Code {
				case http.StatusOK:
					taken++
				case http.StatusTooManyRequests:
					seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
					if err != nil || seconds < 1 {
						t.Fatalf("%s: Retry-After is %q", what, w.Header().Get("Retry-After"))
					}
					wait = max(wait, time.Duration(seconds)*time.Second)
				default:
					t.Fatalf("%s: %d %s", what, w.Code, w.Body)
				}
			}
			if taken != want {
				t.Errorf("%s: %d were taken, want %d", what, taken, want)
			}
			return wait
		}
		one := func(int) *httptest.ResponseRecorder { return publish(fast, "a", "1") }
		wait := wants("events at once", 50, one)
		if w := publish(other, "a", "1"); w.Code != http.StatusOK {
			t.Errorf("another one meanwhile: %d", w.Code)
		}
		if w := publish(adminToken, "a", "1"); w.Code != http.StatusOK {
			t.Errorf("the administrator meanwhile: %d", w.Code)
		}
		<-time.After(wait)
		wants("a second later", 10, one)
		<-time.After(time.Minute)
		wants("bytes", 2, func(int) *httptest.ResponseRecorder {
			return publish(fast, "a", `"`+strings.Repeat("x", 1990)+`"`)
		})
		<-time.After(time.Minute)
		wants("new streams", 30, func(n int) *httptest.ResponseRecorder { return publish(fast, fmt.Sprint("new.", n), "1") })
		if w := publish(other, "new.of-another", "1"); w.Code != http.StatusOK {
			t.Errorf("another one begins a stream: %d", w.Code)
		}
		<-time.After(3 * time.Minute) // long enough for all to be forgotten
		wants("after a pause", 50, one)
	})
}

// Behind proxies limits go by the client's address, and nobody can make one up.
func TestProxiesSayWhoseARequestIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *config.Config) {
		c.TrustedProxies, c.InsecureOpen = prefixes("10.0.0.0/8", "fd00::/8"), true
		c.Limits.PublishEventsPerSecond, c.Limits.BatchEvents = 1, 1
	})
	publish := func(peer string, forwarded ...string) int {
		r := httptest.NewRequest("POST", "/v1/streams/a/events", strings.NewReader("1"))
		r.RemoteAddr = peer
		for _, line := range forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		return w.Code
	}
	// exhaust uses up what the client has.
	exhaust := func(peer string, forwarded ...string) {
		t.Helper()
		for range 20 {
			if publish(peer, forwarded...) == http.StatusTooManyRequests {
				return
			}
		}
		t.Errorf("%s for %q has no limit", peer, forwarded)
	}
	exhaust("10.0.0.1:99", "198.51.100.7")
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		same      bool // as the client that has nothing left
	}{
		"through another proxy":           {"10.0.0.2:99", []string{"198.51.100.7"}, true},
		"through two":                     {"10.0.0.2:99", []string{"198.51.100.7, 10.0.0.3"}, true},
		"in two lines":                    {"10.0.0.2:99", []string{"198.51.100.7", "10.0.0.3"}, true},
		"with a made-up one before it":    {"10.0.0.2:99", []string{"203.0.113.9, 198.51.100.7"}, true},
		"itself":                          {"198.51.100.7:99", nil, true},
		"itself, which makes up another":  {"198.51.100.7:99", []string{"203.0.113.9"}, true},
		"another client":                  {"10.0.0.1:99", []string{"198.51.100.8"}, false},
		"another, of the same made-up":    {"10.0.0.1:99", []string{"198.51.100.7, 198.51.100.9"}, false},
		"a stranger who says it is it":    {"203.0.113.1:99", []string{"198.51.100.7"}, false},
		"the proxy itself":                {"10.0.0.9:99", nil, false},
		"over IPv6":                       {"[fd00::1]:99", []string{"2001:db8::1"}, false},
		"a proxy's IPv4 written as IPv6":  {"[::ffff:10.0.0.1]:99", []string{"198.51.100.7"}, true},
		"nonsense in place of an address": {"10.0.0.8:99", []string{"198.51.100.7, nonsense"}, false},
	} {
		if got := publish(c.peer, c.forwarded...); (got == http.StatusTooManyRequests) != c.same {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// heldBack is a body that comes when it is let go.
type heldBack struct {
	io.Reader
	letGo <-chan struct{}
}

func (b heldBack) Read(p []byte) (int, error) {
	<-b.letGo
	return b.Reader.Read(p)
}

// The time that a body takes is not given to its publisher twice.
func TestABodyThatIsHeldBackBringsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := locked(t, func(c *config.Config) { c.Limits.PublishEventsPerSecond, c.Limits.BatchEvents = 10, 20 })
		token, _ := f.token(t, `"write":["a"]`)
		burst := func() (taken int) {
			for range 100 {
				if f.do("POST", "/v1/streams/a/events", "1", bearer(token)...).Code == http.StatusOK {
					taken++
				}
			}
			return taken
		}
		letGo := make(chan struct{})
		var held sync.WaitGroup
		for range 5 {
			held.Go(func() {
				r := httptest.NewRequest("POST", "/v1/streams/a/events", heldBack{strings.NewReader("1"), letGo})
				r.ContentLength = 1
				r.Header.Set("Authorization", "Bearer "+token)
				f.handler.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		synctest.Wait()
		<-time.After(9 * time.Second)
		if got := burst(); got != 50 {
			t.Fatalf("%d events at once were taken, want 50", got)
		}
		close(letGo)
		held.Wait()
		if got := burst(); got != 0 {
			t.Errorf("after bodies that were held back %d more were taken", got)
		}
	})
}
