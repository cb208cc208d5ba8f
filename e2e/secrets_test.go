//go:build linux

package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/redistest"
)

// What is secret is in no log, answer, metric, profile or stream, and in no print of the
// configuration, wherever it came in.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const canary = "cAnArY0123456789abcdef" // every secret has it
	redis := redistest.Start(t, "--save", "")
	redis.Do("CONFIG", "SET", "requirepass", canary)
	s := newServer(t, fmt.Sprintf(`
heartbeat: 1s
sources: {self: {every: 1s}}
auth:
  issuers: [{issuer: "https://id.example", audience: a, algorithms: [HS256], secret: %s-of-32-bytes-and-more}]
`, canary))
	s.env = []string{"STREAMGAUGE_AUTH_ADMIN_TOKEN=" + canary, "STREAMGAUGE_LOG=redis://:" + canary + "@" + redis.Addr}
	s.start()

	// seen is everything that the server has said, by what was asked.
	seen := map[string]string{}
	do := func(method, url string, header ...string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"token":"sg_x_`+canary+`","code":"`+canary+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, url, err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
		text := fmt.Sprint(resp.Status, resp.Header) + string(body)
		seen[fmt.Sprint(method, " ", strings.ReplaceAll(url, canary, "…"), " with ", strings.ReplaceAll(fmt.Sprint(header), canary, "…"))] = text
		return text
	}
	api := "http://" + s.api
	admin := []string{"Authorization", "Bearer " + canary, "Accept", "application/json"}
	if got := do("GET", api+"/v1/tokens", admin...); !strings.HasPrefix(got, "200") {
		t.Fatalf("the administrator is not let in: %s", got)
	}
	for _, header := range [][]string{
		{"Authorization", "Bearer wrong" + canary}, {"Authorization", "Basic " + canary}, {"Authorization", canary},
		{"Authorization", "Bearer sg_admin_" + canary}, {"Authorization", "Bearer a." + canary + ".c"},
		{"Cookie", "__Host-streamgauge=" + canary}, {"Cookie", canary}, {"X-Forwarded-User", canary}, {"Idempotency-Key", canary}, {"Last-Event-ID", canary},
	} {
		for _, path := range []string{"/v1/streams", "/v1/session", "/v1/streams/a/events", "/v1/tokens"} {
			for _, method := range []string{"GET", "POST", "DELETE", "PUT"} {
				do(method, api+path, append(header, "Accept", "application/json")...)
			}
		}
	}
	do("GET", api+"/v1/streams/a/events?ticket="+canary)
	do("GET", api+"/v1/streams/a/events?ticket="+canary, admin...)
	do("GET", api+"/v1/streams/a/events?token="+canary, admin...)
	do("GET", api+"/v1/events?stream=a&last-event-id="+canary, admin...)
	do("POST", api+"/v1/session")
	do("POST", api+"/v1/tokens", admin...)
	for _, path := range []string{"/metrics", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/readyz", "/"} {
		do("GET", "http://"+s.admin+path)
	}
	eventually(t, 10*time.Second, "what was refused is written down", func() bool {
		return strings.Contains(do("GET", api+"/v1/streams/hub.refused/events?last=1000", admin...), "was not believed")
	})
	for _, path := range []string{"/v1/streams", "/v1/events?stream=>&last=1000", "/v1/streams/hub.audit/events?last=1000", "/v1/streams/hub.refused/events?last=1000", "/v1/streams/hub.log/events?last=1000", "/v1/dashboards", "/v1/session"} {
		do("GET", api+path, admin...)
	}
	check := exec.Command(binary, append([]string{"check"}, s.command[1:]...)...)
	check.Env, check.Dir = append(environment(), s.env...), s.dir
	printed, err := check.CombinedOutput()
	if err != nil {
		t.Errorf("check: %v: %s", err, printed)
	}
	seen["check"] = string(printed)
	s.stop()
	seen["the server's output"] = s.output.String()
	if strings.TrimSpace(seen["the server's output"]) == "" {
		t.Error("the server has said nothing")
	}
	wrong := exec.Command(binary, "--log", "redis://:"+canary+"x@"+redis.Addr, "--listen", "127.0.0.1:0", "--admin", "off")
	wrong.Env, wrong.Dir = environment(), s.dir
	printed, _ = wrong.CombinedOutput()
	seen["a start with a wrong password"] = string(printed)
	for what, text := range seen {
		if i := strings.Index(text, canary); i >= 0 {
			t.Errorf("%s tells it: …%s…", what, text[max(0, i-80):min(len(text), i+60)])
		}
	}
	_ = filepath.WalkDir(filepath.Join(s.dir, "data"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), canary) {
			t.Errorf("%s has it", path)
		}
		return nil
	})
}
