package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check [CONFIG]",
		Short: "Check the configuration and print what is in effect, and why",
		Long: "Check reads the configuration as serve does: the file, then the environment,\n" +
			"then flags. It prints every setting with where it comes from, as YAML that can\n" +
			"be used as a file; or every error.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("", "check takes one file, but there are %d", len(args))
			}
			return nil
		},
	}
	settings := addSettings(c.Flags())
	c.RunE = func(_ *cobra.Command, args []string) error {
		path := ""
		if len(args) > 0 {
			path = args[0]
		}
		loaded, err := settings.load(path)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, "# The configuration is fine. What is in effect:")
		return loaded.Write(p.stdout)
	}
	return c
}
