package streamgauge_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// rowsOf returns a page's rows of the views.
func (f *fixture) rowsOf(views ...string) []viewRow {
	f.Helper()
	var page struct {
		Events []json.RawMessage
		Cursor string
		More   bool
		Gaps   []any
	}
	response := f.get("/v1/events?since=1h&"+url.Values{"view": views}.Encode(), "Accept", "application/json")
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil || response.StatusCode != http.StatusOK {
		f.Fatalf("%s: %v", response.Status, err)
	}
	if page.Cursor == "" || page.More || len(page.Gaps) > 0 {
		f.Errorf("the page has cursor %q, more %v, gaps %v", page.Cursor, page.More, page.Gaps)
	}
	var rows []viewRow
	for _, envelope := range page.Events {
		rows = append(rows, parseRow(f.T, envelope))
	}
	return rows
}

func TestAPageHasWhatWasPublishedBefore(t *testing.T) {
	f := newFixture(t, nil)
	for i := range 5 {
		f.publish("a", i, 5)
		var count int
		for _, r := range f.rowsOf("count(a) every 24h") {
			var data struct{ Count int }
			if err := json.Unmarshal(r.Data, &data); err != nil {
				t.Fatal(err)
			}
			count += data.Count
		}
		if want := 5 * (i + 1); count != want {
			t.Fatalf("the page says %d, want %d", count, want)
		}
	}
}

func TestAPageHasTheNewestRowsOfEachView(t *testing.T) {
	f := newFixture(t, nil)
	for i := range 30 {
		if _, err := f.hub.Publish(t.Context(), streamgauge.Event{Stream: "a", Data: []byte("1"), Time: time.Now().Add(-time.Duration(i) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	response := f.get("/v1/events?view=count(a)+every+1m&view=max(a)+every+1m&since=1h&limit=3", "Accept", "application/json")
	var page struct {
		Events []viewRow
		More   bool
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 6 || !page.More || page.Events[5].Time.Before(time.Now().Add(-2*time.Minute)) || page.Events[0].Stream == page.Events[3].Stream {
		t.Errorf("got %+v", page)
	}
}

func TestNDJSONRowsAreLines(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 1, 3)
	response := f.get("/v1/events?view="+url.QueryEscape("sum(a /n) every 24h"), "Accept", "application/x-ndjson")
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if r := parseRow(t, lines.Bytes()); r.Type == "hub.view" {
			if _, err := streamgauge.ParsePosition(r.ID); err != nil || string(r.Data) != `{"sum":6}` {
				t.Errorf("got %s", lines.Bytes())
			}
			return
		}
	}
	t.Error("there was no row")
}

func TestRequestsForViewsThatMakeNoSenseAreRefused(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: evenNumbers})
	page := "application/json"
	for _, test := range []struct{ path, accept, want string }{
		{"/v1/events?view=cuont(a)", page, `view "cuont(a)": column 1: expected count`},
		{"/v1/events?view=count(a)+where+odd", page, `where: only even is known`},
		{"/v1/events?view=name", page, "column 1: expected count"},
		{"/v1/events?view=count(a)&stream=a", page, "ask for the streams and the views separately"},
		{"/v1/streams/a/events?view=count(a)", page, "the parameters stream and view are for /v1/events"},
		{"/v1/events?view=count(a)&filter=even", "text/event-stream", "a view has its own condition"},
		{"/v1/events?" + strings.Repeat("view=count(a)&", 65), "text/event-stream", "65 views are asked for, at most 64 are allowed"},
	} {
		response := f.get(test.path, "Accept", test.accept)
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(strings.ReplaceAll(string(body), `\"`, `"`), test.want) {
			t.Errorf("%s: got %s %s, want %q", test.path, response.Status, body, test.want)
		}
	}
}

func TestOnlySoManyViewsAreComputed(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{Limits: streamgauge.Limits{Views: 2}})
	first := f.follow("/v1/events?view=count(a)&view=count(b)")
	response := f.get("/v1/events?view=count(c)", "Accept", "application/json")
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "limits.views") {
		t.Errorf("got %s %s", response.Status, body)
	}
	refused := f.get("/v1/events?view=count(a)&view=count(d)&stream=a", "Accept", "text/event-stream")
	text, _ := io.ReadAll(refused.Body)
	if !strings.Contains(string(text), `"reason":"overload"`) {
		t.Errorf("got %s", text)
	}
	f.publish("a", 1, 1)
	if e := first.next(); !strings.Contains(string(e.Data), `"data":{"count":1}`) {
		t.Errorf("got %s", e.Data)
	}
	if stats := f.hub.Stats(); stats.Views != 2 || stats.Subscribers != 1 {
		t.Errorf("got %+v", stats)
	}
}

func TestASubscriptionToNothingIsRefused(t *testing.T) {
	hub, err := streamgauge.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []streamgauge.Subscription{
		{},
		{Views: []string{"count(a)"}, Select: streamgauge.Selection{"a"}, Encoding: streamgauge.EncodeBare},
		{Views: []string{""}},
	} {
		if _, err := hub.Subscribe(t.Context(), want, func() {}, func() {}); !errors.Is(err, streamgauge.ErrSubscription) {
			t.Errorf("%+v: got %v", want, err)
		}
	}
}
