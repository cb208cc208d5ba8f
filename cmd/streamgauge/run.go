package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // of the command line or the configuration
)

// program is what the commands share.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run runs the command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin, stdout, stderr}
	root := p.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		p.printError(err)
	}
	return exitCode(err)
}

// command returns the whole command line. Without a command it serves.
func (p *program) command() *cobra.Command {
	root := p.serveCommand("streamgauge")
	root.Short = "A hub of events: publish with one request, follow live, miss nothing silently"
	root.Long = root.Short + ".\n\nWithout a command it serves; every setting is a flag, a variable and a YAML key\n(see \"streamgauge check\")."
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		p.serveCommand("serve"),
		p.publishCommand(),
		p.tailCommand(),
		p.tokenCommand(),
		p.checkCommand(),
		p.benchCommand(),
		p.versionCommand(),
	)
	return root
}

// usageError is a wrong command line.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(hint, format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), hint}
}

// flagError names the flag that was probably meant.
func flagError(c *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help lists the flags", c.CommandPath())
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := yamlfile.Nearest(name, names); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	return &usageError{err, hint}
}

// noArgs refuses arguments, which for the root are misspelled commands.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.HasParent() {
		return usage("", "%s takes no arguments, but there is %q", c.Name(), args[0])
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	hint := "there are " + strings.Join(names, ", ")
	if near := yamlfile.Nearest(args[0], names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return usage(hint, "there is no command %q", args[0])
}

func exitCode(err error) int {
	var (
		wrong  *usageError
		config config.Errors
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong), errors.As(err, &config):
		return exitUsage
	}
	return exitFailed
}

// printError says what went wrong and, if we know, what to do.
func (p *program) printError(err error) {
	var (
		wrong  *usageError
		hinted *server.HintError
		faults config.Errors
	)
	switch {
	case errors.As(err, &faults):
		for _, one := range faults {
			fmt.Fprintf(p.stderr, "streamgauge: error: %v\n", one)
			p.hint(one.Hint)
		}
		return
	case errors.Is(err, context.Canceled): // by a signal: the user knows
		return
	}
	fmt.Fprintf(p.stderr, "streamgauge: error: %v\n", err)
	switch {
	case errors.As(err, &wrong):
		p.hint(wrong.hint)
	case errors.As(err, &hinted):
		p.hint(hinted.Hint)
	}
}

func (p *program) hint(text string) {
	if text != "" {
		fmt.Fprintf(p.stderr, "streamgauge: hint: %s\n", text)
	}
}

// notify tells the user something that is no error.
func (p *program) notify(text string) { fmt.Fprintf(p.stderr, "streamgauge: %s\n", text) }

// getenv returns the variable or, if it is empty or not set, the fallback.
func getenv(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
