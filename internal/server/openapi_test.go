package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

// document is the served description.
type document map[string]any

func loadDocument(t *testing.T) document {
	t.Helper()
	f := newFixture(t, nil)
	var fromYAML, fromJSON document
	if err := yaml.Unmarshal(f.do("GET", "/v1/openapi.yaml", "").Body.Bytes(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(f.do("GET", "/v1/openapi.json", "").Body.Bytes(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if len(fromYAML) != len(fromJSON) || fromJSON["openapi"] != "3.1.0" {
		t.Fatalf("the JSON is not the YAML: %v", fromJSON)
	}
	return fromJSON
}

// resolve follows a $ref. What stands beside one is a description.
func (d document) resolve(t *testing.T, node any) map[string]any {
	t.Helper()
	m, ok := node.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", node)
	}
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	var at any = map[string]any(d)
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		if at, ok = at.(map[string]any)[name]; !ok {
			t.Fatalf("%s leads nowhere", ref)
		}
	}
	return d.resolve(t, at)
}

func TestTheDescriptionHasTheRoutesAndNoOthers(t *testing.T) {
	d := loadDocument(t)
	var described []string
	for path, item := range d["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	routes := server.Routes()
	slices.Sort(described)
	slices.Sort(routes)
	if !slices.Equal(described, routes) {
		t.Errorf("described: %v\nrouted:    %v", described, routes)
	}
}

func TestEveryReferenceOfTheDescriptionLeadsSomewhere(t *testing.T) {
	d := loadDocument(t)
	used := map[string]bool{}
	var walk func(node any)
	walk = func(node any) {
		switch n := node.(type) {
		case map[string]any:
			if ref, ok := n["$ref"].(string); ok {
				used[ref] = true
				d.resolve(t, n)
			}
			for _, child := range n {
				walk(child)
			}
		case []any:
			for _, child := range n {
				walk(child)
			}
		}
	}
	walk(map[string]any(d))
	for kind, all := range d["components"].(map[string]any) {
		if kind == "securitySchemes" { // named without a reference
			continue
		}
		for name := range all.(map[string]any) {
			// Control events are described for those who read them in a stream.
			if ref := "#/components/" + kind + "/" + name; !used[ref] && !slices.Contains([]string{"Hello", "Heartbeat", "Bye"}, name) {
				t.Errorf("%s is not used", ref)
			}
		}
	}
}

func TestAnswersAreAsDescribed(t *testing.T) {
	d := loadDocument(t)
	f := newFixture(t, func(c *config.Config) { c.Limits.Streams, c.Limits.RequestBytes = 3, 1000 })
	seen := map[string]bool{}
	for _, c := range []struct {
		operation, method, target, body string
		header                          []string
	}{
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/a/events?key=k", "[1,2]", nil},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/a/events", "{", nil},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/hub.a/events", "1", nil},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/a/events", strings.Repeat(" ", 2000), nil},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/a/events", "x", []string{"Content-Type", "text/html"}},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/text.a/events", "1", nil},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/text.a/events", `"a"`, nil},
		{"POST /v1/events", "POST", "/v1/events", `{"stream":"b","data":1,"type":"t"}`, []string{"Idempotency-Key", "k"}},
		{"POST /v1/events", "POST", "/v1/events", `{"stream":"b","data":1,"type":"t"}`, []string{"Idempotency-Key", "k"}},
		{"POST /v1/events", "POST", "/v1/events", `{"stream":"b","data":2}`, []string{"Idempotency-Key", "k"}},
		{"POST /v1/events", "POST", "/v1/events", `{"stream":"d","data":2}`, nil},
		{"POST /v1/events", "POST", "/v1/events", `{}`, nil},
		{"POST /v1/events", "POST", "/v1/events", `{"stream":"hub.a","data":2}`, nil},
		{"POST /v1/events", "POST", "/v1/events", strings.Repeat(" ", 2000), nil},
		{"POST /v1/events", "POST", "/v1/events", "x", []string{"Content-Type", "text/plain"}},
		{"GET /v1/streams", "GET", "/v1/streams", "", nil},
		{"GET /v1/streams", "GET", "/v1/streams?a=b", "", nil},
		{"GET /v1/events", "GET", "/v1/events?stream=%3E", "", []string{"Accept", "application/json"}},
		{"GET /v1/events", "GET", "/v1/events?stream=%3E&last-event-id=garbage", "", []string{"Accept", "application/json"}},
		{"GET /v1/events", "GET", "/v1/events?view=histogram,max(>)+by+stream&view=count(>)", "", []string{"Accept", "application/json"}},
		{"GET /v1/events", "GET", "/v1/events?view=count(a)&stream=a", "", []string{"Accept", "application/json"}},
		{"GET /v1/events", "GET", "/v1/events?view=count", "", []string{"Accept", "application/json"}},
		{"GET /v1/events", "GET", "/v1/events", "", nil},
		{"GET /v1/events", "GET", "/v1/events?stream=a", "", []string{"Accept", "text/html"}},
		{"GET /v1/streams/{stream}/events", "GET", "/v1/streams/a/events?last=1", "", []string{"Accept", "application/json"}},
		{"GET /v1/streams/{stream}/events", "GET", "/v1/streams/a/events?lst=1", "", nil},
		{"GET /v1/streams/{stream}/events", "GET", "/v1/streams/a/events", "", []string{"Accept", "text/html"}},
		{"POST /v1/streams/{stream}/events", "POST", "/v1/streams/d/events", "1", nil},
		{"DELETE /v1/streams/{stream}", "DELETE", "/v1/streams/a", "", nil},
		{"DELETE /v1/streams/{stream}", "DELETE", "/v1/streams/zz", "", nil},
		{"DELETE /v1/streams/{stream}", "DELETE", "/v1/streams/a!", "", nil},
		{"DELETE /v1/streams/{stream}", "DELETE", "/v1/streams/hub.log", "", nil},
		{"GET /v1/dashboards", "GET", "/v1/dashboards", "", nil},
		{"GET /v1/dashboards", "GET", "/v1/dashboards?a=b", "", nil},
		{"GET /v1/dashboards/{name}", "GET", "/v1/dashboards/host", "", nil},
		{"GET /v1/dashboards/{name}", "GET", "/v1/dashboards/host", "", []string{"If-None-Match", f.version("host")}},
		{"GET /v1/dashboards/{name}", "GET", "/v1/dashboards/host?a=b", "", nil},
		{"GET /v1/dashboards/{name}", "GET", "/v1/dashboards/zz", "", nil},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `[{"op":"replace","path":"/title","value":"H"}]`, patchOf("*")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `{}`, patchOf("*")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/zz", `[]`, patchOf("*")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `[{"op":"remove","path":"/rows/99"}]`, patchOf("*")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `[]`, patchOf("old")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", strings.Repeat(" ", dashboard.MaxBytes+1), patchOf("*")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `[]`, []string{"If-Match", "*"}},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `[{"op":"remove","path":"/title"}]`, patchOf("*")},
		{"PATCH /v1/dashboards/{name}", "PATCH", "/v1/dashboards/host", `[]`, nil},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", "title: N\nrows: []\n", putOf("If-None-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", "title: M\nrows: []\n", putOf("If-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/New", "title: M\nrows: []\n", putOf("If-None-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/zz", "title: M\nrows: []\n", putOf("If-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", "title: M\nrows: []\n", putOf("If-None-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", strings.Repeat("#", dashboard.MaxBytes+1), putOf("If-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", "title: M\n", []string{"If-Match", "*"}},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", "titel: M\n", putOf("If-Match", "*")},
		{"PUT /v1/dashboards/{name}", "PUT", "/v1/dashboards/new", "title: M\n", putOf("If", "*")},
		{"DELETE /v1/dashboards/{name}", "DELETE", "/v1/dashboards/new", "", []string{"If-Match", "old"}},
		{"DELETE /v1/dashboards/{name}", "DELETE", "/v1/dashboards/new", "", nil},
		{"DELETE /v1/dashboards/{name}", "DELETE", "/v1/dashboards/new", "", nil},
		{"DELETE /v1/dashboards/{name}", "DELETE", "/v1/dashboards/streamgauge", "", nil},
		{"DELETE /v1/dashboards/{name}", "DELETE", "/v1/dashboards/host?a=b", "", nil},
		{"GET /v1/dashboards/schema.json", "GET", "/v1/dashboards/schema.json", "", nil},
		{"GET /v1/openapi.yaml", "GET", "/v1/openapi.yaml", "", nil},
		{"GET /v1/openapi.json", "GET", "/v1/openapi.json", "", nil},
	} {
		w := f.do(c.method, c.target, c.body, c.header...)
		seen[fmt.Sprint(c.operation, " ", w.Code)] = true
		d.check(t, c.operation, c.method+" "+c.target, w)
	}
	f.breakFolder(t)
	for _, c := range []struct {
		method, body string
		header       []string
	}{
		{"PATCH", `[{"op":"replace","path":"/title","value":"I"}]`, patchOf("*")},
		{"PUT", "title: I\nrows: []\n", putOf("If-Match", "*")},
		{"DELETE", "", nil},
	} {
		w := f.do(c.method, "/v1/dashboards/host", c.body, c.header...)
		seen[fmt.Sprint(c.method, " /v1/dashboards/{name} ", w.Code)] = true
		d.check(t, c.method+" /v1/dashboards/{name}", c.method+" in a folder that can't be written to", w)
	}
	if err := f.log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, operation := range server.Routes() {
		if method, path, _ := strings.Cut(operation, " "); strings.Contains(path, "events") || strings.Contains(path, "streams") {
			w := f.do(method, strings.Replace(path, "{stream}", "a", 1)+map[string]string{"GET /v1/events": "?stream=a"}[operation], `{"stream":"a","data":1}`, "Accept", "application/json")
			seen[fmt.Sprint(operation, " ", w.Code)] = true
			d.check(t, operation, operation+" while the log is closed", w)
		}
	}
	for _, w := range accessAnswers(t) {
		seen[fmt.Sprint(w.operation, " ", w.Code)] = true
		d.check(t, w.operation, w.operation+" with access in mind", w.ResponseRecorder)
	}
	// What is described is also answered. 408 needs a socket.
	for _, operation := range server.Routes() {
		for status := range d.operation(t, operation)["responses"].(map[string]any) {
			if status != "408" && !seen[operation+" "+status] {
				t.Errorf("%s never answered %s", operation, status)
			}
		}
	}
}

func TestAsManySelectorsAsDescribedAreTaken(t *testing.T) {
	f := newFixture(t, nil)
	d := loadDocument(t)
	parameter := d.resolve(t, map[string]any{"$ref": "#/components/parameters/select"})
	selectors, ok := parameter["schema"].(map[string]any)["maxItems"].(float64)
	if !ok {
		t.Fatalf("the description has no maxItems: %v", parameter)
	}
	patterns := 0
	if found := regexp.MustCompile(`(\d+) may be\s+patterns`).FindStringSubmatch(parameter["description"].(string)); found != nil {
		patterns, _ = strconv.Atoi(found[1])
	}
	for name, c := range map[string]struct {
		format string
		n      int
	}{
		"streams":  {"stream=s%d", int(selectors)},
		"patterns": {"stream=p%d.*", patterns},
	} {
		for more, status := range []int{http.StatusOK, http.StatusBadRequest} {
			var query []string
			for i := range c.n + more {
				query = append(query, fmt.Sprintf(c.format, i))
			}
			if w := f.do("GET", "/v1/events?"+strings.Join(query, "&"), "", "Accept", "application/json"); w.Code != status {
				t.Errorf("%d %s: got %d, want %d: %.200s", c.n+more, name, w.Code, status, w.Body)
			}
		}
	}
}

func (d document) operation(t *testing.T, name string) map[string]any {
	t.Helper()
	method, path, _ := strings.Cut(name, " ")
	return d.resolve(t, d.resolve(t, d["paths"].(map[string]any)[path])[strings.ToLower(method)])
}

func (d document) check(t *testing.T, operation, request string, w *httptest.ResponseRecorder) {
	t.Helper()
	answer, ok := d.operation(t, operation)["responses"].(map[string]any)[fmt.Sprint(w.Code)]
	if !ok {
		t.Errorf("%s: %d is not described: %s", request, w.Code, w.Body)
		return
	}
	response := d.resolve(t, answer)
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if w.Body.Len() > 0 {
			t.Errorf("%s: a body that is not described: %s", request, w.Body)
		}
		return
	}
	media, ok := content[w.Header().Get("Content-Type")]
	if !ok {
		t.Errorf("%s: %d with Content-Type %q is not described", request, w.Code, w.Header().Get("Content-Type"))
		return
	}
	headers, _ := response["headers"].(map[string]any)
	_, described := headers["Retry-After"]
	wants := w.Code == http.StatusServiceUnavailable || w.Code == http.StatusTooManyRequests
	if sent := w.Header().Get("Retry-After") != ""; sent != wants || described != wants {
		t.Errorf("%s: %d has a Retry-After: %v, described: %v; want %v", request, w.Code, sent, described, wants)
	}
	if !strings.HasSuffix(w.Header().Get("Content-Type"), "json") || strings.Contains(operation, "openapi") {
		return
	}
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Errorf("%s: %v in %s", request, err, w.Body)
		return
	}
	for _, fault := range d.validate(t, media.(map[string]any)["schema"], body, "$") {
		t.Errorf("%s: %s in %s", request, fault, w.Body)
	}
}

// validate checks the value against what of JSON Schema the description uses.
// Objects must not have members that aren't described.
func (d document) validate(t *testing.T, schema, value any, at string) (faults []string) {
	t.Helper()
	s := d.resolve(t, schema)
	if types := typesOf(s["type"]); len(types) > 0 && !slices.Contains(types, typeOf(value)) &&
		!(typeOf(value) == "integer" && slices.Contains(types, "number")) {
		return []string{fmt.Sprintf("%s is %s, not %v", at, typeOf(value), types)}
	}
	if all, ok := s["oneOf"].([]any); ok {
		fitting := slices.DeleteFunc(slices.Clone(all), func(one any) bool { return len(d.validate(t, one, value, at)) > 0 })
		if len(fitting) != 1 {
			faults = append(faults, fmt.Sprintf("%s fits %d of %d schemas", at, len(fitting), len(all)))
		}
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, value) {
		faults = append(faults, fmt.Sprintf("%s is %v, not one of %v", at, value, enum))
	}
	switch v := value.(type) {
	case string:
		if pattern, ok := s["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			faults = append(faults, fmt.Sprintf("%s is %q, not like %s", at, v, pattern))
		}
	case float64:
		if least, ok := s["minimum"].(float64); ok && v < least {
			faults = append(faults, fmt.Sprintf("%s is %v, less than %v", at, v, least))
		}
	case []any:
		for i, one := range v {
			faults = append(faults, d.validate(t, s["items"], one, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		properties, ok := s["properties"].(map[string]any)
		if !ok {
			return faults
		}
		for _, name := range asSlice(s["required"]) {
			if _, ok := v[name.(string)]; !ok {
				faults = append(faults, fmt.Sprintf("%s has no %s", at, name))
			}
		}
		for name, one := range v {
			if properties[name] == nil {
				faults = append(faults, fmt.Sprintf("%s.%s is not described", at, name))
				continue
			}
			faults = append(faults, d.validate(t, properties[name], one, at+"."+name)...)
		}
	}
	return faults
}

func asSlice(v any) []any {
	list, _ := v.([]any)
	return list
}

func typesOf(v any) (out []string) {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	for _, one := range asSlice(v) {
		out = append(out, one.(string))
	}
	return out
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}
