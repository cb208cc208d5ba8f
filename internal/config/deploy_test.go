package config_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/config"
)

// What is in deploy/ names settings, which may be renamed.
func TestTheDeploymentsUseSettingsThatExist(t *testing.T) {
	c := config.Default()
	flags, variables := make(map[string]bool), map[string]bool{"STREAMGAUGE_CONFIG": true}
	for _, f := range c.Fields() {
		flags["--"+strings.ReplaceAll(f.Key, "_", "-")] = true
		variables["STREAMGAUGE_"+strings.ToUpper(strings.ReplaceAll(f.Key, ".", "_"))] = true
	}
	files, err := filepath.Glob("../../deploy/*")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("../../deploy/kubernetes/*")
	found := 0
	for _, path := range append(files, more...) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a folder
		}
		for _, name := range regexp.MustCompile(`STREAMGAUGE_[A-Z_]+`).FindAllString(string(text), -1) {
			if found++; !variables[name] {
				t.Errorf("%s: there is no %s", path, name)
			}
		}
		if filepath.Ext(path) != ".yaml" {
			continue
		}
		for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var document any
			if err := d.Decode(&document); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			eachCommand(document, func(command []string) {
				if len(command) > 0 && strings.HasPrefix(command[0], "redis-") || strings.Contains(strings.Join(command, " "), "--appendonly") {
					return
				}
				for _, word := range command {
					if strings.HasPrefix(word, "--") {
						if found++; !flags[word] {
							t.Errorf("%s: there is no flag %s", path, word)
						}
					}
				}
			})
		}
	}
	if found < 8 {
		t.Errorf("only %d settings were found", found)
	}
}

// eachCommand calls yield with every list under "command" or "args".
func eachCommand(node any, yield func([]string)) {
	switch n := node.(type) {
	case []any:
		for _, one := range n {
			eachCommand(one, yield)
		}
	case map[string]any:
		for key, value := range n {
			list, ok := value.([]any)
			if !ok || key != "command" && key != "args" {
				eachCommand(value, yield)
				continue
			}
			var words []string
			for _, word := range list {
				if text, ok := word.(string); ok {
					words = append(words, text)
				}
			}
			yield(words)
		}
	}
}
