package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/client"
)

// hub is a server that answers as its script says, one step per request. The
// last step goes on.
type hub struct {
	*httptest.Server

	mu       sync.Mutex // protects following
	requests []request
	steps    []http.HandlerFunc
}

type request struct{ target, key, cursor, body string }

func newHub(t *testing.T, steps ...http.HandlerFunc) *hub {
	t.Helper()
	h := &hub{steps: steps}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.requests = append(h.requests, request{r.URL.String(), r.Header.Get("Idempotency-Key"), r.Header.Get("Last-Event-ID"), string(body)})
	step := h.steps[0]
	if len(h.steps) > 1 {
		h.steps = h.steps[1:]
	}
	h.mu.Unlock()
	step(w, r)
}

func (h *hub) got() []request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cut sends a part of the answer and then cuts the connection.
func cut(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

const ok = `{"id":"e-1","count":1,"level":"os","duplicate":false}`

type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, s)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.all, "\n")
}

func connect(t *testing.T, h *hub) (*client.Client, *notes) {
	t.Helper()
	n := &notes{}
	c, err := client.New(strings.TrimPrefix(h.URL, "http://"), "", n.add)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, n
}

func TestAPublishIsTriedAgainUnderTheSameKey(t *testing.T) {
	h := newHub(t, answer(503, `{"detail":"Not now."}`), cut(""), answer(502, "<html>"), answer(200, ok))
	c, notes := connect(t, h)
	b := &client.Batch{Stream: "a.b", Params: url.Values{"key": {"k 1"}}, ContentType: "application/json", Body: []byte("1"), Key: "key"}
	got, err := c.Publish(t.Context(), b, time.Minute)
	if err != nil || got != (client.Receipt{ID: "e-1", Count: 1, Level: "os"}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	requests := h.got()
	if len(requests) != 4 {
		t.Fatalf("got %d requests, want 4", len(requests))
	}
	for _, r := range requests {
		if r != (request{"/v1/streams/a.b/events?key=k+1", "key", "", "1"}) {
			t.Errorf("got %+v", r)
		}
	}
	if !strings.Contains(notes.String(), "Not now.; trying again for 1m0s\nthe server is there again") {
		t.Errorf("the user was told %q", notes)
	}
}

func TestAPublishThatIsRefusedIsNotTriedAgain(t *testing.T) {
	for _, status := range []int{400, 403, 413, 415, 422, 429, 500} {
		h := newHub(t, answer(status, `{"detail":"No."}`))
		c, _ := connect(t, h)
		_, err := c.Publish(t.Context(), &client.Batch{Stream: "a", Key: "k"}, time.Minute)
		var refused *client.StatusError
		if !errors.As(err, &refused) || refused.Status != status || err.Error() != "No." {
			t.Errorf("got %v", err)
		}
		if n := len(h.got()); n != 1 {
			t.Errorf("%d: got %d requests, want 1", status, n)
		}
	}
}

// hang sends a part of the answer and then nothing for as long as the client
// waits.
func hang(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status > 0 {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

func TestAnAnswerThatDoesNotComeIsNotWaitedForForEver(t *testing.T) {
	for name, c := range map[string]struct {
		hangs http.HandlerFunc
		told  string
	}{
		"no answer":      {hang(0, ""), "no answer within 50ms"},
		"half an answer": {hang(200, `{"id":"e-1",`), "no answer within 50ms"},
		"half a refusal": {hang(503, `{"detail":`), "503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			h, told := newHub(t, c.hangs, answer(200, ok)), c.told
			c, notes := connect(t, h)
			c.TestOnlyAnswerTime(50 * time.Millisecond)
			got, err := c.Publish(t.Context(), &client.Batch{Stream: "a", Key: "k"}, time.Minute)
			if err != nil || got.ID != "e-1" {
				t.Fatalf("got %+v, %v", got, err)
			}
			if requests := h.got(); len(requests) != 2 || requests[0] != requests[1] {
				t.Errorf("got requests %+v, want the same twice", requests)
			}
			if !strings.Contains(notes.String(), told+"; trying again") {
				t.Errorf("the user was told %q", notes)
			}
		})
	}
	t.Run("ever again", func(t *testing.T) {
		h := newHub(t, hang(0, ""))
		c, _ := connect(t, h)
		c.TestOnlyAnswerTime(50 * time.Millisecond)
		_, err := c.Publish(t.Context(), &client.Batch{Stream: "a", Key: "k"}, 200*time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPublishGivesUpInTheEnd(t *testing.T) {
	h := newHub(t, answer(503, ""))
	c, _ := connect(t, h)
	_, err := c.Publish(t.Context(), &client.Batch{Stream: "a", Key: "k"}, 200*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "503 Service Unavailable") {
		t.Errorf("got %v", err)
	}
}

func TestLinesOfAPipeBecomeEvents(t *testing.T) {
	count := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"id":"e-1","count":%d}`, 4)
	}
	h := newHub(t, count)
	c, _ := connect(t, h)
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, "{\"a\": 1}\r\n\nnot \"JSON\" <b>\n 5 \n[1]")
		_ = w.Close()
	}()
	if _, err := c.Pipe(t.Context(), r, client.PipeOptions{Stream: "a"}); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	keys := map[string]bool{}
	for _, r := range h.got() {
		all.WriteString(r.body)
		keys[r.key] = true
	}
	if want := "{\"a\": 1}\n\"not \\\"JSON\\\" <b>\"\n5\n[1]\n"; all.String() != want {
		t.Errorf("got %q, want %q", all.String(), want)
	}
	if len(keys) != len(h.got()) || keys[""] {
		t.Errorf("got keys %v of %d requests", keys, len(h.got()))
	}
}

func TestAPipeSendsAtOnceWhatComesAlone(t *testing.T) {
	h := newHub(t, answer(200, ok))
	c, _ := connect(t, h)
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := c.Pipe(t.Context(), r, client.PipeOptions{Stream: "a"})
		done <- err
	}()
	for i := 1; i <= 3; i++ {
		if _, err := fmt.Fprintln(w, i); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return len(h.got()) == i })
	}
	_ = w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWhatIsTooMuchForOneRequestGoesInHalves(t *testing.T) {
	most := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }
	h := newHub(t, most)
	var mu sync.Mutex
	var stored []string
	h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		lines := strings.Fields(string(body))
		if len(lines) > 3 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		stored = append(stored, lines...)
		fmt.Fprintf(w, `{"count":%d}`, len(lines))
	})
	c, _ := connect(t, h)
	var in, want strings.Builder
	for i := range 100 {
		fmt.Fprintln(&in, i)
		fmt.Fprint(&want, i, " ")
	}
	n, err := c.Pipe(t.Context(), strings.NewReader(in.String()), client.PipeOptions{Stream: "a"})
	if err != nil || n != 100 {
		t.Fatalf("got %d, %v", n, err)
	}
	if got := strings.Join(stored, " ") + " "; got != want.String() {
		t.Errorf("got %s", got)
	}
}

func TestAPipeEndsWithItsContext(t *testing.T) {
	h := newHub(t, answer(200, ok))
	c, _ := connect(t, h)
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Pipe(ctx, r, client.PipeOptions{Stream: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func event(id string) string {
	return fmt.Sprintf(`{"stream":"a","id":%q,"data":"%s"}`, id, id) + "\n"
}

const hello = `{"hub":"hello","id":"e-0","version":"1","heartbeat_ms":15000,"position":"e-0","streams":["a"]}` + "\n"

var errEnough = errors.New("enough")

// follow follows until the event with the id, and returns the ids.
func follow(t *testing.T, c *client.Client, last string) (ids []string) {
	t.Helper()
	err := c.Follow(t.Context(), url.Values{"stream": {"a"}}, func(e *client.Event) error {
		ids = append(ids, e.ID)
		if e.ID == last {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Errorf("got %v", err)
	}
	return ids
}

func TestFollowingGoesOnWhereItWasCut(t *testing.T) {
	h := newHub(t,
		cut(hello+event("e-1")+event("e-2")+`{"stream":"a","id":"e-3","da`),
		cut(hello+event("e-3")+`{"hub":"heartbeat","id":"e-7","state":"ok"}`+"\n"),
		answer(503, ""),
		answer(200, hello+`{"hub":"bye","reason":"drain","retry_ms":1}`+"\n"),
		cut(hello+`{"hub":"gap","stream":"a","from":"e-7","to":"e-9","lost":1,"reason":"evicted"}`+"\n"+event("e-9")),
	)
	c, notes := connect(t, h)
	if got, want := follow(t, c, "e-9"), []string{"e-1", "e-2", "e-3", "e-9"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var cursors []string
	for _, r := range h.got() {
		cursors = append(cursors, r.cursor)
	}
	// After the third, hello says e-0: a hub says there from where it goes on.
	if want := []string{"", "e-2", "e-7", "e-7", "e-0"}; !slices.Equal(cursors, want) {
		t.Errorf("cursors: got %v, want %v", cursors, want)
	}
	if !strings.Contains(notes.String(), "gap: 1 event is gone from a (evicted)") {
		t.Errorf("the user was told %q", notes)
	}
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	quiet := strings.Replace(hello, "15000", "20", 1)
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, quiet+event("e-1"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}, cut(hello+event("e-2")))
	c, _ := connect(t, h)
	if got, want := follow(t, c, "e-2"), []string{"e-1", "e-2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFollowingFailsWhereTryingAgainIsOfNoUse(t *testing.T) {
	for name, steps := range map[string][]http.HandlerFunc{
		"refused at first":             {answer(400, `{"detail":"No."}`)},
		"away at first":                {answer(503, `{"detail":"No."}`)},
		"refused later":                {cut(hello + event("e-1")), answer(403, `{"detail":"No."}`)},
		"the server is something else": {answer(200, "<html>No.\n")},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := connect(t, newHub(t, steps...))
			err := c.Follow(t.Context(), nil, func(*client.Event) error { return nil })
			if err == nil || !strings.Contains(err.Error(), "No.") && !strings.Contains(err.Error(), "no event") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAddressesOfServers(t *testing.T) {
	for server, fine := range map[string]bool{
		"http://a:1": true, "https://a/sub/": true, "a:1": true, "127.0.0.1:7070": true, "": false, "ftp://a": false, "http://": false, ":": false,
	} {
		if _, err := client.New(server, "", nil); (err == nil) != fine {
			t.Errorf("%q: got %v", server, err)
		}
	}
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("waited in vain")
		}
	}
}
