package streamgauge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/sse"
)

// viewRow is a row as it comes.
type viewRow struct {
	Stream, Type, ID, Key string
	Time                  time.Time
	Data                  json.RawMessage
}

func (r viewRow) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", r.Time.Format(time.TimeOnly), r.Key, r.Data)), " ")
}

func parseRow(t *testing.T, envelope []byte) viewRow {
	t.Helper()
	var r viewRow
	if err := json.Unmarshal(envelope, &r); err != nil {
		t.Fatalf("%s: %v", envelope, err)
	}
	return r
}

// rows returns the rows that the subscriber is sent now, and the last id of all.
func (v *viewer) rows() (rows []string, id string) {
	v.Helper()
	for _, e := range v.events() {
		if e.ID != "" {
			id = e.ID
		}
		if e.Type == "message" {
			rows = append(rows, parseRow(v.T, e.Data).String())
		}
	}
	return rows, id
}

func (v *viewer) wantRows(want ...string) (id string) {
	v.Helper()
	rows, id := v.rows()
	if !slices.Equal(rows, want) {
		v.Fatalf("got rows\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	return id
}

func viewsOf(views ...string) streamgauge.Subscription {
	return streamgauge.Subscription{Views: views}
}

// In a bubble it is midnight.
func TestAViewBeginsWithTheNewestRowsAndGoesOnLive(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		for range 3 {
			s.publish("a", "1")
			s.publish("b", "2")
			s.pass(10 * time.Second)
		}
		s.publish("a", "5")
		s.pass(time.Second)
		for name, want := range map[string]struct {
			subscription streamgauge.Subscription
			rows         []string
		}{
			"newest": {viewsOf("sum(*) by stream"), []string{`00:00:20 b {"sum":2}`, `00:00:30 a {"sum":5}`}},
			"last":   {streamgauge.Subscription{Views: []string{"sum(*) by stream"}, Last: 2}, []string{`00:00:20 a {"sum":1}`, `00:00:20 b {"sum":2}`, `00:00:30 a {"sum":5}`}},
			"since":  {streamgauge.Subscription{Views: []string{"sum(*) by stream"}, Since: time.Now().Add(-2 * time.Second)}, []string{`00:00:20 a {"sum":1}`, `00:00:20 b {"sum":2}`, `00:00:30 a {"sum":5}`}},
			"all":    {streamgauge.Subscription{Views: []string{"count(>)"}, Last: 99}, []string{`00:00:00 {"count":2}`, `00:00:10 {"count":2}`, `00:00:20 {"count":2}`, `00:00:30 {"count":1}`}},
			"none":   {viewsOf("count(c)"), nil},
		} {
			v := s.subscribe(want.subscription)
			synctest.Wait()
			if rows, _ := v.rows(); !slices.Equal(rows, want.rows) {
				t.Errorf("%s: got %q, want %q", name, rows, want.rows)
			}
			v.Close()
		}
		v := s.subscribe(viewsOf("sum(*) by stream", "max(a)"))
		synctest.Wait()
		v.wantRows(`00:00:20 b {"sum":2}`, `00:00:30 a {"sum":5}`, `00:00:30 {"max":5}`)
		s.pass(time.Second)
		s.publish("a", "2")
		v.wantRows(`00:00:30 a {"sum":7}`)
		s.pass(time.Second)
		s.publish("b", "0")
		v.wantRows(`00:00:30 b {"sum":0}`)
		v.Close()
	})
}

func TestALateEventChangesItsRow(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		s.publish("a", "1")
		s.pass(30 * time.Second)
		s.publish("a", "1")
		v := s.subscribe(viewsOf("count(a)"))
		defer v.Close()
		synctest.Wait()
		v.wantRows(`00:00:30 {"count":1}`)
		s.pass(time.Second)
		if _, err := s.hub.Publish(s.Context(), streamgauge.Event{Stream: "a", Data: []byte("1"), Time: time.Now().Add(-30 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		v.wantRows(`00:00:00 {"count":2}`)
	})
}

func TestASlidingWindowMovesWithTheClock(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(viewsOf("count,rate(a) over 4s every 2s"))
		defer v.Close()
		s.publish("a", "1")
		s.publish("a", "1")
		synctest.Wait()
		v.rows()
		s.pass(time.Second)
		v.wantRows(`00:00:00 {"count":2,"rate":0.5}`)
		s.pass(time.Second)
		v.wantRows(`00:00:02 {"count":2,"rate":0.5}`)
		s.publish("a", "1")
		s.pass(200 * time.Millisecond)
		v.wantRows(`00:00:02 {"count":3,"rate":0.75}`)
		s.pass(2 * time.Second)
		v.wantRows(`00:00:04 {"count":1,"rate":0.25}`)
		s.pass(time.Minute)
		v.wantRows()
	})
}

func TestASlowViewerGetsTheNewestStateAndMissesNoRow(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		want := streamgauge.Subscription{Views: []string{"max(s.*) by stream every 1s"}, Last: 1000}
		slow, fast := s.subscribe(want), s.subscribe(want)
		defer slow.Close()
		defer fast.Close()
		state := map[*viewer]map[string]string{fast: {}, slow: {}}
		blocks := map[*viewer]int{}
		take := func(v *viewer, all bool) {
			for {
				p, err := v.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if p == nil {
					return
				}
				blocks[v]++
				if len(p) > 64<<10 {
					t.Fatalf("a block has %d bytes", len(p))
				}
				decoder := sse.NewDecoder(strings.NewReader(string(p)))
				for {
					e, err := decoder.Next()
					if err != nil {
						break
					}
					if e.Type == "message" {
						r := parseRow(t, e.Data)
						state[v][r.Key+r.Time.String()] = string(r.Data)
					}
				}
				if !all {
					return // one block at a time
				}
			}
		}
		for i := range 400 {
			events := make([]streamgauge.Event, 300)
			for k := range events {
				events[k] = streamgauge.Event{Stream: fmt.Sprintf("s.%d", k), Data: fmt.Appendf(nil, "%d", i)}
			}
			if _, err := s.hub.Publish(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
			s.pass(100 * time.Millisecond)
			take(fast, true)
			if i%20 == 0 {
				take(slow, false)
			}
		}
		s.pass(time.Second)
		take(fast, true)
		take(slow, true)
		if len(state[fast]) < 300*40 || len(state[fast]) != len(state[slow]) {
			t.Fatalf("the fast one has %d rows and the slow one %d", len(state[fast]), len(state[slow]))
		}
		for key, data := range state[fast] {
			if state[slow][key] != data {
				t.Fatalf("%s: the slow one has %s, want %s", key, state[slow][key], data)
			}
		}
		if blocks[slow] > blocks[fast]/2 {
			t.Errorf("the slow one took %d blocks and the fast one %d: nothing was conflated", blocks[slow], blocks[fast])
		}
	})
}

// A slow viewer of rows that all change all the time must see all of them move.
func TestNoRowStarvesAtASlowViewer(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(viewsOf("max(s) by key every 1h"))
		defer v.Close()
		seen := make(map[string]string)
		for i := range 60 {
			events := make([]streamgauge.Event, 1000)
			for k := range events {
				events[k] = streamgauge.Event{Stream: "s", Key: fmt.Sprintf("%04d-%0100d", k, k), Data: fmt.Append(nil, i)}
			}
			if _, err := s.hub.Publish(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
			s.pass(200 * time.Millisecond)
			p, err := v.Next(t.Context()) // less than a third of what has changed
			if err != nil {
				t.Fatal(err)
			}
			decoder := sse.NewDecoder(strings.NewReader(string(p)))
			for e, err := decoder.Next(); err == nil; e, err = decoder.Next() {
				if e.Type == "message" && i > 40 {
					r := parseRow(t, e.Data)
					seen[r.Key] = string(r.Data)
				}
			}
		}
		if len(seen) != 1000 {
			t.Errorf("%d rows moved of 1000", len(seen))
		}
	})
}

func TestRateBoundsAViewsFlushes(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		want := viewsOf("count(a) every 1h")
		want.Rate = 0.5
		v := s.subscribe(want)
		defer v.Close()
		var all []string
		for range 100 {
			s.publish("a", "1")
			s.pass(100 * time.Millisecond)
			rows, _ := v.rows()
			all = append(all, rows...)
		}
		s.pass(2 * time.Second)
		rows, _ := v.rows()
		if all = append(all, rows...); len(all) < 6 || len(all) > 7 || all[len(all)-1] != `00:00:00 {"count":100}` {
			t.Errorf("got %q, want 6 or 7 rows up to 100", all)
		}
	})
}

func TestAViewIsLeftAloneAWhileAfterTheLastOneLeft(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		s.publish("a", "1")
		first := s.subscribe(viewsOf("count(a)"))
		same := s.subscribe(viewsOf("count(a)  every 10s"))
		other := s.subscribe(viewsOf("count(b)"))
		synctest.Wait()
		if stats := s.hub.Stats(); stats.Views != 2 || stats.ViewRows != 1 || stats.Folded != stats.Delivered {
			t.Errorf("got %+v, want 2 views with 1 row", stats)
		}
		first.Close()
		same.Close()
		s.pass(29 * time.Second)
		again := s.subscribe(viewsOf("count(a)"))
		again.Close()
		s.pass(29 * time.Second)
		if n := s.hub.Stats().Views; n != 2 {
			t.Errorf("there are %d views, want 2 for a while", n)
		}
		s.pass(2 * time.Second)
		if n := s.hub.Stats().Views; n != 1 {
			t.Errorf("there are %d views, want 1", n)
		}
		other.Close()
	})
}

func TestAViewWaitsForTheHubToRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, err := streamgauge.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		v := (&simulation{t, hub}).subscribe(viewsOf("count(a)"))
		v.wantRows()
		if _, err := hub.Publish(t.Context(), streamgauge.Event{Stream: "a", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		f := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { f <- hub.Run(ctx) }()
		synctest.Wait()
		v.wantRows(`00:00:00 {"count":1}`)
		v.Close()
		cancel()
		<-f
	})
}

func TestWhoComesBackIsToldWhatHasChangedSince(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		for range 20 {
			s.publish("a", "1")
			s.publish("quiet."+time.Now().Format("0504"), "1")
			s.pass(10 * time.Second)
		}
		v := s.subscribe(streamgauge.Subscription{Views: []string{"count(a)"}, Last: 1000})
		synctest.Wait()
		rows, id := v.rows()
		if len(rows) != 20 || id == "" {
			t.Fatalf("got %d rows, the last id is %q", len(rows), id)
		}
		v.Close()
		s.publish("a", "1") // in the twentieth window's successor
		s.pass(10 * time.Second)
		s.publish("a", "1")
		if _, err := s.hub.Publish(s.Context(), streamgauge.Event{Stream: "a", Data: []byte("1"), Time: time.Now().Add(-200 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		v = s.subscribe(streamgauge.Subscription{Views: []string{"count(a)"}, Last: 1000, Cursor: id})
		synctest.Wait()
		back, id2 := v.rows()
		v.Close()
		// The late one, what was told in the 30 s before the cut, and what came since.
		if want := []string{`00:00:10 {"count":2}`, `00:02:30 {"count":1}`, `00:02:40 {"count":1}`, `00:02:50 {"count":1}`, `00:03:00 {"count":1}`, `00:03:10 {"count":1}`, `00:03:20 {"count":1}`, `00:03:30 {"count":1}`}; !slices.Equal(back, want) {
			t.Errorf("got %v, want %v", back, want)
		}
		if at, err := streamgauge.ParsePosition(id2); err != nil || at != mustHead(t, s.hub) {
			t.Errorf("the id is %q, want the head %v", id2, mustHead(t, s.hub))
		}
	})
}

func mustHead(t *testing.T, hub *streamgauge.Hub) streamgauge.Position {
	t.Helper()
	head, err := hub.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// Until a client has all that it begins with, an id would make it skip the rest.
func TestAViewsConnectionHasNoIDBeforeItHasBegun(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		for i := range 1000 {
			s.publish(fmt.Sprintf("s.%d", i), "1")
		}
		s.pass(time.Second)
		v := s.subscribe(viewsOf("count,sum,avg,min,max,last(s.*) by stream", "count(none)"))
		defer v.Close()
		synctest.Wait()
		blocks, rows := 0, 0
		for {
			p, err := v.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				break
			}
			blocks++
			rows += strings.Count(string(p), "data: {\"stream\"")
			ids := strings.Count(string(p), "id: ")
			switch {
			case rows < 1000 && ids > 0:
				t.Errorf("after %d rows there is an id", rows)
			case rows == 1000 && (ids != 1 || !strings.HasSuffix(string(p), "\nid: "+mustHead(t, s.hub).String()+"\n\n")):
				t.Errorf("the last block ends in %q, want the id of the head", p[len(p)-60:])
			}
		}
		if blocks < 3 {
			t.Errorf("only %d blocks", blocks)
		}
		s.publish("elsewhere", "1")
		s.pass(20 * time.Second)
		for _, e := range v.events() {
			if e.Type == "hub.heartbeat" && e.ID != mustHead(t, s.hub).String() {
				t.Errorf("the heartbeat's id is %q, want the head", e.ID)
			}
		}
	})
}

func TestRowsAmongStreamsHaveNoIDs(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		s.publish("a", `1`)
		want := viewsOf("count(>) every 1h")
		want.Select, want.Since = streamgauge.Selection{"b"}, time.Now().Add(-time.Minute)
		v := s.subscribe(want)
		defer v.Close()
		synctest.Wait()
		s.publish("b", `2`)
		s.pass(time.Second)
		var got []string
		for _, e := range v.events() {
			if e.Type != "hub.hello" {
				got = append(got, fmt.Sprintf("%s %s", e.ID, parseRow(t, e.Data).Type))
				continue
			}
			// It begins before what the view is computed from.
			hello := `-0","streams":["b"],"views":[{"name":"count(>) every 1h","view":"count(>) every 1h","every_ms":3600000,"over_ms":3600000}],"delivery":"rule"}`
			if !strings.HasSuffix(string(e.Data), hello) {
				t.Errorf("hub.hello is %s", e.Data)
			}
		}
		head := mustHead(t, s.hub).String()
		for _, g := range got {
			if g != " hub.view" && g != head+" " {
				t.Errorf("got %q, want rows without an id and the event with %s", g, head)
			}
		}
		if len(got) < 2 {
			t.Errorf("got %v", got)
		}
	})
}

func TestACursorThatCantBeUsedBeginsTheViewAnew(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		s.publish("a", "1")
		v := s.subscribe(streamgauge.Subscription{Views: []string{"count(a)"}, Cursor: "nonsense"})
		defer v.Close()
		synctest.Wait()
		var got []string
		for _, e := range v.events() {
			got = append(got, e.Type)
		}
		if want := []string{"hub.hello", "hub.gap", "message"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestViewsByNameAreCalledByIt(t *testing.T) {
	view, err := streamgauge.ParseView("count(a) every 1m")
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) (streamgauge.View, bool) { return view, name == "shop/orders" }
	f := newFixture(t, &streamgauge.Options{NamedView: named})
	f.publish("a", 1, 2)
	page := f.rowsOf("shop/orders", "count(a) every 60s")
	if len(page) != 2 || page[0].Stream != "shop/orders" || page[1].Stream != "count(a) every 60s" || string(page[0].Data) != string(page[1].Data) {
		t.Errorf("got %v", page)
	}
	response := f.get("/v1/events?view=shop/none", "Accept", "application/json")
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "there is no view of this name") {
		t.Errorf("got %s %s", response.Status, body)
	}
}
