package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Streams that not everybody may see, whatever is granted.
const (
	// Stream is where tokens and keys are kept. Nobody may read it.
	Stream = streamgauge.ReservedPrefix + "auth"
	// EndedStream says which sessions were ended before their time. Nobody may read it.
	EndedStream = streamgauge.ReservedPrefix + "ended"
	// AuditStream says who did what. Administrators may read it.
	AuditStream = streamgauge.ReservedPrefix + "audit"
	// RefusedStream says what was refused. Administrators may read it.
	RefusedStream = streamgauge.ReservedPrefix + "refused"
)

// Private are those that nobody may read.
var Private = streamgauge.Selection{Stream, EndedStream}

// Rights are what somebody may do.
type Rights struct {
	Read  []streamgauge.Grant
	Write streamgauge.Selection
	Admin bool // everything, and to let others in
}

var everything = streamgauge.Selection{">"}

// allRights are an administrator's.
func allRights() Rights {
	return Rights{Read: []streamgauge.Grant{{Select: everything}}, Write: everything, Admin: true}
}

// access returns what the hub lets them do.
func (r *Rights) access(id string, expires time.Time) *streamgauge.Access {
	a := &streamgauge.Access{
		ID: id, Read: r.Read, Write: r.Write, Expires: expires,
	}
	if !r.Admin {
		a.Except = streamgauge.Selection{AuditStream, RefusedStream}
	}
	return a
}

// only leaves of the rights to read what is within others.
func (r *Rights) only(others []streamgauge.Grant) {
	var read []streamgauge.Grant
	for _, mine := range r.Read {
		for _, other := range others {
			both := streamgauge.Grant{Select: mine.Select.Within(other.Select), Filter: mine.Filter}
			switch {
			case len(both.Select) == 0:
				continue
			case both.Filter == "":
				both.Filter = other.Filter
			case other.Filter != "" && other.Filter != both.Filter:
				// On lines of their own: a comment at the end of one must not swallow the other.
				both.Filter = "(" + both.Filter + "\n) and (" + other.Filter + "\n)"
			}
			read = append(read, both)
		}
	}
	*r = Rights{Read: read}
}

// add adds other rights.
func (r *Rights) add(other Rights) {
	if other.Admin {
		*r = allRights()
	}
	if r.Admin {
		return
	}
	r.Read = append(r.Read, other.Read...)
	r.Write = append(slices.Clip(r.Write), other.Write...)
}

// rightsJSON is how rights are written in requests, records and claims.
type rightsJSON struct {
	Read  []string `json:"read,omitempty"`
	Where string   `json:"where,omitempty"` // which events of Read
	Write []string `json:"write,omitempty"`
	Admin bool     `json:"admin,omitempty"`
}

func (j *rightsJSON) rights(check func(filter string) error) (r Rights, err error) {
	if j.Admin {
		if len(j.Read)+len(j.Write) > 0 || j.Where != "" {
			return r, fmt.Errorf("admin is everything: leave read, where and write out")
		}
		return allRights(), nil
	}
	if len(j.Read) > 0 {
		g := streamgauge.Grant{Filter: strings.TrimSpace(j.Where)}
		if g.Select, err = streamgauge.NewSelection(j.Read...); err != nil {
			return r, fmt.Errorf("read: %w", err)
		}
		if g.Filter != "" {
			if err := check(g.Filter); err != nil {
				return r, fmt.Errorf("where: %w", err)
			}
		}
		r.Read = append(r.Read, g)
	} else if j.Where != "" {
		return r, fmt.Errorf("where: says which events of read may be seen, and nothing may be read")
	}
	if len(j.Write) > 0 {
		if r.Write, err = streamgauge.NewSelection(j.Write...); err != nil {
			return r, fmt.Errorf("write: %w", err)
		}
	}
	if len(r.Read)+len(r.Write) == 0 {
		return r, fmt.Errorf("nothing is granted: say read, write or admin")
	}
	return r, nil
}

// expand puts the user's own values in the place of user.NAME in a filter. A value that
// there is not is an error: who has no tenant must not see those of all.
func expand(filter string, values map[string]any) (string, error) {
	return substitute(filter, func(name string) (string, error) {
		value, ok := values[name]
		if !ok || value == nil {
			return "", fmt.Errorf("there is no user.%s", name)
		}
		text, err := json.Marshal(value)
		return string(text), err
	})
}

// substitute puts values in the place of user.NAME.
func substitute(filter string, valueOf func(name string) (string, error)) (string, error) {
	var out strings.Builder
	for at := 0; at < len(filter); {
		c := filter[at]
		switch {
		case c == '"' || c == '\'' || c == '`':
			end := at + 1
			for end < len(filter) && filter[end] != c {
				if filter[end] == '\\' && c != '`' {
					end++
				}
				end++
			}
			end = min(end+1, len(filter))
			out.WriteString(filter[at:end])
			at = end
		case c == '/' && at+1 < len(filter) && (filter[at+1] == '/' || filter[at+1] == '*'):
			// What stands in a comment could make this and the compiler disagree on where a
			// string begins.
			return "", errors.New("a filter with user.… can't have comments")
		case isWord(c):
			end := at
			for end < len(filter) && isWord(filter[end]) {
				end++
			}
			before := strings.TrimRight(filter[:at], " \t\r\n")
			name, isUser := strings.CutPrefix(filter[end:], ".")
			if filter[at:end] != "user" || !isUser || strings.HasSuffix(before, ".") {
				out.WriteString(filter[at:end])
				at = end
				continue
			}
			length := 0
			for length < len(name) && isWord(name[length]) {
				length++
			}
			text, err := valueOf(name[:length])
			if err != nil {
				return "", err
			}
			out.WriteString(text)
			at = end + 1 + length
		default:
			out.WriteByte(c)
			at++
		}
	}
	return out.String(), nil
}

// CheckCondition says what is wrong with a grant's condition, whoever it will be for.
func CheckCondition(source string, check func(filter string) error) error {
	// Any value does: what can be done with it is known when there is one.
	filter, err := substitute(source, func(string) (string, error) { return `"x"`, nil })
	if err != nil {
		return err
	}
	return check(filter)
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
