package streamgauge

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
)

// decodePath is findPath the slow way.
func decodePath(data []byte, path []string) []byte {
	raw := json.RawMessage(data)
	for _, name := range path {
		raw = bytes.TrimSpace(raw)
		switch {
		case len(raw) > 0 && raw[0] == '{':
			var object map[string]json.RawMessage
			if json.Unmarshal(raw, &object) != nil {
				return nil
			}
			raw = object[name]
		case len(raw) > 0 && raw[0] == '[':
			var array []json.RawMessage
			i, err := strconv.Atoi(name)
			if json.Unmarshal(raw, &array) != nil || err != nil || strconv.Itoa(i) != name || i < 0 || i >= len(array) {
				return nil
			}
			raw = array[i]
		default:
			return nil
		}
	}
	return bytes.TrimSpace(raw)
}

func FuzzAPointerFindsWhatDecodingFinds(f *testing.F) {
	for _, seed := range []struct{ data, pointer string }{
		{`{"a":{"b":[1,2,{"c":"d"}]}}`, "/a/b/2/c"},
		{`{"a":1,"a":2}`, "/a"},
		{`{"a\u0062":"\"","":[[],{}]}`, "/ab"},
		{` [ { } , "]" , -1e5 ] `, "/2"},
		{`{"a":"x}","b":[]}`, "/b"},
		{`{"~/":null}`, "/~0~1"},
		{`12`, ""},
		{`{"a"`, "/a"},
		{`{"a":[,1]}`, "/a/1"},
	} {
		f.Add([]byte(seed.data), seed.pointer)
	}
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		if checkPointer(pointer) != nil {
			return
		}
		path := splitPointer(pointer)
		got := findPath(data, path) // must not panic, whatever the data are
		if !json.Valid(data) {
			return
		}
		if want := decodePath(data, path); !bytes.Equal(got, want) {
			t.Errorf("%s in %s: got %s, want %s", pointer, data, got, want)
		}
	})
}

func TestAKeyIsAScalar(t *testing.T) {
	for data, want := range map[string]string{
		`{"k":"a b"}`: "a b", `{"k":"a\"\u00fc"}`: `a"ü`, `{"k":12.50}`: "12.50", `{"k":true}`: "true", `{"k":null}`: "null",
		`{"k":{}}`: "", `{"k":[1]}`: "", `{}`: "", `[]`: "", `{"k":""}`: "", `{"k":"a\nb"}`: "", `{"k":"ü"}`: "ü",
	} {
		if got := keyAt([]byte(data), "/k"); got != want {
			t.Errorf("%s: got %q, want %q", data, got, want)
		}
	}
}
