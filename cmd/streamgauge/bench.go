package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/internal/bench"
)

func (p *program) benchCommand() *cobra.Command {
	o := bench.Defaults(bench.FanOut)
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure a server: latency, deliveries, CPU and memory, every event checked",
		Long: "Bench opens subscribers, publishes, checks that every subscriber gets every event\n" +
			"once and in order, and says how fast that went and what it cost the server.\n" +
			"Without --url it starts a server of its own, with an empty log in a temporary\n" +
			"folder, and can read its CPU time and memory. Modes:\n\n" +
			"  fan-out  publish --rate events a second to --subscribers\n" +
			"  publish  publish as fast as events are acknowledged\n" +
			"  idle     connect --subscribers and wait: what does one cost?\n" +
			"  replay   publish --backlog events, then let all --subscribers read them at once\n" +
			"  ceiling  find the highest --rate at which all events come within --latency\n\n" +
			"docs/benchmarks.md says how to read the figures.",
		Example: "  streamgauge bench --subscribers 1000 --rate 50\n  streamgauge bench --mode publish --batch 100 --server-cpu 0 --client-cpu 1",
		Args:    noArgs,
	}
	flags := c.Flags()
	flags.StringVar((*string)(&o.Mode), "mode", string(o.Mode), "fan-out, publish, idle, replay or ceiling")
	flags.StringVar(&o.URL, "url", "", "address of a running server; its data gets streams bench.…")
	flags.StringVar(&o.PublishURL, "publish-url", "", "address of another instance of it, to publish at")
	flags.IntVar(&o.PID, "pid", 0, "process of the server at --url, to read its CPU time and memory")
	flags.IntVar(&o.Subscribers, "subscribers", o.Subscribers, "subscribers that read; publish has 0")
	flags.IntVar(&o.Stalled, "stalled", 0, "further subscribers that never read")
	flags.IntVar(&o.Streams, "streams", o.Streams, "streams; each subscriber follows one")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "events a second on all streams; 0, as in publish, is as many as are acknowledged; where the search for a ceiling begins")
	flags.IntVar(&o.Publishers, "publishers", o.Publishers, "connections that publish")
	flags.IntVar(&o.Pipeline, "pipeline", o.Pipeline, "requests on their way on each of them, at most; publish has 256")
	flags.IntVar(&o.Batch, "batch", o.Batch, "events in a request")
	flags.IntVar(&o.Payload, "payload", o.Payload, "bytes of an event's data")
	flags.IntVar(&o.Backlog, "backlog", o.Backlog, "events that a replay begins behind")
	flags.DurationVar(&o.Warmup, "warm-up", o.Warmup, "time before it is measured")
	flags.DurationVar(&o.Duration, "duration", o.Duration, "time that is measured")
	flags.DurationVar(&o.Latency, "latency", o.Latency, "p99 up to which a rate counts for a ceiling")
	flags.BoolVar(&o.Gzip, "gzip", false, "have subscribers read gzip")
	flags.BoolVar(&o.WebSocket, "websocket", false, "have subscribers read over WebSocket, for a server that has it on the same URLs")
	flags.IntVar(&o.ServerCPU, "server-cpu", o.ServerCPU, "CPU to which the server is bound; -1 is any")
	flags.IntVar(&o.ClientCPU, "client-cpu", o.ClientCPU, "CPU to which this process is bound; -1 is any")
	ack := flags.String("ack", "os", "acknowledgement level of the server's file log; \"\" keeps events in memory")
	asJSON := flags.Bool("json", false, "print the result as JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		defaults := bench.Defaults(o.Mode)
		for name, set := range map[string]func(){
			"subscribers": func() { o.Subscribers = defaults.Subscribers },
			"rate":        func() { o.Rate = defaults.Rate },
			"pipeline":    func() { o.Pipeline = defaults.Pipeline },
			"publishers":  func() { o.Publishers = defaults.Publishers },
			"duration":    func() { o.Duration = defaults.Duration },
		} {
			if !flags.Changed(name) {
				set()
			}
		}
		if err := o.Validate(); err != nil {
			return usage("streamgauge bench --help lists the flags", "%w", err)
		}
		if o.URL == "" {
			path, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			o.Server = bench.Streamgauge(path, *ack, o.Backlog)
		}
		result, err := bench.Run(c.Context(), o)
		if err != nil {
			return err
		}
		return p.printResult(result, *asJSON)
	}
	return c
}

// printResult prints a run. A broken guarantee is an error, so that scripts
// notice.
func (p *program) printResult(result *bench.Result, asJSON bool) error {
	var err error
	if asJSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(result)
	} else {
		err = result.WriteText(p.stdout)
	}
	if err == nil && !result.Sound() {
		err = errors.New("the server broke a guarantee, refused events or let subscribers go")
	}
	return err
}
