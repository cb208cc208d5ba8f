package streamgauge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/streamgauge/streamgauge"
)

// vectors reads a file of the language-neutral vectors, which clients in other
// languages run too.
func vectors[T any](t testing.TB, name string) []T {
	t.Helper()
	text, err := os.ReadFile("protocol/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no vectors", name)
	}
	return out
}

func TestPositionsFollowTheVectors(t *testing.T) {
	type vector struct {
		Name, Text, Epoch, Seq string
		Valid                  bool
	}
	for _, v := range vectors[vector](t, "position.json") {
		t.Run(v.Name, func(t *testing.T) {
			p, err := streamgauge.ParsePosition(v.Text)
			if !v.Valid {
				if err == nil {
					t.Errorf("%q was accepted as %v", v.Text, p)
				}
				return
			}
			if err != nil {
				t.Fatalf("%q: %v", v.Text, err)
			}
			epoch, seq := strconv.FormatUint(uint64(p.Epoch), 10), strconv.FormatUint(p.Seq, 10)
			if epoch != v.Epoch || seq != v.Seq {
				t.Errorf("%q: got epoch %s and seq %s, want %s and %s", v.Text, epoch, seq, v.Epoch, v.Seq)
			}
			if p.String() != v.Text {
				t.Errorf("%q comes back as %q", v.Text, p)
			}
		})
	}
}

func TestSelectorsFollowTheVectors(t *testing.T) {
	type vector struct {
		Selector     string
		Valid        bool
		Matches, Not []string
	}
	for _, v := range vectors[vector](t, "selector.json") {
		t.Run(v.Selector, func(t *testing.T) {
			selector, err := streamgauge.ParseSelector(v.Selector)
			if (err == nil) != v.Valid {
				t.Fatalf("valid is %v, got error %v", v.Valid, err)
			}
			if v.Valid && len(v.Matches) == 0 {
				t.Fatal("a vector of a valid selector must say what it matches")
			}
			for _, stream := range v.Matches {
				if !selector.Matches(stream) {
					t.Errorf("doesn't match %q", stream)
				}
			}
			for _, stream := range v.Not {
				if selector.Matches(stream) {
					t.Errorf("matches %q", stream)
				}
			}
		})
	}
}

func TestNamesFollowTheVectors(t *testing.T) {
	check := map[string]func(string) error{
		"stream": streamgauge.CheckStream,
		"type":   streamgauge.CheckType,
		"key":    streamgauge.CheckKey,
	}
	type vector struct {
		Kind, Text string
		Valid      bool
	}
	for _, v := range vectors[vector](t, "stream.json") {
		t.Run(v.Kind+" "+strconv.Quote(v.Text), func(t *testing.T) {
			if check[v.Kind] == nil {
				t.Fatalf("unknown kind %q", v.Kind)
			}
			err := check[v.Kind](v.Text)
			if (err == nil) != v.Valid {
				t.Errorf("valid is %v, got error %v", v.Valid, err)
			}
			if err != nil && !errors.Is(err, streamgauge.ErrInvalid) {
				t.Errorf("error %v doesn't wrap ErrInvalid", err)
			}
		})
	}
}
