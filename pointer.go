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
	return string(scalarKey(findPath(data, splitPointer(pointer))))
}

// splitPointer returns the names on the way to what the pointer points at.
func splitPointer(pointer string) []string {
	if pointer == "" {
		return nil
	}
	path := strings.Split(pointer[1:], "/")
	for i := range path {
		path[i] = unescapePointer.Replace(path[i])
	}
	return path
}

// scalarKey returns a JSON value as a key, or nothing if it can't be one.
func scalarKey(raw []byte) []byte {
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return nil
	}
	key := raw
	if raw[0] == '"' {
		if bytes.IndexByte(raw, '\\') < 0 {
			key = raw[1:max(1, len(raw)-1)]
		} else if key = unquote(raw); key == nil {
			return nil
		}
	}
	if !plainKey(key) && CheckKey(string(key)) != nil {
		return nil
	}
	return key
}

// plainKey says at a glance that there is nothing wrong with a key.
func plainKey(key []byte) bool {
	for _, c := range key {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return len(key) <= MaxKeyBytes
}

func unquote(raw []byte) []byte {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return []byte(s)
}

// findPath returns the JSON of what the path leads to in the data, without
// blanks around it, or nothing if that isn't there. It decodes nothing that is
// not on the way. Of data that are not JSON it returns anything.
func findPath(data []byte, path []string) []byte {
	raw := data[skipBlanks(data, 0):]
	for _, name := range path {
		switch {
		case len(raw) > 0 && raw[0] == '{':
			raw = findMember(raw, name)
		case len(raw) > 0 && raw[0] == '[':
			raw = findElement(raw, name)
		default:
			return nil
		}
	}
	return raw[:skipValue(raw, 0)]
}

// findMember returns what begins with the member of the object: with the last of
// that name, as encoding/json has it.
func findMember(object []byte, name string) (found []byte) {
	for i := skipBlanks(object, 1); i < len(object) && object[i] == '"'; {
		end := skipValue(object, i)
		key := object[i:end]
		value := skipBlanks(object, skipBlanks(object, end)+1) // over the colon
		if value > len(object) {
			return nil
		}
		if isKey(key, name) {
			found = object[value:]
		}
		i = skipBlanks(object, skipBlanks(object, skipValue(object, value))+1) // over the comma
	}
	return found
}

func isKey(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		return string(unquote(quoted)) == name
	}
	return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
}

func findElement(array []byte, index string) []byte {
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || strconv.Itoa(n) != index {
		return nil
	}
	for i := skipBlanks(array, 1); i < len(array) && array[i] != ']'; n-- {
		if n == 0 {
			return array[i:]
		}
		i = skipBlanks(array, skipBlanks(array, skipValue(array, i))+1) // over the comma
	}
	return nil
}

func skipBlanks(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns where the value ends that begins at i.
func skipValue(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			i = min(i+1, len(data))
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			for i < len(data) && isScalarByte(data[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(data)
}

// isScalarByte reports whether a number or a literal goes on with c.
func isScalarByte(c byte) bool {
	switch c {
	case '"', '{', '[', '}', ']', ',', ':', ' ', '\t', '\n', '\r':
		return false
	}
	return true
}
