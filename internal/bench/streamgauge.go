package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds a command of a folder of this checkout, or of a module in it, into a file.
func Build(ctx context.Context, folder, into string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", into, ".")
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s (run this in the checkout): %w", folder, err)
	}
	return nil
}

// Streamgauge returns the command that starts the program at the path as a
// server with its default configuration, save that it publishes nothing by
// itself, ends no connection for its age, and keeps at least so many events of
// a stream. ack is the file log's level; with "" events are kept in memory.
func Streamgauge(path, ack string, keep int) *Command {
	return &Command{Path: path, Args: func(addr, folder string) ([]string, error) {
		log := "log: memory"
		if ack != "" {
			log = "log: file\nack: " + ack
		}
		file := filepath.Join(folder, "config.yaml")
		text := fmt.Appendf(nil, `listen: %q
admin: "off"
data: %q
%s
max_age: 0s
sources: {}
streams:
  - match: ">"
    keep: { events: %d, age: 24h, bytes: 256MiB }
`, addr, filepath.Join(folder, "data"), log, max(keep, 10_000))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, fmt.Errorf("write the server's configuration: %w", err)
		}
		return []string{"serve", "--config", file}, nil
	}}
}
