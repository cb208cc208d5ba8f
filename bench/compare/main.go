// Command compare runs Streamgauge and the plain server of bench/baseline by
// turns, on the same machine with the same client, and prints how they compare.
//
//	go run ./bench/compare
//
// docs/benchmarks.md says how to read it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compare: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	rounds := flag.Int("rounds", 3, "runs of every measurement and server")
	duration := flag.Duration("duration", 4*time.Second, "`time` that a run measures")
	only := flag.String("only", "", "measure only what has a name that this `regexp` matches")
	pin := flag.Bool("pin", runtime.NumCPU() > 1, "server on CPU 0, client on CPU 1")
	program := flag.String("program", "", "`file` of the streamgauge to compare; built from this checkout if empty")
	details := flag.Bool("details", false, "print every run as JSON")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil || *rounds < 1 || *rounds > 100 {
		return fmt.Errorf("rounds are %d (from 1 to 100), only is %q (%v)", *rounds, *only, err)
	}
	folder, err := os.MkdirTemp("", "streamgauge-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	servers := servers{ours: *program, baseline: filepath.Join(folder, "baseline")}
	if err := build(ctx, servers.baseline, "./bench/baseline"); err != nil {
		return err
	}
	if servers.ours == "" {
		servers.ours = filepath.Join(folder, "streamgauge")
		if err := build(ctx, servers.ours, "./cmd/streamgauge"); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s %s/%s, %d CPUs, %d rounds of %v, pinned: %v; medians of the undisturbed runs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *rounds, *duration, *pin)
	c := comparison{out: out, rounds: *rounds, details: *details}
	for _, m := range servers.measurements(*duration, *pin) {
		if wanted.MatchString(m.name) {
			if err := c.run(ctx, m); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return c.conclude()
}

func build(ctx context.Context, into, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", into, pkg)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s (run this in the checkout): %w", pkg, err)
	}
	return nil
}

// A comparison runs measurements and prints them.
type comparison struct {
	out     io.Writer
	rounds  int
	details bool
	missed  []string // targets
	unsound []string // runs that broke a guarantee
	noisy   int      // figures of disturbed runs only
}

// mostRepeats is how many times a disturbed run is made again, at most, for
// every round.
const mostRepeats = 2

func (c *comparison) run(ctx context.Context, m measurement) error {
	var quiet, all [2][]*bench.Result
	fmt.Fprintf(c.out, "%s\n", m.name)
	for range c.rounds * (1 + mostRepeats) {
		for i, side := range m.sides {
			if side.name == "" || len(quiet[i]) == c.rounds {
				continue
			}
			result, err := bench.Run(ctx, side.options)
			if err != nil {
				return fmt.Errorf("%s: %w", side.name, err)
			}
			c.look(m, side, result)
			all[i] = append(all[i], result)
			if !result.Disturbed() {
				quiet[i] = append(quiet[i], result)
			}
		}
	}
	for _, f := range m.figures {
		var medians [2]float64
		for i, side := range m.sides {
			if side.name != "" {
				medians[i] = c.line(side.name, f, quiet[i], all[i])
			}
		}
		verdict, ok := f.judge(medians[0], medians[1])
		if !ok {
			c.missed = append(c.missed, m.name+": "+f.name)
		}
		fmt.Fprintf(c.out, "    %s\n", verdict)
	}
	_, err := fmt.Fprintln(c.out)
	return err
}

// look notes what is wrong with a run.
func (c *comparison) look(m measurement, side side, r *bench.Result) {
	if c.details {
		text, _ := json.Marshal(r)
		fmt.Fprintf(c.out, "  %s %s\n", side.name, text)
	}
	if !r.Sound() && !side.mayLose {
		c.unsound = append(c.unsound, fmt.Sprintf("%s: %s: %s", m.name, side.name, r.Violations))
	}
}

// line prints one side's figure and returns its median. Disturbed runs count
// only if there are no others.
func (c *comparison) line(name string, f figure, quiet, all []*bench.Result) float64 {
	used, mark := quiet, ""
	if len(quiet) == 0 {
		used, mark = all, ", all disturbed"
		c.noisy++
	}
	var values []float64
	for _, r := range used {
		values = append(values, f.value(r))
	}
	slices.Sort(values)
	n := len(values)
	median := (values[(n-1)/2] + values[n/2]) / 2
	fmt.Fprintf(c.out, "  %-28s %12.2f %-32s (%.2f to %.2f, %d runs%s)\n", name, median, f.name, values[0], values[n-1], n, mark)
	return median
}

func (c *comparison) conclude() error {
	if c.noisy > 0 {
		fmt.Fprintf(c.out, "%d figures are of disturbed runs only: they say little.\n", c.noisy)
	}
	for _, broken := range c.unsound {
		fmt.Fprintf(c.out, "BROKEN: %s\n", broken)
	}
	if len(c.unsound) > 0 {
		return fmt.Errorf("%d runs broke a guarantee", len(c.unsound))
	}
	if len(c.missed) > 0 {
		return fmt.Errorf("%d targets missed: %q", len(c.missed), c.missed)
	}
	return nil
}
