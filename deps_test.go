package streamgauge_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/streamgauge/streamgauge"

// arrows says which of our packages a package may import, beside the standard
// library. A package that is not named may import any but those of cmd.
// Third-party modules are for packages that exist to hold them off.
var arrows = map[string]struct {
	ours       []string
	thirdParty bool
}{
	"":                 {ours: []string{"sse"}},
	"sse":              {},
	"logtest":          {ours: []string{""}},
	"filelog":          {ours: []string{"", "sse"}},
	"natslog":          {ours: []string{"", "internal/replica"}, thirdParty: true},
	"redislog":         {ours: []string{"", "internal/replica"}, thirdParty: true},
	"filter":           {ours: []string{""}, thirdParty: true},
	"dashboard":        {ours: []string{"", "internal/yamlfile"}, thirdParty: true},
	"source":           {ours: []string{""}},
	"source/demo":      {ours: []string{"", "source"}},
	"source/host":      {ours: []string{"", "source"}, thirdParty: true},
	"source/self":      {ours: []string{"", "source"}},
	"web":              {},
	"internal/auth":    {ours: []string{""}, thirdParty: true},
	"internal/check":   {ours: []string{"", "sse"}},
	"internal/replica": {ours: []string{""}},
}

// Imports point inwards: whoever embeds the library gets the standard library
// and nothing else, and adapters don't know each other.
func TestImportsPointInwards(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		imports := strings.Fields(line)
		name := strings.TrimPrefix(strings.TrimPrefix(imports[0], module), "/")
		rule, known := arrows[name]
		if known {
			seen++
		}
		for _, imported := range imports[1:] {
			ours, isOurs := strings.CutPrefix(imported, module)
			ours = strings.TrimPrefix(ours, "/")
			first, _, _ := strings.Cut(imported, "/")
			switch {
			case isOurs && strings.HasPrefix(ours, "cmd"):
				t.Errorf("%s imports the command %s", name, ours)
			case isOurs && ours == "internal/server" && !strings.HasPrefix(name, "cmd") && !strings.HasPrefix(name, "internal/"):
				t.Errorf("%s imports %s, which only the commands may", name, ours)
			case isOurs && known && path.Dir(ours) != path.Join(name, "internal") && !slices.Contains(rule.ours, ours):
				t.Errorf("%q imports %q; it may import %q of ours", name, ours, rule.ours)
			case !isOurs && known && !rule.thirdParty && strings.Contains(first, "."):
				t.Errorf("%q imports %s; only the standard library is allowed there", name, imported)
			}
		}
	}
	if seen < 6 {
		t.Errorf("only %d packages with rules were found", seen)
	}
}
