//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A receipt is the answer to a publish request.
type receipt struct {
	status int
	ID     string `json:"id"`
	Count  int    `json:"count"`

	Duplicate bool `json:"duplicate"`

	Title  string `json:"title"`  // of a problem
	Detail string `json:"detail"` // of a problem
}

var publishClient = &http.Client{Timeout: 30 * time.Second}

// publish sends one request. A key, if it is not empty, makes a retry harmless.
func publish(address, path, contentType, body, key string) (r receipt, err error) {
	req, err := http.NewRequest("POST", "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return r, err
	}
	req.Header.Set("Content-Type", contentType)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
		// The key is what makes a retry harmless, not the transport's guess.
		req.GetBody = nil
	}
	resp, err := publishClient.Do(req)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return r, fmt.Errorf("%s: %w: %.200q", resp.Status, err, answer)
	}
	r.status = resp.StatusCode
	return r, nil
}

// mustPublish publishes to one stream, as lines of JSON, what must be accepted.
func mustPublish(t *testing.T, address, stream string, events ...string) receipt {
	t.Helper()
	r, err := publish(address, "/v1/streams/"+stream+"/events", "application/x-ndjson", strings.Join(events, "\n"), "")
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("publish to %s: status %d %s, %v", stream, r.status, r.Detail, err)
	}
	return r
}

// numbers returns events whose data is the numbers of the range.
func numbers(from, through int) []string {
	out := make([]string, 0, through-from+1)
	for n := from; n <= through; n++ {
		out = append(out, fmt.Sprintf(`{"n":%d}`, n))
	}
	return out
}
