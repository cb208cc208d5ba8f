package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/client"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

func (p *program) tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Create, list and revoke tokens",
		Long: "Token lets programs in, and shuts them out again, at a server that runs. It shows\n" +
			"an administrator's token, that of STREAMGAUGE_TOKEN or, where the server runs\n" +
			"with a file log, the one in its data folder.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there are create, list and revoke", "token has no command %q", args[0])
			}
			return usage("there are create, list and revoke", "token needs a command")
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	c.AddCommand(p.tokenCreateCommand(), p.tokenListCommand(), p.tokenRevokeCommand())
	return c
}

// administrate gives the command flags for a server and runs do with a client of it that may
// do everything.
func (p *program) administrate(c *cobra.Command, do func(ctx context.Context, conn *client.Client, args []string) error) {
	address := addServer(c)
	data := c.Flags().String("data", config.Default().Data, "data folder of the server, for its administrator's token")
	c.RunE = func(c *cobra.Command, args []string) error {
		token := os.Getenv("STREAMGAUGE_TOKEN")
		if token == "" && isLocal(*address) { // it is not for others
			text, err := os.ReadFile(server.AdminTokenFile(*data))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			token = strings.TrimSpace(string(text))
		}
		conn, err := client.New(*address, token, p.notify)
		if err != nil {
			return usage("", "%w", err)
		}
		defer conn.Close()
		err = do(c.Context(), conn, args)
		var refused *client.StatusError
		if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && token == "" {
			return usage("set STREAMGAUGE_TOKEN to an administrator's token, or name the server's data folder with --data", "%w", err)
		}
		return err
	}
}

// isLocal reports whether the address is of this machine.
func isLocal(address string) bool {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (p *program) tokenCreateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and print it, this once",
		Example: "  streamgauge token create ci --write 'builds.>' --expires 8760h\n" +
			"  streamgauge token create acme --read 'orders.>' --where 'data.tenant == \"acme\"'",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("streamgauge token create NAME --read STREAM", "a token has one name; there are %d", len(args))
			}
			return nil
		},
	}
	flags := c.Flags()
	read := flags.StringArray("read", nil, "a stream or pattern that may be read; may be repeated")
	where := flags.String("where", "", "which of their events may be: a condition such as 'data.tenant == \"acme\"'")
	write := flags.StringArray("write", nil, "a stream or pattern that may be published to; may be repeated")
	admin := flags.Bool("admin", false, "everything, tokens and dashboards too")
	expires := flags.Duration("expires", 0, "after this long, such as 720h; 0 is never")
	p.administrate(c, func(ctx context.Context, conn *client.Client, args []string) error {
		want := map[string]any{"name": args[0], "read": *read, "where": *where, "write": *write, "admin": *admin}
		if *expires != 0 {
			want["expires_in"] = expires.String()
		}
		var made struct {
			auth.Token
			Secret string `json:"token"`
		}
		if err := conn.Call(ctx, http.MethodPost, "/v1/tokens", want, &made); err != nil {
			return err
		}
		p.notify("token " + made.ID + " is made; it is shown this once")
		fmt.Fprintln(p.stdout, made.Secret)
		return nil
	})
	return c
}

func (p *program) tokenListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the tokens that are valid", Args: noArgs}
	p.administrate(c, func(ctx context.Context, conn *client.Client, _ []string) error {
		var list struct{ Tokens []auth.Token }
		if err := conn.Call(ctx, http.MethodGet, "/v1/tokens", nil, &list); err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tMAY\tEXPIRES\tMADE BY")
		for _, t := range list.Tokens {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, may(&t), expiry(t.Expires), t.By)
		}
		return w.Flush()
	})
	return c
}

// may says what a token is for, in a few words.
func may(t *auth.Token) string {
	if t.Admin {
		return "do everything"
	}
	var parts []string
	if len(t.Read) > 0 {
		text := "read " + strings.Join(t.Read, " ")
		if t.Where != "" {
			text += " where " + t.Where
		}
		parts = append(parts, text)
	}
	if len(t.Write) > 0 {
		parts = append(parts, "publish to "+strings.Join(t.Write, " "))
	}
	return strings.Join(parts, ", ")
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func (p *program) tokenRevokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token; whoever is connected with it is sent away",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("streamgauge token list has the ids", "one token is revoked; there are %d", len(args))
			}
			return nil
		},
	}
	p.administrate(c, func(ctx context.Context, conn *client.Client, args []string) error {
		return conn.Call(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(args[0]), nil, nil)
	})
	return c
}
