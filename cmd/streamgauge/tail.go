package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/client"
)

// errEnough ends a tail that has shown as many events as were asked for.
var errEnough = errors.New("enough")

func (p *program) tailCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tail SELECTOR...",
		Short: "Follow streams and print their events",
		Long: "Tail prints what comes on the streams, one event per line, and goes on where it\n" +
			"was when the connection is cut. What can't be had any more is said on the\n" +
			"standard error. In selectors * is one token and > any number: logs.> selects\n" +
			"logs.web and logs.web.access, > everything.",
		Example: "  streamgauge tail '>'\n  streamgauge tail logs.web --last 20 --format data",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("streamgauge tail '>' follows everything", "tail takes at least one stream or selector")
			}
			if _, err := streamgauge.NewSelection(args...); err != nil {
				return usage("", "%w", err)
			}
			return nil
		},
	}
	flags := c.Flags()
	server := addServer(c)
	format := flags.String("format", "json", "what to print: json (the envelope), data, or text (time, stream, key, data)")
	count := flags.Int("count", 0, "end after so many events; 0 is never")
	flags.Int("last", 0, "begin with the last so many events")
	flags.String("since", "", "begin with what was published since a time, or within a duration such as 15m")
	flags.String("filter", "", "a condition such as 'data.level == \"error\"'")
	flags.String("delivery", "", "all, or latest: only the newest of each key when it can't keep up")
	flags.Float64("rate", 0, "flushes per second, at most")
	c.RunE = func(c *cobra.Command, args []string) error {
		conn, err := client.New(*server, os.Getenv("STREAMGAUGE_TOKEN"), p.notify)
		if err != nil {
			return usage("", "%w", err)
		}
		defer conn.Close()
		write := formats[*format]
		if write == nil {
			return usage("", "--format is %q, it must be json, data or text", *format)
		}
		params := url.Values{"stream": args}
		for _, name := range []string{"last", "since", "filter", "delivery", "rate"} {
			if f := flags.Lookup(name); f.Changed {
				params.Set(name, f.Value.String())
			}
		}
		out := bufio.NewWriter(p.stdout)
		shown := 0
		err = conn.Follow(c.Context(), params, func(e *client.Event) error {
			write(out, e)
			if shown++; shown == *count {
				return errors.Join(out.Flush(), errEnough)
			}
			return out.Flush()
		})
		if errors.Is(err, errEnough) || c.Context().Err() != nil { // a signal is how a tail ends
			return nil
		}
		return err
	}
	return c
}

// formats are the ways to print an event.
var formats = map[string]func(*bufio.Writer, *client.Event){
	"json": func(w *bufio.Writer, e *client.Event) {
		w.Write(e.Line)
		w.WriteByte('\n')
	},
	"data": func(w *bufio.Writer, e *client.Event) {
		w.Write(plainData(e))
		w.WriteByte('\n')
	},
	"text": func(w *bufio.Writer, e *client.Event) {
		fmt.Fprintf(w, "%s %s", e.Time.Local().Format("15:04:05.000"), e.Stream)
		if e.Key != "" {
			fmt.Fprintf(w, " %s", strconv.Quote(e.Key))
		}
		fmt.Fprintf(w, " %s\n", plainData(e))
	},
}

// plainData returns the data; a string without its quotes if that is one line
// that a terminal can show.
func plainData(e *client.Event) []byte {
	inner, ok := bytes.CutPrefix(e.Data, []byte(`"`))
	if !ok || bytes.ContainsFunc(inner, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return e.Data
	}
	return bytes.TrimSuffix(inner, []byte(`"`))
}
