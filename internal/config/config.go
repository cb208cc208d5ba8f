// Package config is the server's configuration. A setting is declared once, in
// [Config.Fields]: from there come its YAML key, its flag, its environment
// variable, its place in what "streamgauge check" prints and in the reference.
package config

import (
	"time"

	"github.com/streamgauge/streamgauge"
)

// Config is everything that can be set. [Default] has the defaults.
type Config struct {
	Listen string // address of the API and the UI
	Admin  string // address of health, metrics and profiling; "off" is none

	Data string            // folder of the file log
	Log  string            // "file", "memory", or the address of a Redis or a NATS, perhaps with a password
	Ack  streamgauge.Level // what an acknowledgement promises; file log only

	Instance string // its name among several; "auto" is that of the host and the port

	Heartbeat    time.Duration // silence after which a subscriber gets a heartbeat
	MaxAge       time.Duration // of one connection; 0 is unlimited
	WriteTimeout time.Duration // after which a blocked write ends its subscriber

	Limits Limits
	CORS   CORS

	Streams    []streamgauge.Rule // first match wins
	Dashboards string             // folder of dashboards
	Sources    Sources
}

// Limits bound what clients can make the server do.
type Limits struct {
	// Publishing.
	EventBytes   int64
	BatchEvents  int
	BatchBytes   int64
	RequestBytes int64
	Streams      int

	// Subscribing.
	Feeds                int
	Views                int
	Subscribers          int
	SubscribersPerIP     int
	ReplayBytesPerSecond int64

	// HTTP.
	Connections   int
	HeaderBytes   int64
	HeaderTimeout time.Duration
	BodyTimeout   time.Duration
	IdleTimeout   time.Duration
	DrainTimeout  time.Duration
}

// CORS says which other origins' pages may use the API from a browser.
type CORS struct {
	Origins []string // such as "https://app.example.com"; none by default
}

// Sources are what the server publishes by itself; nil is off.
type Sources struct {
	Host *Every
	Self *Every
	Demo *Demo
}

// Every is how often a source publishes.
type Every struct {
	Every time.Duration
}

// Demo is a made-up web shop.
type Demo struct {
	Seed uint64 // chooses the shop
}

// Default returns the configuration of a server that is told nothing.
func Default() Config {
	return Config{
		Listen:       "127.0.0.1:7070",
		Admin:        "127.0.0.1:7071",
		Data:         "./streamgauge-data",
		Log:          "file",
		Ack:          streamgauge.LevelOS,
		Instance:     "auto",
		Heartbeat:    15 * time.Second,
		MaxAge:       10 * time.Minute,
		WriteTimeout: 10 * time.Second,
		Limits: Limits{
			EventBytes: 256 << 10, BatchEvents: 10_000, BatchBytes: 8 << 20, RequestBytes: 16 << 20,
			Streams: 10_000, Feeds: 10_000, Views: 1000, Subscribers: 100_000, SubscribersPerIP: 1000,
			ReplayBytesPerSecond: 256 << 20, Connections: 110_000, HeaderBytes: 64 << 10,
			HeaderTimeout: 10 * time.Second, BodyTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
			DrainTimeout: 10 * time.Second,
		},
		Streams:    defaultStreams(),
		Dashboards: "./dashboards",
		Sources:    Sources{Host: &Every{time.Second}, Self: &Every{time.Second}},
	}
}

// defaultStreams returns the library's rules, so that a server and a library
// that are told nothing keep the same.
func defaultStreams() []streamgauge.Rule { return streamgauge.DefaultRules() }

// LogText is Log without a password.
func (c *Config) LogText() string { return logValue{&c.Log}.Text() }

// Field is one setting: its key, its meaning, and the place of its value.
type Field struct {
	Key string // as in YAML, with dots between levels
	Doc string // one or two sentences
	Value
}

// Fields returns every setting, bound to c.
func (c *Config) Fields() []Field {
	l := &c.Limits
	return []Field{
		{"listen", "Address of the API and the UI. Port 0 takes any free port.", address{&c.Listen, false}},
		{"admin", "Address of /healthz, /readyz, /metrics and /debug/pprof. Keep it private. `off` is none.", address{&c.Admin, true}},
		{"data", "Folder of the file log. It is created when missing and locked while in use.", word{&c.Data, "path"}},
		{"log", "Where events are kept: `file`; `memory`, which forgets them when the server ends; or, for several instances, the address of a Redis or Valkey, `redis://user:password@host:6379/0`, `rediss://` with TLS, or of a NATS with JetStream, `nats://user:password@host:4222,host2:4222?replicas=3`, `tls://` with TLS.", logValue{&c.Log}},
		{"ack", "What an acknowledgement of the file log promises: `memory`, `os` (survives the end of the process) or `fsync` (survives power loss).", levelValue(&c.Ack)},
		{"instance", "Name of this instance among several with the same log. `auto` is that of the host, and the port.", token{&c.Instance}},
		{"heartbeat", "A subscriber that got nothing for this long gets a heartbeat.", duration{&c.Heartbeat, time.Second, time.Hour}},
		{"max_age", "Age at which a connection is ended so that its client reconnects; jittered. 0 is never.", duration{&c.MaxAge, 0, 0}},
		{"write_timeout", "A subscriber whose connection takes nothing for this long is let go.", duration{&c.WriteTimeout, 100 * time.Millisecond, 0}},

		{"limits.event_bytes", "Data of one event.", size{&l.EventBytes, 1}},
		{"limits.batch_events", "Events of one publish request.", count{&l.BatchEvents, 1}},
		{"limits.batch_bytes", "Data of all events of one publish request.", size{&l.BatchBytes, 1}},
		{"limits.request_bytes", "Body of one publish request, as sent and as decompressed.", size{&l.RequestBytes, 1}},
		{"limits.streams", "Streams that exist at the same time.", count{&l.Streams, 1}},
		{"limits.feeds", "Different selections that are followed at the same time.", count{&l.Feeds, 1}},
		{"limits.views", "Different views that are watched at the same time.", count{&l.Views, 1}},
		{"limits.subscribers", "Subscribers at the same time.", count{&l.Subscribers, 1}},
		{"limits.subscribers_per_ip", "Subscribers and pages being read from one address. Loopback is exempt.", count{&l.SubscribersPerIP, 1}},
		{"limits.replay_bytes_per_second", "Bandwidth of replays and pages, of all clients together; what would be more waits.", size{&l.ReplayBytesPerSecond, 1 << 10}},
		{"limits.connections", "Connections to the API at the same time; further ones are closed at once.", count{&l.Connections, 1}},
		{"limits.header_bytes", "Headers of one request.", size{&l.HeaderBytes, 4 << 10}},
		{"limits.header_timeout", "Time to send a request's headers.", duration{&l.HeaderTimeout, 100 * time.Millisecond, 0}},
		{"limits.body_timeout", "Time to send a publish request's body.", duration{&l.BodyTimeout, 100 * time.Millisecond, 0}},
		{"limits.idle_timeout", "Time that a connection without a request is kept.", duration{&l.IdleTimeout, time.Second, 0}},
		{"limits.drain_timeout", "Time that a stopping server gives its subscribers to leave and its requests to end.", duration{&l.DrainTimeout, 0, 0}},

		{"cors.origins", "Origins whose pages may use the API from a browser, exactly as browsers send them, such as `https://app.example.com`.", origins{&c.CORS.Origins}},
		{"streams", "How streams are kept and delivered; see below. The first rule that matches a stream applies to it, and what it leaves out comes from the last.", rules{&c.Streams}},
		{"dashboards", "Folder of dashboards, a YAML file each. It need not exist; changes are noticed at once.", word{&c.Dashboards, "path"}},
		{"sources", "What the server publishes by itself: `host` is this machine, `self` is the server, `demo` a made-up web shop. `{}` is nothing.", sources{&c.Sources}},
		{"sources.host.every", "How often the machine is measured. `off` is never.", sourceEvery{&c.Sources.Host}},
		{"sources.self.every", "How often the server measures itself. `off` is never.", sourceEvery{&c.Sources.Self}},
		{"sources.demo.seed", "Plays a made-up web shop, so that every kind of panel has something to show: `on` is the shop that `--demo` plays, another number is another shop. `off` is none.", demoSeed{&c.Sources.Demo}},
	}
}

// ruleFields returns the settings of one rule of "streams", bound to r.
func ruleFields(r *streamgauge.Rule) []Field {
	return []Field{
		{"match", "A stream, or a pattern: `logs.*` is one token more, `logs.>` any number, `>` every stream. Required.", selector{&r.Match}},
		{"keep.events", "Keep the last so many events of each stream that the rule matches.", count{&r.Keep.Events, 1}},
		{"keep.age", "Keep what was appended to a stream within this time.", duration{&r.Keep.Age, time.Second, 0}},
		{"keep.bytes", "Keep the last events of each stream whose data is this much.", size{&r.Keep.Bytes, 1}},
		{"delivery", "What a viewer that lags is sent: `all`, every event in order, or `latest`, the newest of each key.", deliveryValue(&r.Delivery)},
		{"format", "What publishers send: `json` values, or `text` lines.", formatValue(&r.Format)},
		{"key", "JSON pointer to the event's key in its data, for `latest`. Without it the whole stream has one key.", pointer{&r.Key}},
	}
}
