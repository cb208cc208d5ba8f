package streamgauge

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Options configures a [Hub]. The zero value of every member is a good choice.
type Options struct {
	// Log is where events are kept. Default: a new memory log with the Rules.
	// The hub does not close it.
	Log Log
	// Rules say how streams are kept and delivered; give the log the same.
	// Default: [DefaultRules].
	Rules Rules
	// CompileFilter compiles the conditions that subscribers ask for. Default:
	// asking for one is an error.
	CompileFilter func(source string) (Filter, error)
	// NamedView returns the view of a name, by which subscribers may ask for it.
	// Names have no parentheses. It may be called from several goroutines at once.
	// Default: there are no names.
	NamedView func(name string) (View, bool)
	// Heartbeat is the silence after which a subscriber gets a heartbeat.
	// Default: 15 s.
	Heartbeat time.Duration
	// MaxAge is how long a connection may last, give or take 10 %. Default:
	// without limit.
	MaxAge time.Duration
	// WriteTimeout is how long a write may block before the subscriber is let
	// go. Default: 10 s.
	WriteTimeout time.Duration
	// FlushInterval is how long events may wait after others, so that more of them go out in one
	// write. Default: not at all.
	FlushInterval time.Duration
	// Compression is whether streams are compressed for clients that accept it. Default:
	// [CompressionAuto].
	Compression Compression
	// EncodeZstd appends a frame (RFC 8878) that contains what it is given, for browsers that accept
	// zstd. It may be called from several goroutines at once. Default: there is gzip only.
	EncodeZstd func(dst, p []byte) []byte
	// Transport is how connections are carried. Default: [TransportAuto].
	Transport Transport
	// Limits bound what publishers and subscribers may ask for.
	Limits Limits
	// Logger gets what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
	// Version is what hub.hello says. Default: "dev".
	Version string
	// Private selects streams that no subscriber can see, and no list has: what the program
	// keeps in the log for itself. Publish them with [Hub.PublishOwn] or to the Log.
	Private Selection
	// Name tells this hub apart from others that share its log. Default: a random one.
	Name string
}

// Limits bound what publishers and subscribers may ask for. Zero is the
// default, which each member names.
type Limits struct {
	EventBytes           int   // of one event's data: 256 KiB
	BatchEvents          int   // events in one Publish: 10,000
	BatchBytes           int   // data of all of them: 8 MiB
	Streams              int   // that exist at a time: 10,000
	Feeds                int   // that are followed at a time: 10,000
	Views                int   // different ones that are watched at a time: 1,000
	Subscribers          int   // connected at a time: 100,000
	SubscribersPerIP     int   // and pages that are read, from one address, loopback excepted: 1,000
	SubscribersPerToken  int   // and pages, with an [Access] of one ID: 10,000
	ReplayBytesPerToken  int64 // read each second for one token or address, loopback excepted: a quarter of
	ReplayBytesPerSecond int64 // what is read from the log for all subscribers and pages together: 256 MiB
}

func (o *Options) orDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	or(&out.Heartbeat, 15*time.Second)
	or(&out.WriteTimeout, 10*time.Second)
	or(&out.Version, "dev")
	if out.Name == "" {
		out.Name = fmt.Sprintf("hub-%06x", rand.N(1<<24))
	}
	or(&out.Limits.EventBytes, 256<<10)
	or(&out.Limits.BatchEvents, 10_000)
	or(&out.Limits.BatchBytes, 8<<20)
	or(&out.Limits.Streams, 10_000)
	or(&out.Limits.Feeds, 10_000)
	or(&out.Limits.Views, 1000)
	or(&out.Limits.Subscribers, 100_000)
	or(&out.Limits.SubscribersPerIP, 1000)
	or(&out.Limits.SubscribersPerToken, 10_000)
	or(&out.Limits.ReplayBytesPerSecond, 256<<20)
	or(&out.Limits.ReplayBytesPerToken, out.Limits.ReplayBytesPerSecond/4)
	if out.Rules == nil {
		out.Rules = DefaultRules()
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if out.CompileFilter == nil {
		out.CompileFilter = func(string) (Filter, error) {
			return nil, errors.New("this hub has no filters")
		}
	}
	return out
}

func or[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
