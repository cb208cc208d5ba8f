//go:build linux

package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const adminToken = "an-administrators-token"

// asAdmin sends JSON as the administrator and decodes the answer, if there is one.
func asAdmin(t *testing.T, method, url, body string, into any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %s: %s", method, url, resp.Status, text)
		}
	}
	return resp.StatusCode
}

// What one instance gives or takes, all do, also for those who are connected, and after all
// have been started again.
func TestAccessIsTheSameAtAllInstances(t *testing.T) {
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setting, _ := start(t)
			sameAccess(t, setting)
		})
	}
}

func sameAccess(t *testing.T, setting string) {
	var servers [2]*server
	for i := range servers {
		servers[i] = newServer(t, setting)
		servers[i].env = []string{"STREAMGAUGE_AUTH_ADMIN_TOKEN=" + adminToken}
		servers[i].start()
	}
	one, two := "http://"+servers[0].api, "http://"+servers[1].api
	follow := func(url, token string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/streams/x/events", nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", "text/event-stream")
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			t.Cleanup(func() { resp.Body.Close() })
		}
		return resp, err
	}
	believed := func(url, token string) func() bool {
		return func() bool {
			resp, err := follow(url, token)
			return err == nil && resp.StatusCode == http.StatusOK
		}
	}
	var made, kept struct{ Token, ID string }
	asAdmin(t, "POST", one+"/v1/tokens", `{"name":"kept","read":["x"]}`, &kept)
	asAdmin(t, "POST", one+"/v1/tokens", `{"name":"revoked","read":["x"]}`, &made)
	began := time.Now()
	eventually(t, 5*time.Second, "another instance believes the token", believed(two, made.Token))
	known := time.Since(began)

	open, err := follow(one, made.Token)
	if err != nil || open.StatusCode != http.StatusOK {
		t.Fatal(open, err)
	}
	began = time.Now()
	if code := asAdmin(t, "DELETE", two+"/v1/tokens/"+made.ID, "", nil); code != http.StatusNoContent {
		t.Fatalf("revoking it: %d", code)
	}
	said, err := io.ReadAll(open.Body)
	ended := time.Since(began)
	if err != nil || !strings.Contains(string(said), `"reason":"revoked"`) || ended > 5*time.Second {
		t.Errorf("a stream at the other instance ended after %v with %v: %s", ended, err, said)
	}
	t.Logf("a token is believed elsewhere after %v; a stream elsewhere ends %v after it was revoked", known.Round(time.Millisecond), ended.Round(time.Millisecond))
	for _, s := range servers {
		s.kill()
	}
	for i, s := range servers {
		s.start()
		if resp, err := follow("http://"+s.api, made.Token); err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("after a restart instance %d believes what was revoked: %v, %v", i, resp, err)
		}
		if !believed("http://"+s.api, kept.Token)() {
			t.Errorf("after a restart instance %d does not believe what was not", i)
		}
	}
	if code := asAdmin(t, "GET", one+"/v1/streams", "", nil); code != http.StatusOK {
		t.Errorf("the administrator: %d", code)
	}
}
