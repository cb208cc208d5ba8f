package dashboard

import (
	"regexp"
	"slices"
	"strings"
)

// use is a variable in a text. A name ends where no character can go on with it.
var use = regexp.MustCompile(`\$[a-z][a-z0-9_]*`)

// variablesIn returns the names of the variables that the text uses.
func variablesIn(s string) (names []string) {
	for _, one := range use.FindAllString(s, -1) {
		if !slices.Contains(names, one[1:]) {
			names = append(names, one[1:])
		}
	}
	return names
}

// expand puts the value in place of each variable.
func expand(s, value string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	return use.ReplaceAllLiteralString(s, value)
}

// expandView puts what "nothing is chosen" means in place of each variable of a
// view: an empty text within the condition after "where", and "*" before it.
func expandView(s string) string {
	head, where := cutWhere(s)
	return expand(head, "*") + expand(where, `""`)
}

// cutWhere cuts a view before its "where". Pointers in quotes may have any word.
func cutWhere(s string) (head, where string) {
	closed := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case s[i] == ')':
			closed = true
		case closed && strings.HasPrefix(s[i:], "where") && strings.ContainsAny(s[i-1:i], ") \t\n\"") && i+5 < len(s) && strings.ContainsAny(s[i+5:i+6], " \t\n("):
			return s[:i], s[i:]
		}
	}
	return s, ""
}
