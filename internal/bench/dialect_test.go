package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// What others send, as they were seen to.
func TestEventsAreFoundInWhatOthersSend(t *testing.T) {
	data := bench.Centrifugo().Data
	for _, test := range []struct{ name, message, want string }{
		{"an event", `{"channel":"bench.x.0","pub":{"data":{"p":1,"n":2,"due":3,"pad":"abc","sum":"00000000"}}}`, `{"p":1,"n":2,"due":3,"pad":"abc","sum":"00000000"}`},
		{"one of a channel with history", `{"channel":"a","pub":{"data":{"p":1,"n":2,"due":3,"pad":"","sum":"00000000"},"offset":7}}`, `{"p":1,"n":2,"due":3,"pad":"","sum":"00000000"}`},
		{"the answer to who connects", `{"connect":{"client":"9ffb2595","version":"6","subs":{"bench.x.0":{}},"ping":25}}`, ""},
		{"a ping", `{}`, ""},
		{"an event that is torn", `{"channel":"a","pub":{"data":{"p":1,"n":2`, ""},
	} {
		if got := data([]byte(test.message)); string(got) != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// A run talks to a server in its dialect, and finds what that has left out.
func TestRunsInOtherDialects(t *testing.T) {
	const token = "may.publish"
	decode := func(body []byte) ([]byte, error) {
		var request struct{ Data json.RawMessage }
		return request.Data, json.Unmarshal(body, &request)
	}
	for _, test := range []struct {
		name      string
		dialect   *bench.Dialect
		subscribe string
		publish   string
		event     func(*http.Request) ([]byte, error)
		hello     string
		message   string
	}{
		{
			"Mercure", bench.Mercure(token), "GET /.well-known/mercure", "POST /.well-known/mercure",
			func(r *http.Request) ([]byte, error) {
				if r.Header.Get("Authorization") != "Bearer "+token || !strings.HasPrefix(r.PostFormValue("topic"), "bench.") {
					return nil, fmt.Errorf("%v, %v", r.Header, r.PostForm)
				}
				return []byte(r.PostFormValue("data")), nil
			},
			":\n\n", "id: urn:uuid:9a3fddd9-c4d3-43fa-bc80-5a79f44c0d50\ndata: %s\n\n",
		},
		{
			"Centrifugo", bench.Centrifugo(), "GET /connection/uni_sse", "POST /api/publish",
			func(r *http.Request) ([]byte, error) {
				body, _ := io.ReadAll(r.Body)
				return decode(body)
			},
			"\r\ndata: {}\n\n", `data: {"channel":"a","pub":{"data":%s}}` + "\n\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			events := make(chan []byte, 1000)
			mux := http.NewServeMux()
			mux.HandleFunc(test.subscribe, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, test.hello)
				w.(http.Flusher).Flush()
				for n := 1; ; n++ {
					select {
					case e := <-events:
						if n%10 > 0 {
							fmt.Fprintf(w, test.message, e)
							w.(http.Flusher).Flush()
						}
					case <-r.Context().Done():
						return
					}
				}
			})
			mux.HandleFunc(test.publish, func(w http.ResponseWriter, r *http.Request) {
				event, err := test.event(r)
				if err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
				}
				events <- event
			})
			o := bench.Defaults(bench.FanOut)
			o.URL, o.Peer = newServer(t, mux), test.dialect
			o.Subscribers, o.Rate, o.Warmup, o.Duration = 1, 100, 0, 305*time.Millisecond
			r, err := bench.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Acked < 10 || r.Checked != r.Acked-r.Lost || r.Lost != r.Acked/10 {
				t.Errorf("%d events were acknowledged, %d came, %d are said to be lost, want each tenth: %s", r.Acked, r.Checked, r.Lost, r.Violations)
			}
		})
	}
}

func TestARefusalWithinAnAnswerIsFoundOut(t *testing.T) {
	server := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"error":{"code":107,"message":"bad request"}}`)
	}))
	o := bench.Defaults(bench.Publish)
	o.URL, o.Peer, o.Duration = server, bench.Centrifugo(), 100*time.Millisecond
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "bad request") {
		t.Errorf("the error is %v", err)
	}
	o.Batch = 2
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "one event in a request") {
		t.Errorf("of a batch the error is %v", err)
	}
}
