package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/client"
)

const defaultServer = "http://127.0.0.1:7070"

func addServer(c *cobra.Command) *string {
	server := c.Flags().String("server", getenv("STREAMGAUGE_SERVER", defaultServer), "address of the server (STREAMGAUGE_SERVER); a token for it is in STREAMGAUGE_TOKEN")
	c.Flags().Lookup("server").DefValue = defaultServer
	return server
}

func (p *program) publishCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "publish STREAM [DATA|-]",
		Short: "Publish one event, or every line of the standard input",
		Long: "Publish sends DATA as one event. Without DATA, or with -, it reads the standard\n" +
			"input, one event per line, until it ends. What is JSON is sent as it is, what is\n" +
			"not as a JSON string. While the server is away it tries again. The server does\n" +
			"not store twice what it remembers: each request for 10 minutes, unless 100,000\n" +
			"others come first.",
		Example: "  streamgauge publish site.visitors '{\"visitors\": 523}'\n  tail -f access.log | streamgauge publish logs.web -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage("streamgauge publish STREAM [DATA|-]", "publish takes a stream and one DATA; there are %d arguments", len(args))
			}
			if err := streamgauge.CheckStream(args[0]); err != nil {
				return usage("", "%w", err)
			}
			return nil
		},
	}
	var (
		server  = addServer(c)
		typ     = c.Flags().String("type", "", "type of the events")
		key     = c.Flags().String("key", "", "key of the events: what they are the newest value of")
		at      = c.Flags().String("time", "", "time of the events (RFC 3339); default is now")
		text    = c.Flags().Bool("text", false, "send lines as they are, to a stream whose format is text")
		retry   = c.Flags().Duration("retry", time.Minute, "how long to go on trying while the server is away")
		verbose = c.Flags().BoolP("verbose", "v", false, "print how many events were published")
	)
	c.RunE = func(c *cobra.Command, args []string) error {
		conn, err := client.New(*server, os.Getenv("STREAMGAUGE_TOKEN"), p.notify)
		if err != nil {
			return usage("", "%w", err)
		}
		defer conn.Close()
		params := url.Values{}
		for name, value := range map[string]string{"type": *typ, "key": *key, "time": *at} {
			if value != "" {
				params.Set(name, value)
			}
		}
		count := 1
		if len(args) == 2 && args[1] != "-" {
			err = publishOne(c.Context(), conn, args[0], args[1], params, *text, *retry)
		} else {
			count, err = p.pipe(c.Context(), conn, client.PipeOptions{Stream: args[0], Params: params, Text: *text, Retry: *retry})
		}
		if err != nil {
			return err
		}
		if *verbose {
			p.notify(fmt.Sprintf("published %d to %s", count, args[0]))
		}
		return nil
	}
	return c
}

func publishOne(ctx context.Context, conn *client.Client, stream, data string, params url.Values, text bool, retry time.Duration) error {
	b := &client.Batch{Stream: stream, Params: params, ContentType: "application/x-ndjson", Body: client.ToJSON([]byte(data)), Key: rand.Text()}
	if text {
		b.ContentType, b.Body = "text/plain; charset=utf-8", []byte(data)
	}
	_, err := conn.Publish(ctx, b, retry)
	return err
}

func (p *program) pipe(ctx context.Context, conn *client.Client, o client.PipeOptions) (int, error) {
	if closer, ok := p.stdin.(io.Closer); ok {
		// So that whoever reads it doesn't wait beyond the end.
		stop := context.AfterFunc(ctx, func() { _ = closer.Close() })
		defer stop()
	}
	count, err := conn.Pipe(ctx, p.stdin, o)
	if err != nil && count > 0 && ctx.Err() == nil {
		return count, fmt.Errorf("after %d events: %w", count, err)
	}
	return count, err
}
