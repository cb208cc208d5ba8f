// Command growth measures how the cost of Streamgauge grows with subscribers,
// events, streams and payload, and draws it.
//
//	go run ./bench/growth
//
// docs/performance.md shows what it writes.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "growth: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	duration := flag.Duration("duration", 5*time.Second, "`time` that a point is measured")
	only := flag.String("only", "", "only the sweeps with a name that this `regexp` matches; the others stay as they are")
	pin := flag.Bool("pin", runtime.NumCPU() > 1, "server on CPU 0, client on CPU 1")
	program := flag.String("program", "", "`file` of the streamgauge to measure; built from this checkout if empty")
	folder := flag.String("out", filepath.Join("docs", "growth"), "`folder` to write to")
	redraw := flag.Bool("plot", false, "measure nothing, draw what is in the folder")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("only is %q: %w", *only, err)
	}
	var chosen []sweep
	for _, s := range sweeps() {
		if wanted.MatchString(s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("only is %q, which no sweep's name matches", *only)
	}
	data, err := readData(*folder)
	if err != nil {
		return err
	}
	if *redraw {
		return drawAll(out, *folder, chosen, data)
	}

	base := bench.Defaults(bench.FanOut)
	base.Duration = *duration
	if *pin {
		base.ServerCPU, base.ClientCPU = 0, 1
	}
	// What is wrong with every point is not a reason to skip them all.
	if err := base.Validate(); err != nil {
		return err
	}
	if *program == "" {
		temp, err := os.MkdirTemp("", "streamgauge-growth-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		*program = filepath.Join(temp, "streamgauge")
		if err := bench.Build(ctx, "cmd/streamgauge", *program); err != nil {
			return err
		}
	}
	base.Server = bench.Streamgauge(*program, "os", 0)
	for _, s := range chosen {
		m := measured{Sweep: s.name, Machine: thisMachine(*pin)}
		if m.Points, err = s.measure(ctx, out, base); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		// A later sweep may fail, and takes nothing from this one.
		data.put(m)
		if err := data.write(*folder); err != nil {
			return err
		}
		if err := draw(out, *folder, &s, &m); err != nil {
			return err
		}
	}
	return nil
}

// measure measures the points that the options allow.
func (s *sweep) measure(ctx context.Context, out io.Writer, base bench.Options) ([]*bench.Result, error) {
	fmt.Fprintf(out, "%s: %s\n", s.name, s.title)
	var points []*bench.Result
	for _, n := range s.values {
		o := base
		s.set(&o, n)
		name := fmt.Sprintf("%s %s", number(float64(n)), s.unit)
		if err := o.Validate(); err != nil {
			fmt.Fprintf(out, "  %s: skipped: %v\n", name, err)
			continue
		}
		r, err := measurePoint(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		points = append(points, r)
		fmt.Fprintf(out, "  %s: %s\n", name, s.summary(r))
		for _, note := range r.Notes {
			fmt.Fprintf(out, "    note: %s\n", note)
		}
	}
	return points, nil
}

// mostRepeats is how many times a disturbed point is measured again, at most.
const mostRepeats = 2

// measurePoint returns the run that was disturbed least.
func measurePoint(ctx context.Context, o bench.Options) (*bench.Result, error) {
	var best *bench.Result
	for range 1 + mostRepeats {
		r, err := bench.Run(ctx, o)
		if err != nil {
			return nil, err
		}
		if !r.Sound() {
			return nil, fmt.Errorf("%d requests refused, %d subscribers disconnected, %s", r.Refused, r.Disconnected, cmp.Or(r.Violations, "no guarantee broken"))
		}
		if !r.Disturbed() {
			return r, nil
		}
		if best == nil || r.Others+r.Steal < best.Others+best.Steal {
			best = r
		}
	}
	return best, nil
}

// drawAll draws the sweeps that there is something of.
func drawAll(out io.Writer, folder string, chosen []sweep, data *growth) error {
	drawn := 0
	for _, s := range chosen {
		if m := data.find(s.name); m != nil {
			if err := draw(out, folder, &s, m); err != nil {
				return err
			}
			drawn++
		}
	}
	if drawn == 0 {
		return errors.New("there is nothing to draw in " + filepath.Join(folder, dataFile))
	}
	return nil
}

func draw(out io.Writer, folder string, s *sweep, m *measured) error {
	path := filepath.Join(folder, s.name+".svg")
	f := s.figure(m)
	if err := os.WriteFile(path, f.svg(), 0o644); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "  drawn:", path)
	return err
}

// summary is a point in one line.
func (s *sweep) summary(r *bench.Result) string {
	var parts []string
	for _, c := range s.charts {
		for _, l := range c.lines {
			if v := l.value(r); s.at(r) >= l.from {
				parts = append(parts, fmt.Sprintf("%s %s %s", l.name, number(v), c.unit))
			}
		}
	}
	return strings.Join(parts, ", ")
}
