package streamgauge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/sse"
)

// With gzip everybody gets the same as without: what was before, what comes, and what is said.
func TestAPackedStreamIsTheSame(t *testing.T) {
	for _, transport := range []streamgauge.Transport{streamgauge.TransportAuto, streamgauge.TransportGoroutine} {
		t.Run(string(transport), func(t *testing.T) {
			f := newFixture(t, &streamgauge.Options{Compression: streamgauge.CompressionAlways, Transport: transport, CompileFilter: containing})
			f.settle()
			f.publish("a", 1, 300)
			follow := func(query, accepts string) (*sse.Decoder, *http.Response) {
				r, err := http.NewRequestWithContext(f.Context(), "GET", f.server.URL+"/v1/events?"+query, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Accept-Encoding", accepts) // so that the client leaves it as it is
				response, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { response.Body.Close() })
				var body io.Reader = response.Body
				if response.Header.Get("Content-Encoding") == "gzip" {
					if body, err = gzip.NewReader(body); err != nil {
						t.Fatal(err)
					}
				}
				if !strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Accept-Encoding") {
					t.Error("caches are not told that there are two")
				}
				return sse.NewDecoder(body), response
			}
			plain, response := follow("stream=a&last=300&delivery=all", "identity")
			if got := response.Header.Get("Content-Encoding"); got != "" {
				t.Errorf("whoever wants none gets %s", got)
			}
			var packed []*sse.Decoder
			for _, query := range []string{"stream=a&last=300&delivery=all", "stream=a&last=300", "stream=>&last=300"} {
				d, response := follow(query, "gzip")
				if response.Header.Get("Content-Encoding") != "gzip" {
					t.Fatalf("%s is not packed", query)
				}
				packed = append(packed, d)
			}
			f.publish("a", 301, 300)
			for _, d := range append(packed, plain) {
				next := 1
				for next <= 600 {
					e, err := d.Next()
					if err != nil {
						t.Fatalf("before number %d: %v", next, err)
					}
					if strings.HasPrefix(e.Type, "hub.") {
						continue
					}
					if want := fmt.Sprintf(`"data":{"n":%d}`, next); !strings.Contains(string(e.Data), want) {
						t.Fatalf("got %s, want %s", e.Data, want)
					}
					next++
				}
			}
			go f.hub.Drain(f.Context())
			for _, d := range packed {
				for {
					e, err := d.Next()
					if err != nil {
						t.Fatalf("before hub.bye: %v", err)
					}
					if e.Type == "hub.bye" {
						break
					}
				}
			}
		})
	}
}

// A page is what it was.
func TestAPageIsNotPacked(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{Compression: streamgauge.CompressionAlways})
	f.publish("a", 1, 1)
	f.settle()
	response := f.get("/v1/events?stream=a&last=1", "Accept", "application/json", "Accept-Encoding", "gzip")
	body, _ := io.ReadAll(response.Body)
	if response.Header.Get("Content-Encoding") != "" || !strings.Contains(string(body), `"n":1`) {
		t.Errorf("%v %s", response.Header, body)
	}
}

// How an answer is coded depends on what the client accepts, and what it is sent together.
func TestWhatIsCompressed(t *testing.T) {
	some := &streamgauge.Access{Read: []streamgauge.Grant{{Select: streamgauge.Selection{"a"}, Filter: "1"}}}
	everything := &streamgauge.Access{Read: []streamgauge.Grant{{Select: streamgauge.Selection{">"}}}}
	for _, c := range []struct {
		compression   streamgauge.Compression
		access        *streamgauge.Access
		path, accepts string
		browser       bool
		want          string
	}{
		{"", nil, "/v1/events?stream=>", "gzip", true, "gzip"},
		{"", nil, "/v1/events?stream=>", "gzip, deflate, br, zstd", true, "zstd"},
		{"", nil, "/v1/events?stream=>", "gzip, deflate, br, zstd", false, "gzip"}, // who may stop after a frame
		{"", nil, "/v1/events?stream=>", "gzip, zstd;q=0", true, "gzip"},
		{"", nil, "/v1/events?stream=>", "gzip;\tq=0", true, ""},
		{"", nil, "/v1/events?stream=>", "*", true, "gzip"},
		{"", nil, "/v1/events?stream=>", "br", true, ""},
		{"", everything, "/v1/events?stream=>", "gzip", true, ""},
		{"", everything, "/v1/events?stream=a&stream=b", "gzip", true, ""},
		{"", everything, "/v1/events?stream=a&view=count(b)+every+1s", "gzip", true, ""},
		{"", everything, "/v1/events?stream=a", "gzip", true, "gzip"},
		{"", everything, "/v1/streams/a/events", "zstd", true, "zstd"},
		{"", some, "/v1/streams/a/events", "gzip", true, ""}, // it has what this reader may not see
		{streamgauge.CompressionAlways, everything, "/v1/events?stream=>", "gzip", true, "gzip"},
		{streamgauge.CompressionAlways, some, "/v1/streams/a/events", "gzip", true, "gzip"},
		{streamgauge.CompressionNever, nil, "/v1/streams/a/events", "gzip, zstd", true, ""},
	} {
		f := newFixture(t, &streamgauge.Options{CompileFilter: containing, Compression: c.compression, EncodeZstd: func(dst, _ []byte) []byte { return dst }})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.server.Config.Handler.ServeHTTP(w, r.WithContext(streamgauge.WithAccess(r.Context(), c.access)))
		}))
		r, err := http.NewRequestWithContext(f.Context(), "GET", server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", c.accepts)
		if c.browser {
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Content-Encoding"); got != c.want || response.StatusCode != 200 {
			t.Errorf("%q, access: %t, %s, accepting %s: %d and coding %q, want %q", c.compression, c.access != nil, c.path, c.accepts, response.StatusCode, got, c.want)
		}
		server.CloseClientConnections()
		server.Close()
	}
}

// What twenty panels are sent each second is packed to a third, and all who are sent the same get
// the same bytes.
func TestPackedPanelsAreSmall(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{Compression: streamgauge.CompressionAlways})
	f.settle()
	size := func(accepts string) *counted {
		r, err := http.NewRequestWithContext(f.Context(), "GET", f.server.URL+"/v1/events?stream=shop.>", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", accepts)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return &counted{Reader: response.Body}
	}
	plain, packed := size("identity"), size("gzip")
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	readers := []*sse.Decoder{sse.NewDecoder(plain), sse.NewDecoder(unpacked)}
	var seconds [2][]int
	value := 100.0
	for second := range 20 {
		var batch streamgauge.Batch
		for panel := range 20 {
			value += float64((second*7+panel*13)%11) - 5
			data := fmt.Appendf(nil, `{"value":%.2f,"unit":"ms","region":"eu-%d"}`, value, panel%4)
			batch.Events = append(batch.Events, streamgauge.Event{Stream: fmt.Sprintf("shop.panel-%d", panel), Data: data})
		}
		if _, err := f.hub.PublishBatch(f.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for i, counted := range []*counted{plain, packed} {
			before := counted.n
			for range batch.Events {
				if _, err := readers[i].Next(); err != nil {
					t.Fatal(err)
				}
			}
			seconds[i] = append(seconds[i], counted.n-before)
		}
	}
	sum := func(all []int) (n int) {
		for _, one := range all[1:] { // the first one has what the connection begins with
			n += one
		}
		return n
	}
	ratio := float64(sum(seconds[1])) / float64(sum(seconds[0]))
	t.Logf("%d bytes are packed to %d: %.2f", sum(seconds[0]), sum(seconds[1]), ratio)
	if ratio > 0.35 {
		t.Errorf("packed to %.2f, want at most 0.35", ratio)
	}
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}
