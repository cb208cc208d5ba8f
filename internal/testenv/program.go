// Package testenv has what tests need around the thing that they test: other programs, free
// addresses, certificates.
package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// Build returns the path of a program that is no dependency of this module, such as
// "github.com/nats-io/nats-server/v2", of the version. It is built once and kept beside Go's
// own cache. The name is what Go calls it.
func Build(module, version, name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "streamgauge", name+"-"+path.Base(version))
	program := filepath.Join(folder, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	// The tests of other packages may be at it too: whoever finds it finds it whole.
	building, err := os.MkdirTemp(folder, "build")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(building)
	build := exec.Command("go", "install", module+"@"+version)
	build.Env = append(os.Environ(), "GOBIN="+building, "GOFLAGS=", "CGO_ENABLED=0")
	build.Dir = os.TempDir()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return program, os.Rename(filepath.Join(building, name), program)
}
