// Command compare runs Streamgauge and its peers by turns, on the same machine
// with the same client, and prints how they compare.
//
//	go run ./bench/compare
//
// docs/performance.md says what it has found, and how to read it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
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
	details := flag.String("details", "", "write every run to this `file` too, as JSON, a line each")
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
	servers, err := prepare(ctx, folder, *program)
	if err != nil {
		return err
	}
	c := comparison{out: out, rounds: *rounds}
	if *details != "" {
		file, err := os.Create(*details)
		if err != nil {
			return err
		}
		defer file.Close()
		c.details = json.NewEncoder(file)
	}
	fmt.Fprintf(out, "%s %s/%s, %d CPUs, %d rounds of %v, pinned: %v. Medians of the undisturbed runs.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *rounds, *duration, *pin)
	for _, missing := range servers.missing {
		fmt.Fprintf(out, "Not here: %s\n\n", missing)
	}
	for _, m := range (plan{servers, *duration, *pin}).measurements() {
		if wanted.MatchString(m.name) {
			if err := c.run(ctx, m); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return c.conclude()
}

// A comparison runs measurements and prints them, as tables in Markdown.
type comparison struct {
	out     io.Writer
	rounds  int
	details *json.Encoder // nil if nobody wants them
	missed  []string      // targets
	unsound []string      // runs that broke a guarantee
	noisy   int           // rows of disturbed runs only
}

// mostRepeats is how many times a disturbed run is made again, at most, for
// every round.
const mostRepeats = 2

func (c *comparison) run(ctx context.Context, m measurement) error {
	rounds := c.rounds
	if m.once {
		rounds = 1
	}
	quiet, all := make([][]*bench.Result, len(m.sides)), make([][]*bench.Result, len(m.sides))
	cannot := make([]bool, len(m.sides)) // of others
	for range rounds * (1 + mostRepeats) {
		for i, side := range m.sides {
			if len(quiet[i]) == rounds || cannot[i] {
				continue
			}
			result, err := bench.Run(ctx, side.options)
			if errors.Is(err, bench.ErrTooMany) && i > 0 {
				cannot[i] = true
				continue
			}
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
	fmt.Fprintf(c.out, "### %s\n\n| ", strings.ToUpper(m.name[:1])+m.name[1:])
	for _, f := range m.figures {
		fmt.Fprintf(c.out, "| %s ", f.name)
	}
	fmt.Fprintf(c.out, "|\n|---%s|\n", strings.Repeat("|---:", len(m.figures)))
	medians := make([]map[string]float64, len(m.figures))
	for i, side := range m.sides {
		fmt.Fprintf(c.out, "| %s ", side.name)
		if cannot[i] {
			fmt.Fprintln(c.out, strings.Repeat("| can't ", len(m.figures))+"|")
			continue
		}
		used := quiet[i]
		if len(used) == 0 {
			used = all[i]
			c.noisy++
			fmt.Fprint(c.out, "(disturbed) ")
		}
		for j, f := range m.figures {
			if medians[j] == nil {
				medians[j] = make(map[string]float64)
			}
			low, median, high := spread(used, f.value)
			medians[j][side.name] = median
			fmt.Fprintf(c.out, "| %s ", short(median))
			if len(used) > 1 {
				fmt.Fprintf(c.out, "(%s to %s) ", short(low), short(high))
			}
		}
		fmt.Fprintln(c.out, "|")
	}
	fmt.Fprintln(c.out)
	for j, f := range m.figures {
		if f.judge == nil {
			continue
		}
		verdict, ok := f.judge(medians[j][m.sides[0].name], medians[j])
		if !ok {
			c.missed = append(c.missed, m.name+": "+f.name)
		}
		fmt.Fprintf(c.out, "- %s: %s\n", f.name, verdict)
	}
	_, err := fmt.Fprintln(c.out)
	return err
}

// look notes what is wrong with a run.
func (c *comparison) look(m measurement, side side, r *bench.Result) {
	if c.details != nil {
		c.details.Encode(struct {
			Measurement string        `json:"measurement"`
			Server      string        `json:"server"`
			Result      *bench.Result `json:"result"`
		}{m.name, side.name, r})
	}
	if !r.Sound() && side.ours { // others may leave out what a subscriber does not take
		c.unsound = append(c.unsound, fmt.Sprintf("%s: %s: %s", m.name, side.name, r.Violations))
	}
}

// spread returns the least, the median and the greatest value.
func spread(results []*bench.Result, value func(*bench.Result) float64) (low, median, high float64) {
	var values []float64
	for _, r := range results {
		values = append(values, value(r))
	}
	slices.Sort(values)
	n := len(values)
	return values[0], (values[(n-1)/2] + values[n/2]) / 2, values[n-1]
}

// short writes a number with three digits, or with all that it has before the point.
func short(v float64) string {
	switch size := math.Abs(v); {
	case size >= 1000:
		digits := strconv.FormatFloat(v, 'f', 0, 64)
		for i := len(digits) - 3; i > 0; i -= 3 {
			digits = digits[:i] + "," + digits[i:]
		}
		return digits
	case size >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func (c *comparison) conclude() error {
	if c.noisy > 0 {
		fmt.Fprintf(c.out, "%d rows are of disturbed runs only: they say little.\n", c.noisy)
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
