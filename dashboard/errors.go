package dashboard

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a file.
type Error struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // in characters, from 1
	Path    string `json:"path"`   // JSON pointer to what is wrong; empty is the file
	Message string `json:"message"`
}

// Error says where, what, and what to do.
func (e *Error) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path == "" {
		return where + e.Message
	}
	return where + dotted(e.Path) + " " + e.Message
}

// dotted returns a JSON pointer as people write it: rows[0].panels[2].width.
func dotted(path string) string {
	var b strings.Builder
	for token := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch {
		case isIndex(token):
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + unescape(token))
		default:
			b.WriteString(unescape(token))
		}
	}
	return b.String()
}

// Errors are all that is wrong with a file, in its order.
type Errors []*Error

// Error lists them, one per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}
