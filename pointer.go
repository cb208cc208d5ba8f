package streamgauge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// checkPointer reports what is wrong with an RFC 6901 JSON pointer. An empty
// one points at the whole document and is fine.
func checkPointer(p string) error {
	if p != "" && p[0] != '/' {
		return fmt.Errorf("%q is not a JSON pointer: it must begin with \"/\"", p)
	}
	for i := range len(p) {
		if p[i] == '~' && (i+1 == len(p) || p[i+1] != '0' && p[i+1] != '1') {
			return fmt.Errorf("%q is not a JSON pointer: \"~\" must be followed by 0 or 1", p)
		}
	}
	return nil
}

var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

// keyAt returns the scalar that the pointer names in the JSON data as a key: a
// string as it is, a number or a literal as written. It returns "" for what
// isn't there, isn't a scalar or can't be a key.
func keyAt(data []byte, pointer string) string {
	if pointer == "" {
		return ""
	}
	raw := json.RawMessage(data)
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = unescapePointer.Replace(token)
		raw = bytes.TrimLeft(raw, " \t")
		switch {
		case len(raw) > 0 && raw[0] == '{':
			var object map[string]json.RawMessage
			if json.Unmarshal(raw, &object) != nil {
				return ""
			}
			raw = object[token]
		case len(raw) > 0 && raw[0] == '[':
			var array []json.RawMessage
			if json.Unmarshal(raw, &array) != nil {
				return ""
			}
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(array) {
				return ""
			}
			raw = array[i]
		default:
			return ""
		}
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	key := string(raw)
	if raw[0] == '"' && json.Unmarshal(raw, &key) != nil {
		return ""
	}
	if CheckKey(key) != nil {
		return ""
	}
	return key
}
