package config

import (
	"slices"
	"strings"
)

// lookup returns the field of the key, or whether fields' keys begin with it.
func lookup(fields []Field, key string) (field *Field, isPrefix bool) {
	for i := range fields {
		if fields[i].Key == key {
			return &fields[i], false
		}
		isPrefix = isPrefix || strings.HasPrefix(fields[i].Key, key+".")
	}
	return nil, isPrefix
}

// siblings returns the names that may follow the prefix.
func siblings(fields []Field, prefix string) (names []string) {
	for _, f := range fields {
		if rest, ok := strings.CutPrefix(f.Key, prefix); ok {
			name, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
