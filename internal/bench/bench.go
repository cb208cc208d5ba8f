// Package bench measures a server: it opens subscribers, publishes at a rate,
// checks every event that comes, and says what that cost. One thread does all
// of the client's part, so that it stays small beside the server's.
package bench

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// ErrTooMany is of a server that can't deliver even one event a second as a ceiling has it.
var ErrTooMany = errors.New("they are too many")

// Options say what is measured. All members but the CPUs, which are -1 for
// none, are bounded by Validate.
type Options struct {
	// URL is of a running server, such as "http://127.0.0.1:7070". If it is
	// empty, Server is started for the run.
	URL    string
	Server *Command
	// PublishURL is of another instance with the same log, if events are published
	// there. It makes no sense without URL.
	PublishURL string
	// PID is the process of the server at URL, whose CPU time and memory are
	// to be read. 0 is none.
	PID int

	Mode        Mode
	Subscribers int // that read
	Stalled     int // that don't
	Streams     int // each subscriber follows one
	Publishers  int // connections that publish
	Pipeline    int // requests on the way on each of them, at most
	Batch       int // events in a request
	Payload     int // bytes of an event's data
	Backlog     int // events that a replay begins behind
	// Rate is how many events a second are due, on all streams together. 0 is
	// as many as are acknowledged.
	Rate float64

	// Warmup passes before Duration is measured.
	Warmup, Duration time.Duration

	// Gzip asks for a stream that is packed. Its blocks must be packed by themselves, as
	// Streamgauge does it.
	Gzip bool
	// WebSocket has subscribers read over WebSocket (RFC 6455), on the same URLs.
	WebSocket bool
	// Peer is how one talks to a server that is not Streamgauge: its positions are not checked, and
	// it need not send one before the first event. With nil it is Streamgauge.
	Peer *Dialect

	// Latency is the p99 up to which a ceiling counts, and Rate is where its search begins.
	Latency time.Duration

	ServerCPU, ClientCPU int
}

// Mode is the kind of a run.
type Mode string

const (
	FanOut  Mode = "fan-out" // publish at a rate, deliver to everyone
	Idle    Mode = "idle"    // connect and wait
	Publish Mode = "publish" // publish as much as is acknowledged
	Replay  Mode = "replay"  // everyone resumes at once, behind by the backlog
	Ceiling Mode = "ceiling" // find the highest rate of fan-out that is delivered in time
)

// Defaults returns a run that takes a few seconds.
func Defaults(mode Mode) Options {
	o := Options{
		Mode: mode, Subscribers: 1000, Streams: 1, Publishers: 1, Pipeline: 64, Batch: 1,
		Payload: 128, Backlog: 100, Rate: 10, Warmup: time.Second, Duration: 5 * time.Second,
		Latency: 250 * time.Millisecond, ServerCPU: -1, ClientCPU: -1,
	}
	switch mode {
	case Publish:
		o.Subscribers, o.Rate, o.Pipeline = 0, 0, 256
	case Ceiling:
		o.Publishers, o.Rate, o.Duration = 16, 100, 3*time.Second
	}
	return o
}

// A command starts a server.
type Command struct {
	Path string
	// Args returns the arguments with which it listens on an address and keeps
	// its files in a folder, which exists and is empty.
	Args func(addr, folder string) ([]string, error)
}

// Validate reports the first option that makes no sense.
func (o *Options) Validate() error {
	for name, address := range map[string]string{"url": o.URL, "publish-url": o.PublishURL} {
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Scheme != "http" || u.Host == "") {
			return fmt.Errorf("%s is %q; it must be http:// and the server's address", name, address)
		}
	}
	if o.PublishURL != "" && o.URL == "" {
		return errors.New("publish-url is another instance of the server at url, which is not given")
	}
	switch o.Mode {
	case FanOut, Idle, Publish, Replay, Ceiling:
	default:
		return fmt.Errorf("mode is %q; it must be %s, %s, %s, %s or %s", o.Mode, FanOut, Idle, Publish, Replay, Ceiling)
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{
		{"subscribers", o.Subscribers, 0, 100_000},
		{"stalled", o.Stalled, 0, 100_000},
		{"streams", o.Streams, 1, 10_000},
		{"publishers", o.Publishers, 1, 1000},
		{"pipeline", o.Pipeline, 1, 10_000},
		{"batch", o.Batch, 1, 10_000},
		{"payload", o.Payload, 1, 1 << 20},
		{"backlog", o.Backlog, 1, 1_000_000},
	} {
		if n.value < n.low || n.value > n.high {
			return fmt.Errorf("%s is %d; it must be from %d to %d", n.name, n.value, n.low, n.high)
		}
	}
	switch {
	case !(o.Rate >= 0 && o.Rate <= 10_000_000):
		return fmt.Errorf("rate is %v; it must be from 0 to 10,000,000 events a second", o.Rate)
	case o.Warmup < 0 || o.Warmup > time.Hour || o.Duration <= 0 || o.Duration > time.Hour:
		return fmt.Errorf("warm-up and duration are %v and %v; they must be at most an hour", o.Warmup, o.Duration)
	case o.Latency <= 0 || o.Latency > time.Minute:
		return fmt.Errorf("latency is %v; it must be at most a minute", o.Latency)
	case o.Mode == Ceiling && (o.Rate < 1 || o.Subscribers == 0 || o.URL != ""):
		return errors.New("a ceiling needs a rate to begin with, subscribers, and a server of its own for each attempt")
	case o.Gzip && o.WebSocket:
		return errors.New("gzip is of event streams, not of WebSocket")
	case o.Peer != nil && o.Peer.Body != nil && o.Batch > 1:
		return errors.New("this server takes one event in a request")
	case o.Mode == Replay && o.Streams > 1:
		return fmt.Errorf("streams is %d; a replay has one", o.Streams)
	}
	return nil
}

// interval is the time between two requests.
func (o *Options) interval() time.Duration {
	if o.Rate == 0 {
		return 0
	}
	return time.Duration(float64(o.Batch) / o.Rate * float64(time.Second))
}
