package main

import (
	"flag"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write dependencies.txt anew")

// What the binary links is written down, so that a change of it is seen in
// review.
func TestTheBinaryLinksWhatIsWrittenDown(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("left out: dependencies.txt is the list for Linux")
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	got := strings.Join(slices.Compact(modules), "\n") + "\n"
	if *update {
		if err := os.WriteFile("dependencies.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("dependencies.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the binary links\n%swritten down is\n%sIf that is meant, run: go test ./cmd/streamgauge -run Links -update", got, want)
	}
}
