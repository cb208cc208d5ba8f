package streamgauge_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/streamgauge/streamgauge"
)

func TestOneClientHasHalfOfTheFeedsAndViewsAtMost(t *testing.T) {
	one := &streamgauge.Access{ID: "one", Read: []streamgauge.Grant{{Select: streamgauge.Selection{">"}}}}
	other := &streamgauge.Access{ID: "other", Read: one.Read}
	for _, test := range []struct {
		setting string
		want    func(n int) streamgauge.Subscription
	}{
		{"limits.feeds", func(n int) streamgauge.Subscription {
			return streamgauge.Subscription{Select: streamgauge.Selection{streamgauge.Selector(fmt.Sprint("s", n))}}
		}},
		{"limits.views", func(n int) streamgauge.Subscription {
			return streamgauge.Subscription{Views: []string{fmt.Sprintf("count(s%d)", n)}}
		}},
	} {
		t.Run(test.setting, func(t *testing.T) {
			bubble(t, &streamgauge.Options{Limits: streamgauge.Limits{Feeds: 6, Views: 6}}, func(s *simulation) {
				subscribe := func(who *streamgauge.Access, n int) (*streamgauge.Subscriber, error) {
					want := test.want(n)
					want.Access = who
					return s.hub.Subscribe(s.Context(), want, func() {}, func() {})
				}
				allow := func(who *streamgauge.Access, n int) *streamgauge.Subscriber {
					s.Helper()
					subscriber, err := subscribe(who, n)
					if err != nil {
						s.Fatalf("%s and %d: %v", who.ID, n, err)
					}
					return subscriber
				}
				refuse := func(who *streamgauge.Access, n int, why string) {
					s.Helper()
					if _, err := subscribe(who, n); !errors.Is(err, streamgauge.ErrOverload) || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), test.setting) {
						s.Errorf("%s and %d: got %v, want %q", who.ID, n, err, why)
					}
				}
				first, second := allow(one, 1), allow(one, 2)
				allow(one, 3)
				allow(other, 2)
				refuse(one, 4, "you alone")
				allow(other, 4)
				allow(one, 4) // which is there already
				last := allow(other, 5)
				allow(other, 6)
				refuse(other, 7, "already")
				if test.setting != "limits.feeds" {
					return // a view stays for a while
				}
				first.Close()
				last.Close()
				second.Close() // it is the other one's alone now
				allow(one, 7)
				allow(one, 8)
			})
		})
	}
}

// slowReader is a client that has not read its answer yet.
type slowReader struct {
	*httptest.ResponseRecorder
	gate chan struct{}
}

func (w *slowReader) Write(p []byte) (int, error) {
	<-w.gate
	return w.ResponseRecorder.Write(p)
}

// A page is held whole until its reader has it: those that are long take no more together
// than they may, and those that are not are answered in any case.
func TestPagesTakeOnlySoMuchTogether(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		for range 32 {
			s.publish("long", `"`+strings.Repeat("x", 250<<10)+`"`)
		}
		s.publish("short", "1")
		gate := make(chan struct{})
		ask := func(from, stream string, gate chan struct{}) *slowReader {
			w := &slowReader{httptest.NewRecorder(), gate}
			r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, "/v1/events?last=100&stream="+stream, nil)
			r.RemoteAddr = from + ":4711"
			r.Header.Set("Accept", "application/json")
			s.hub.ServeHTTP(w, r)
			return w
		}
		var asked []*slowReader
		var mu sync.Mutex
		var reading sync.WaitGroup
		begin := func(from string) {
			reading.Go(func() {
				w := ask(from, "long", gate)
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, w)
			})
			synctest.Wait()
		}
		for range 5 { // of 8 MiB, of which one address may have four
			begin("203.0.113.7")
		}
		for n := range 5 {
			begin(fmt.Sprint("203.0.113.", 10+n))
		}
		open := make(chan struct{})
		close(open)
		if w := ask("203.0.113.7", "short", open); w.Code != http.StatusOK {
			t.Errorf("a short page: got %d %s", w.Code, w.Body)
		}
		if w := ask("203.0.113.20", "long", open); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "ask for less") {
			t.Errorf("one page too many: got %d %.300s", w.Code, w.Body)
		}
		close(gate)
		reading.Wait()
		var got, refused int
		for _, w := range asked {
			switch {
			case w.Code == http.StatusOK && strings.Count(w.Body.String(), "xxx\"") == 32:
				got++
			case w.Code == http.StatusServiceUnavailable:
				refused++
			}
		}
		if got != 8 || refused != 2 {
			t.Errorf("%d were answered and %d were refused, want 8 and 2", got, refused)
		}
		if w := ask("203.0.113.20", "long", open); w.Code != http.StatusOK {
			t.Errorf("afterwards: got %d %.300s", w.Code, w.Body)
		}
	})
}

// An event may be longer than what a page takes without asking: it takes room like others.
func TestPagesOfOneLargeEventTakeRoom(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		s.publish("large", `"`+strings.Repeat("x", 250<<10)+`"`)
		gate := make(chan struct{})
		var answered, refused atomic.Int32
		var reading sync.WaitGroup
		for n := range 200 {
			reading.Go(func() {
				w := &slowReader{httptest.NewRecorder(), gate}
				r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, "/v1/events?last=1&stream=large", nil)
				r.RemoteAddr = fmt.Sprintf("203.0.113.%d:4711", n)
				r.Header.Set("Accept", "application/json")
				s.hub.ServeHTTP(w, r)
				if w.Code == http.StatusOK {
					answered.Add(1)
				} else {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		close(gate)
		reading.Wait()
		if answered.Load() != 128 || refused.Load() != 72 { // 64 MiB, in steps of 512 KiB
			t.Errorf("%d were answered and %d were refused", answered.Load(), refused.Load())
		}
	})
}
