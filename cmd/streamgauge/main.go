// Streamgauge is a hub of events: publish to it with one request, follow it
// live, and see it move in the browser.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const signalGrace = 300 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the context, a second one the process. Not at once:
	// timeout(1) and some process managers send every signal twice.
	context.AfterFunc(ctx, func() { time.AfterFunc(signalGrace, stop) })
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
