package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/internal/bench"
)

const dataFile = "growth.json"

// growth is what was measured. Sweeps may be of different days and machines.
type growth struct {
	Sweeps []measured `json:"sweeps"`
}

type measured struct {
	Sweep   string          `json:"sweep"`
	Machine machine         `json:"machine"`
	Points  []*bench.Result `json:"points"`
}

// machine is what figures depend on.
type machine struct {
	Go     string `json:"go"`
	System string `json:"system"` // and architecture
	CPUs   int    `json:"cpus"`
	CPU    string `json:"cpu,omitempty"`    // the first one's name
	Kernel string `json:"kernel,omitempty"` // release
	Pinned bool   `json:"pinned"`           // server and client, to a CPU each
	Date   string `json:"date"`
}

func thisMachine(pinned bool) machine {
	m := machine{
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Pinned: pinned, Date: time.Now().UTC().Format(time.DateOnly),
	}
	// What can't be read is left out.
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(release))
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpus)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// String is for below a figure.
func (m machine) String() string {
	parts := []string{fmt.Sprintf("%d CPUs", m.CPUs)}
	if m.CPU != "" {
		parts[0] += " (" + m.CPU + ")"
	}
	if m.Pinned {
		parts = append(parts, "one for the server and one for the client")
	}
	if m.Kernel != "" {
		parts = append(parts, "kernel "+m.Kernel)
	}
	return strings.Join(append(parts, m.Go, m.Date), ", ")
}

// readData returns what is in the folder. Nothing may be.
func readData(folder string) (*growth, error) {
	path := filepath.Join(folder, dataFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &growth{}, nil
	} else if err != nil {
		return nil, err
	}
	var g growth
	if err := json.Unmarshal(text, &g); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for _, m := range g.Sweeps {
		for _, r := range m.Points {
			if r == nil {
				return nil, fmt.Errorf("read %s: sweep %q has a point that is null", path, m.Sweep)
			}
		}
	}
	return &g, nil
}

func (g *growth) write(folder string) error {
	text, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, dataFile), append(text, '\n'), 0o644)
}

func (g *growth) find(sweep string) *measured {
	for i := range g.Sweeps {
		if g.Sweeps[i].Sweep == sweep {
			return &g.Sweeps[i]
		}
	}
	return nil
}

// put replaces what was measured of the sweep before.
func (g *growth) put(m measured) {
	if old := g.find(m.Sweep); old != nil {
		*old = m
		return
	}
	g.Sweeps = append(g.Sweeps, m)
}
