package streamgauge_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
)

// above passes events whose data.n is above the number that it is written as.
type above int

func (a above) Match(e *streamgauge.Event) bool {
	n, err := strconv.Atoi(strings.Trim(string(e.Data), `{"n:}`))
	return err == nil && n > int(a)
}

func compileAbove(source string) (streamgauge.Filter, error) {
	n, err := strconv.Atoi(source)
	if err != nil {
		return nil, errors.New("it is no number")
	}
	return above(n), nil
}

func conditions(texts ...string) string {
	return "/v1/events?" + url.Values{"stream": texts}.Encode()
}

func TestAnEventComesOnceWithTheConditionsThatItMeets(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: compileAbove})
	c := f.follow(conditions("a where 1", "a where 2", "*  where   2", "b"))
	f.publish("a", 1, 3)
	f.publish("b", 1, 1)
	f.publish("c", 2, 2)
	var last string
	for _, want := range []string{
		`"stream":"a",`, `{"n":2},"match":["a where 1"]}`,
		`"stream":"a",`, `{"n":3},"match":["* where 2","a where 1","a where 2"]}`,
		`"stream":"b",`, `{"n":1}}`,
		`"stream":"c",`, `{"n":3},"match":["* where 2"]}`,
	} {
		if strings.HasPrefix(want, `"stream"`) {
			e := c.next()
			if !strings.Contains(string(e.Data), want) {
				t.Fatalf("got %s, want %s", e.Data, want)
			}
			last = string(e.Data)
			continue
		}
		if !strings.HasSuffix(last, want) {
			t.Errorf("got %s, want %s", last, want)
		}
	}
}

func TestHistoryAndPagesHaveConditionsToo(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: compileAbove})
	f.publish("a", 0, 5)
	f.publish("b", 0, 5)
	path := conditions("a where 3", "b where 2")
	c := f.follow(path + "&last=3")
	want(t, c.numbers(3), []string{"a:4", "b:3", "b:4"})
	body, _ := io.ReadAll(f.get(path, "Accept", "application/json").Body)
	if n := strings.Count(string(body), `"match":[`); n != 3 {
		t.Errorf("the page has %d events that say what they meet, want 3: %s", n, body)
	}
	ndjson := f.get(path+"&since=1h", "Accept", "application/x-ndjson")
	buf := make([]byte, 4096)
	for text := ""; !strings.Contains(text, `{"n":4},"match":["b where 2"]}`); {
		n, err := ndjson.Body.Read(buf)
		if err != nil {
			t.Fatalf("read: %v after %s", err, text)
		}
		text += string(buf[:n])
	}
}

func TestAGapUnderAConditionHasNoCount(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 2}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{CompileFilter: compileAbove, Log: streamgauge.NewMemoryLog(rules), Rules: rules})
	cursor := f.publish("a", 0, 1)
	f.publish("a", 1, 5)
	c := f.follow(conditions("a where 0") + "&last-event-id=" + cursor.String())
	if got := c.gap().String(); !strings.Contains(got, "lost null") {
		t.Errorf("the gap is %s, want lost null", got)
	}
	want(t, c.numbers(2), series("a", 4, 2))
}

func TestBadConditionsAreProblems(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: compileAbove})
	many := make([]string, 65)
	for i := range many {
		many[i] = "a where " + strconv.Itoa(i)
	}
	for name, tc := range map[string]struct {
		path, says string
	}{
		"a condition that can't be read": {conditions("a where x"), `"a where x": it is no number`},
		"no condition":                   {conditions("a where "), "selector"},
		"a bad selector":                 {conditions("a..b where 1"), "selector"},
		"too many":                       {conditions(many...), "at most 64"},
		"on a single stream":             {"/v1/streams/a/events?" + url.Values{"stream": {"a where 1"}}.Encode(), "names the stream already"},
	} {
		t.Run(name, func(t *testing.T) {
			response := f.get(tc.path)
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != http.StatusBadRequest || !strings.Contains(strings.ReplaceAll(string(body), `\"`, `"`), tc.says) {
				t.Errorf("got %s: %s, want 400 and %q", response.Status, body, tc.says)
			}
		})
	}
}

// Each who has a condition must get the newest event that meets it, also where a
// newer one meets another's.
func TestTheNewestOfEachConditionIsNotSupersededByAnothers(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: compileAbove})
	path := conditions("a where 0", "a where 2")
	live := make(chan struct{}, 1)
	s, err := f.hub.Subscribe(t.Context(), streamgauge.Subscription{
		Conditions: []streamgauge.Condition{{Select: "a", Where: "0"}, {Select: "a", Where: "2"}}, Delivery: streamgauge.DeliverLatest,
	}, func() { live <- struct{}{} }, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for p := []byte{0}; p != nil; {
		if p, err = s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var events []streamgauge.Event
	for _, n := range []string{"4", "3", "2", "1"} {
		events = append(events, streamgauge.Event{Stream: "a", Data: []byte(`{"n":` + n + `}`)})
	}
	if _, err := f.hub.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	<-live
	block, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(f.get(path+"&delivery=latest&since=1h", "Accept", "application/json").Body)
	for how, text := range map[string]string{"live": string(block), "a page": string(page)} {
		for data, there := range map[string]bool{`{"n":4}`: false, `{"n":3}`: true, `{"n":2}`: false, `{"n":1}`: true} {
			if strings.Contains(text, data) != there {
				t.Errorf("%s: %s is there: %v, want %v", how, data, !there, there)
			}
		}
	}
}
