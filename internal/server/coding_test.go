package server_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/streamgauge/streamgauge/sse"
)

// In every coding a client is sent the same, and the end is an end.
func TestAStreamInEveryCoding(t *testing.T) {
	codings := map[string]func(io.Reader) (io.Reader, error){
		"":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	}
	s := start(t, nil)
	const events = 60
	readers := make(map[string]*sse.Decoder)
	for coding, decode := range codings {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/v1/streams/a/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "x-none, "+coding)
		r.Header.Set("Sec-Fetch-Site", "same-origin") // as browsers do, which alone get zstd
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		if got := response.Header.Get("Content-Encoding"); got != coding {
			t.Fatalf("whoever takes %q is sent %q", coding, got)
		}
		body, err := decode(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		readers[coding] = sse.NewDecoder(body)
	}
	for n := range events {
		data := fmt.Sprintf(`{"n":%d,"pad":%q}`, n, strings.Repeat("x", n*n%700))
		response, err := http.Post(s.url+"/v1/streams/a/events", jsonType, strings.NewReader(data))
		if err != nil || response.StatusCode != 200 {
			t.Fatal(response, err)
		}
		response.Body.Close()
		for coding, d := range readers {
			e, err := next(d)
			if err != nil || string(e.Data) != data {
				t.Fatalf("%q: %.50s, %v, want %.50s", coding, e.Data, err, data)
			}
		}
	}
	s.stop()
	for coding, d := range readers {
		e, err := d.Next()
		for err == nil && e.Type != "hub.bye" {
			e, err = d.Next()
		}
		if err != nil {
			t.Fatalf("%q: there is no hub.bye: %v", coding, err)
		}
		if _, err := d.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: after hub.bye: %v, want the end", coding, err)
		}
	}
}

// next returns the next event that was published.
func next(d *sse.Decoder) (e sse.Event, err error) {
	for e.Type != "message" && err == nil {
		e, err = d.Next()
	}
	return e, err
}
