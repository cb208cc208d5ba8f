package streamgauge

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is an error answer over HTTP as RFC 9457 lays it down. As a handler
// it answers with itself.
type Problem struct {
	Type     string `json:"type"`               // "about:blank": the status says what kind it is
	Title    string `json:"title"`              // the status in words
	Status   int    `json:"status"`             // the HTTP status code
	Detail   string `json:"detail,omitempty"`   // what was wrong, where, and what to do
	Instance string `json:"instance,omitempty"` // the path that was asked for
}

// NewProblem returns a problem with the status and a detail for the person who
// reads it: what was wrong, where, and what to do. A phrase, such as an error's
// text, is made a sentence.
func NewProblem(status int, detail string) *Problem {
	first, size := utf8.DecodeRuneInString(detail)
	detail = string(unicode.ToUpper(first)) + detail[size:]
	if !strings.HasSuffix(detail, ".") {
		detail += "."
	}
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// ServeHTTP answers with the problem as application/problem+json.
func (p *Problem) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := *p
	if answer.Instance == "" {
		answer.Instance = r.URL.Path
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(answer) // a client that has left needs no answer
}
