package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

func (p *program) serveCommand(name string) *cobra.Command {
	c := &cobra.Command{
		Use:   name,
		Short: "Run the server (also without a command)",
		Args:  noArgs,
	}
	settings := addSettings(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		loaded, err := settings.load("")
		if err != nil {
			return err
		}
		return server.Run(c.Context(), server.Options{
			Config: &loaded.Config, Version: version(), Stdout: p.stdout, Stderr: p.stderr,
		})
	}
	return c
}

// settings are the flags of the configuration.
type settings struct {
	flags *pflag.FlagSet
	path  *string
	demo  *bool
}

// addSettings adds --config and a flag for every setting.
func addSettings(flags *pflag.FlagSet) *settings {
	s := &settings{flags: flags}
	s.path = flags.String("config", os.Getenv("STREAMGAUGE_CONFIG"), "YAML file with settings")
	flags.Lookup("config").DefValue = ""
	s.demo = flags.Bool("demo", false, "play a made-up web shop, to see every kind of panel: --sources.demo.seed on")
	c := config.Default()
	for _, f := range c.Fields() {
		flags.Var(&settingFlag{kind: f.Kind()}, config.Flag(f.Key), f.Doc)
		flag := flags.Lookup(config.Flag(f.Key))
		if flag.DefValue = f.Text(); f.Key == "streams" {
			flag.DefValue = ""
		}
		if f.Kind() == "true | false" {
			flag.NoOptDefVal = "true"
		}
	}
	flags.SortFlags = false
	return s
}

// demoSetting is what --demo is short for.
const demoSetting = "sources.demo.seed"

// load reads the configuration. The path, if there is one, beats --config.
func (s *settings) load(path string) (*config.Loaded, error) {
	if path == "" {
		path = *s.path
	}
	in := config.Input{Path: path, Env: os.Environ(), Flags: map[string]string{}}
	c := config.Default()
	for _, f := range c.Fields() {
		if flag := s.flags.Lookup(config.Flag(f.Key)); flag.Changed {
			in.Flags[f.Key] = flag.Value.String()
		}
	}
	if _, given := in.Flags[demoSetting]; *s.demo && !given {
		in.Flags[demoSetting] = "on"
	}
	loaded, err := config.Load(in)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("--config names the YAML file; none is needed", "%w", err)
	}
	return loaded, err
}

// settingFlag holds a flag's text until the configuration is loaded, since the
// file and the environment come first.
type settingFlag struct{ kind, text string }

func (f *settingFlag) Set(text string) error {
	f.text = text
	return nil
}
func (f *settingFlag) String() string { return f.text }
func (f *settingFlag) Type() string   { return f.kind }
