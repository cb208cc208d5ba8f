package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What unpacks to far more than any events do is refused before it is unpacked whole.
func TestABodyThatUnpacksToMuchIsRefusedEarly(t *testing.T) {
	f := newFixture(t, nil)
	line := `{"level":"info","msg":"request served","path":"/api/orders","status":200,"ms":`
	var alike strings.Builder
	for n := range 9_900 {
		fmt.Fprintf(&alike, "%s%d,\"n\":[0,0,0,0,0,0,0,0,0,0,0,0]}\n", line, n%7)
	}
	for name, test := range map[string]struct {
		body, kind string
		code       int
		want       string
	}{
		"events that are nearly alike": {alike.String(), "application/x-ndjson", http.StatusOK, ""},
		"a bomb":                       {`"` + strings.Repeat("x", 4<<20) + `"`, "application/json", http.StatusRequestEntityTooLarge, "more than 500 times"},
		"a short one":                  {`"` + strings.Repeat("x", 200<<10) + `"`, "application/json", http.StatusOK, ""},
	} {
		packed := gzipped(t, test.body)
		w := f.do("POST", "/v1/streams/a/events", packed, "Content-Type", test.kind, "Content-Encoding", "gzip")
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s, %d times as long unpacked: got %d %.300s", name, len(test.body)/len(packed), w.Code, w.Body)
		}
	}
}
