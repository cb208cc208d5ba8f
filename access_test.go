package streamgauge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
)

// remainder compiles conditions such as "3 1": the number leaves 1 when divided by 3.
func remainder(source string) (streamgauge.Filter, error) {
	var by, left int
	if _, err := fmt.Sscan(source, &by, &left); err != nil || by == 0 {
		return nil, errors.New("only remainders are known")
	}
	return filterFunc(func(e *streamgauge.Event) bool {
		n, err := strconv.Atoi(string(e.Data))
		return err == nil && n%by == left
	}), nil
}

// as returns the answer to whoever has the access, or what it begins with: of a stream, for
// which it has to be in a bubble.
func as(t *testing.T, hub *streamgauge.Hub, access *streamgauge.Access, accept, path string) *httptest.ResponseRecorder {
	t.Helper()
	ctx, cancel := context.WithCancel(streamgauge.WithAccess(t.Context(), access))
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header.Set("Accept", accept)
	if rest, ok := strings.CutPrefix(r.URL.Path, "/v1/streams/"); ok {
		r.SetPathValue("stream", strings.TrimSuffix(rest, "/events"))
	}
	w := httptest.NewRecorder()
	if accept == "application/json" {
		defer cancel()
		hub.ServeHTTP(w, r)
		return w
	}
	var serving sync.WaitGroup
	serving.Go(func() { hub.ServeHTTP(w, r) })
	synctest.Wait()
	cancel()
	serving.Wait()
	return w
}

func TestWhatMayNotBeReadLooksLikeWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	bubble(t, &streamgauge.Options{CompileFilter: remainder, NamedView: func(name string) (streamgauge.View, bool) {
		return streamgauge.View{Functions: []string{"count"}, Select: "secret.a", Every: time.Second, Over: time.Second}, name == "named-secret"
	}, Rules: mustRules(t, streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 3}})}, func(s *simulation) { looksLikeNothing(s.T, s) })
}

func looksLikeNothing(t *testing.T, s *simulation) {
	for i := range 10 {
		for _, stream := range []string{"open.a", "secret.a", "part.a"} {
			s.publish(stream, strconv.Itoa(i))
		}
	}
	access := &streamgauge.Access{Read: []streamgauge.Grant{
		{Select: streamgauge.Selection{"open.>", "both.>"}},
		{Select: streamgauge.Selection{"part.>"}, Filter: "2 0"},
	}, Except: streamgauge.Selection{"both.secret"}}
	// The same length, so that sizes are the same too. Jitter and time differ in any case.
	same := func(w *httptest.ResponseRecorder, name string) string {
		text := w.Body.String()
		for _, changes := range []string{`"time":"`, "retry: ", `retry_ms":`} {
			before, after, found := strings.Cut(text, changes)
			if found {
				text = before + changes + strings.TrimLeft(after, "0123456789-:TZ.")
			}
		}
		return fmt.Sprint(w.Code, w.Header(), strings.ReplaceAll(text, name, "it"))
	}
	first := streamgauge.Position{Epoch: headOf(t, s.hub).Epoch, Seq: 1}.String()
	for _, accept := range []string{"application/json", "application/x-ndjson", "text/event-stream"} {
		for _, path := range []string{
			"/v1/streams/%s/events", "/v1/streams/%s/events?last=5", "/v1/streams/%s/events?last-event-id=" + first,
			"/v1/events?stream=%s", "/v1/events?stream=%s&since=1h", "/v1/events?stream=%s&last-event-id=" + first,
			"/v1/events?stream=%s&filter=2+0&last=3", "/v1/events?stream=%s+where+2+0&last=3", "/v1/events?stream=%s&last-event-id=nonsense",
		} {
			for secret, absent := range map[string]string{"secret.a": "absent.a", "both.secret": "both_absent"} {
				path := strings.ReplaceAll(path, first, strings.ReplaceAll(first, "%", "%%"))
				got := same(as(t, s.hub, access, accept, fmt.Sprintf(path, secret)), secret)
				if want := same(as(t, s.hub, access, accept, fmt.Sprintf(path, absent)), absent); got != want {
					t.Errorf("%s %s: forbidden and absent differ:\n%s\n%s", accept, fmt.Sprintf(path, secret), got, want)
				}
			}
		}
	}
	if w := as(t, s.hub, access, "application/json", "/v1/events?view=named-secret"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "no view of this name") {
		t.Errorf("a view by name: %d %s", w.Code, w.Body)
	}
	page := as(t, s.hub, access, "application/json", "/v1/events?stream=>&last-event-id="+first).Body.String()
	if strings.Contains(page, "secret") || strings.Count(page, `"open.a","id"`) != 3 || strings.Count(page, `"part.a","id"`) > 2 {
		t.Errorf("of everything it sees %s", page)
	}
	if !strings.Contains(page, `"stream":"open.a"`) || !strings.Contains(page, `"lost":6`) || !strings.Contains(page, `"lost":null`) {
		t.Errorf("its gaps are not those of open.a and part.a: %s", page)
	}
}

func headOf(t *testing.T, hub *streamgauge.Hub) streamgauge.Position {
	t.Helper()
	head, err := hub.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestViewsAreComputedFromWhatMayBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, &streamgauge.Options{CompileFilter: remainder})
	for i := range 10 {
		f.publish("a.x", i, 1)
		f.publish("a.y", i, 1)
	}
	receipt, err := f.hub.Publish(t.Context(), streamgauge.Event{Stream: "b.x", Data: []byte("1")}, streamgauge.Event{Stream: "b.x", Data: []byte("2")})
	if err != nil || receipt.Count != 2 {
		t.Fatal(err)
	}
	f.settle()
	rows := func(access *streamgauge.Access, view string) string {
		body := as(t, f.hub, access, "application/json", "/v1/events?view="+view).Body.Bytes()
		var page struct {
			Events []struct {
				Key  string
				Data struct{ Count int }
			}
		}
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		total := map[string]int{}
		for _, e := range page.Events {
			total[e.Key] += e.Data.Count
		}
		return fmt.Sprint(total)
	}
	some := &streamgauge.Access{Read: []streamgauge.Grant{{Select: streamgauge.Selection{"a.x"}}, {Select: streamgauge.Selection{"b.>"}, Filter: "2 1"}}}
	for view, want := range map[string]string{
		"count(a.>)+by+stream+every+1h": "map[a.x:10]",
		"count(a.y)+by+stream+every+1h": "map[]",
		"count(b.x)+by+stream+every+1h": "map[b.x:1]",
		"count(>)+by+stream+every+1h":   "map[a.x:10 b.x:1]",
	} {
		if got := rows(some, view); got != want {
			t.Errorf("%s: got %s, want %s", view, got, want)
		}
	}
	if got := rows(nil, "count(>)+by+stream+every+1h"); got != "map[a.x:10 a.y:10 b.x:2]" {
		t.Errorf("everything: got %s", got)
	}
}

func TestPublishingIsForThoseWhoMay(t *testing.T) {
	t.Parallel()
	hub := newFixture(t, nil).hub
	ctx := streamgauge.WithAccess(t.Context(), &streamgauge.Access{
		Read:  []streamgauge.Grant{{Select: streamgauge.Selection{">"}}},
		Write: streamgauge.Selection{"in.*"}, Except: streamgauge.Selection{"in.never"},
	})
	for streams, allowed := range map[string]bool{"in.a": true, "in.a in.b": true, "in.never": false, "in.a out": false, "in.a.b": false} {
		var events []streamgauge.Event
		for stream := range strings.FieldsSeq(streams) {
			events = append(events, streamgauge.Event{Stream: stream, Data: []byte("1")})
		}
		before := headOf(t, hub)
		if _, err := hub.Publish(ctx, events...); errors.Is(err, streamgauge.ErrForbidden) == allowed || allowed && err != nil {
			t.Errorf("%s: %v", streams, err)
		}
		if after := headOf(t, hub); after != before && !allowed {
			t.Errorf("%s: something was stored", streams)
		}
	}
}

func TestASubscriptionEndsWithItsAccess(t *testing.T) {
	bubble(t, &streamgauge.Options{MaxAge: time.Minute, Heartbeat: time.Hour, WriteTimeout: 10 * time.Second}, func(s *simulation) {
		everything := []streamgauge.Grant{{Select: streamgauge.Selection{">"}}}
		bye := func(v *viewer) string {
			events := v.eventsUntilEOF()
			return string(events[len(events)-1].Data)
		}
		began := time.Now()
		short := s.subscribe(streamgauge.Subscription{Select: a, Access: &streamgauge.Access{Read: everything, Expires: began.Add(20 * time.Second)}})
		defer short.Close()
		long := s.subscribe(streamgauge.Subscription{Select: a, Access: &streamgauge.Access{Read: everything, Expires: began.Add(time.Hour)}})
		defer long.Close()
		valid := true
		revoked := s.subscribe(streamgauge.Subscription{Select: a, Access: &streamgauge.Access{Read: everything, Valid: func() bool { return valid }}})
		defer revoked.Close()
		for _, v := range []*viewer{short, long, revoked} {
			v.events()
		}
		s.hub.Expel()
		for _, v := range []*viewer{short, long, revoked} {
			if got := v.events(); len(got) > 0 {
				t.Errorf("all are valid: %s", types(got))
			}
		}
		valid = false
		s.hub.Expel()
		if got := bye(revoked); !strings.Contains(got, `"reason":"revoked"`) {
			t.Errorf("revoked: %s", got)
		}
		s.pass(19 * time.Second)
		if got := short.events(); len(got) > 0 {
			t.Errorf("before it expires: %s", types(got))
		}
		s.pass(2 * time.Second)
		if got := bye(short); !strings.Contains(got, `"reason":"expired"`) {
			t.Errorf("expired: %s", got)
		}
		if got := long.events(); len(got) > 0 {
			t.Errorf("one that is valid for longer: %s", types(got))
		}
		s.pass(time.Minute)
		if got := bye(long); !strings.Contains(got, `"reason":"age"`) {
			t.Errorf("of age: %s", got)
		}
	})
}

// Whoever may see the same of what is asked for shares a feed, whatever else they may see.
func TestThoseWhoMaySeeTheSameShareAFeed(t *testing.T) {
	t.Parallel()
	hub := newFixture(t, &streamgauge.Options{CompileFilter: remainder}).hub
	feeds := func(asked string, accesses ...*streamgauge.Access) int {
		before := hub.Stats().Feeds
		for _, access := range accesses {
			s, err := hub.Subscribe(t.Context(), streamgauge.Subscription{Select: streamgauge.Selection{streamgauge.Selector(asked)}, Access: access}, func() {}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
		}
		return hub.Stats().Feeds - before
	}
	of := func(filter string, selectors ...streamgauge.Selector) *streamgauge.Access {
		return &streamgauge.Access{Read: []streamgauge.Grant{{Select: selectors, Filter: filter}}}
	}
	all := of("", ">")
	all.Except = streamgauge.Selection{"hub.secret"}
	for name, c := range map[string]struct {
		asked    string
		feeds    int
		accesses []*streamgauge.Access
	}{
		"all may see all of it":    {"logs.>", 1, []*streamgauge.Access{nil, all, of("", "logs.>", "x"), of("", ">", "logs.web")}},
		"equal filters":            {"logs.>", 1, []*streamgauge.Access{of("2 1", "logs.>"), of("2 1", ">"), of("2 1", "logs.>", "x")}},
		"other filters":            {"logs.>", 2, []*streamgauge.Access{of("2 1", "logs.>"), of("2 0", "logs.>")}},
		"parts":                    {"logs.>", 2, []*streamgauge.Access{of("", "logs.*"), of("", "logs.web"), of("", "*.web")}},
		"nothing":                  {"logs.>", 1, []*streamgauge.Access{of("", "a"), of("", "b"), {}}},
		"what is excepted matters": {">", 2, []*streamgauge.Access{nil, all}},
	} {
		if got := feeds(c.asked, c.accesses...); got != c.feeds {
			t.Errorf("%s: %d feeds, want %d", name, got, c.feeds)
		}
	}
}

// Where history begins tells nothing of what may not be seen.
func TestTheStartTellsNothingOfOthers(t *testing.T) {
	bubble(t, &streamgauge.Options{CompileFilter: remainder, Private: streamgauge.Selection{"private"}}, func(s *simulation) {
		partly := &streamgauge.Access{Read: []streamgauge.Grant{{Select: streamgauge.Selection{"a"}, Filter: "2 0"}}}
		all := &streamgauge.Access{Read: []streamgauge.Grant{{Select: streamgauge.Selection{">"}}}, Except: streamgauge.Selection{"except"}}
		s.publish("b", "0")
		mine := s.publish("a", "2")
		s.publish("b", "0")
		s.pass(time.Minute)
		begin := time.Now()
		starts := func(want streamgauge.Subscription) string {
			v := s.subscribe(want)
			defer v.Close()
			return v.events()[0].ID
		}
		for _, hidden := range []string{"a", "except"} { // of partly, and of all
			before := headOf(s.T, s.hub)
			s.publish(hidden, "1")
			s.pass(time.Second)
			s.publish("private", "1")
			s.publish("c", "1")
			head := headOf(s.T, s.hub)
			for name, c := range map[string]struct {
				want streamgauge.Subscription
				id   streamgauge.Position
			}{
				"the last of a part":       {streamgauge.Subscription{Select: a, Last: 1, Access: partly}, streamgauge.Position{Epoch: mine.Epoch, Seq: mine.Seq - 1}},
				"a part since then":        {streamgauge.Subscription{Select: a, Since: begin, Access: partly}, head},
				"the last of a condition":  {streamgauge.Subscription{Conditions: []streamgauge.Condition{{Select: "a", Where: "3 1"}}, Last: 1, Access: partly, Encoding: streamgauge.EncodeEnvelope}, head},
				"the last of what is not":  {streamgauge.Subscription{Select: streamgauge.Selection{"except"}, Last: 1, Access: all}, head},
				"since then, what is not":  {streamgauge.Subscription{Select: streamgauge.Selection{"except"}, Since: begin, Access: all}, head},
				"the last of what nobody":  {streamgauge.Subscription{Select: streamgauge.Selection{"private", "except"}, Last: 1, Access: all}, head},
				"since then, what nobody":  {streamgauge.Subscription{Select: streamgauge.Selection{"private"}, Since: begin}, head},
				"the last, without access": {streamgauge.Subscription{Select: streamgauge.Selection{"private"}, Last: 1}, head},
			} {
				if got := starts(c.want); got != c.id.String() {
					s.Errorf("%s: it begins at %s, want %s (before %s)", name, got, c.id, before)
				}
			}
		}
	})
}

// Whoever is shut out while a subscription begins does not get it.
func TestASubscriptionThatBeginsEndsWithItsAccess(t *testing.T) {
	bubble(t, &streamgauge.Options{CompileFilter: remainder, Limits: streamgauge.Limits{ReplayBytesPerSecond: 1 << 10}}, func(s *simulation) {
		for range 100 {
			s.publish("a", strings.Repeat("1", 100))
		}
		valid := true
		access := &streamgauge.Access{ID: "t", Read: []streamgauge.Grant{{Select: a}}, Valid: func() bool { return valid }}
		refused := make(chan error)
		go func() {
			_, err := s.hub.Subscribe(s.Context(), streamgauge.Subscription{Select: a, Last: 1, Filter: "2 0", Access: access}, func() {}, func() {})
			refused <- err
		}()
		s.pass(time.Second) // it waits for the replay budget
		valid = false
		s.hub.Expel()
		if err := <-refused; !errors.Is(err, streamgauge.ErrForbidden) {
			s.Errorf("got %v", err)
		}
		if n := s.hub.Stats().Subscribers; n != 0 {
			s.Errorf("%d subscribers are left", n)
		}
	})
}
