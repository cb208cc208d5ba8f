package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

// checkDashboards returns what is wrong with the dashboards as [config.Errors].
func checkDashboards(c *config.Config) error {
	store, err := server.NewDashboards(c, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	var errs config.Errors
	if err := store.Err(); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			errs = append(errs, &config.Error{Where: "dashboards", Reason: line})
		}
	}
	for _, e := range store.List() {
		for _, one := range e.Errors {
			where, reason, _ := strings.Cut(one.Error(), ": ")
			errs = append(errs, &config.Error{Where: where, Reason: reason})
		}
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}

func (p *program) checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check [CONFIG]",
		Short: "Check the configuration and print what is in effect, and why",
		Long: "Check reads the configuration as serve does: the file, then the environment,\n" +
			"then flags. It prints every setting with where it comes from, as YAML that can\n" +
			"be used as a file; or every error, also of the dashboards in their folder.",
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
		if err := checkDashboards(&loaded.Config); err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, "# The configuration is fine. What is in effect:")
		return loaded.Write(p.stdout)
	}
	return c
}
