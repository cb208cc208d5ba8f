// Package config is the server's configuration. A setting is declared once, in
// [Config.Fields]: from there come its YAML key, its flag, its environment
// variable, its place in what "streamgauge check" prints and in the reference.
package config

import (
	"net/netip"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// Config is everything that can be set. [Default] has the defaults.
type Config struct {
	Listen string // address of the API and the UI

	AllowedHosts   []string       // names by which the server may be reached, beside its addresses
	TrustedProxies []netip.Prefix // they say whose a request is
	InsecureOpen   bool           // whoever reaches the port may do everything
	Auth           Auth
	TLS            TLS

	Admin string // address of health, metrics and profiling; "off" is none

	Data string            // folder of the file log
	Log  string            // "file", "memory", or the address of a Redis or a NATS, perhaps with a password
	Ack  streamgauge.Level // what an acknowledgement promises; file log only

	Instance string // its name among several; "auto" is that of the host and the port

	Heartbeat     time.Duration           // silence after which a subscriber gets a heartbeat
	MaxAge        time.Duration           // of one connection; 0 is unlimited
	Transport     streamgauge.Transport   // of subscribers' connections
	Compression   streamgauge.Compression // of streams
	FlushInterval time.Duration           // for which events may wait for others; 0 is not at all
	WriteTimeout  time.Duration           // after which a blocked write ends its subscriber

	Limits Limits
	CORS   CORS

	FrameAncestors []string // origins whose pages may show the UI in a frame

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

	PublishingBytes int64 // of all requests together

	// Of one token, user or address.
	PublishEventsPerSecond int
	PublishBytesPerSecond  int64
	NewStreamsPerMinute    int

	// Subscribing.
	Feeds                int
	Views                int
	Subscribers          int
	SubscribersPerIP     int
	SubscribersPerToken  int
	ReplayBytesPerToken  int64
	ReplayBytesPerSecond int64

	// HTTP.
	Connections   int
	ConnectionsIP int // from one address
	HeaderBytes   int64
	HeaderTimeout time.Duration
	BodyTimeout   time.Duration
	IdleTimeout   time.Duration
	DrainTimeout  time.Duration
}

// Auth says who may do what.
type Auth struct {
	Require    string // "auto" is unless only this machine can reach the server, or "always"
	AdminToken string
	Grants     []auth.Grant
	Issuers    []auth.Issuer
	OIDC       auth.OIDC
	// The headers in which TrustedProxies say who somebody is; empty is none.
	ProxyUser, ProxyGroups string
}

// TLS says how connections to the API and the UI are encrypted. Either Cert and Key are set, or
// ACME is, or nothing.
type TLS struct {
	Cert, Key string   // files, in PEM
	ACME      []string // names for which certificates are got
	Directory string   // URL of who issues them; empty is Let's Encrypt
	HTTP3     bool     // also over QUIC
}

// On reports whether connections are encrypted.
func (t *TLS) On() bool { return t.Cert != "" || len(t.ACME) > 0 }

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
		Auth:         Auth{Require: "auto", OIDC: auth.OIDC{Name: "single sign-on", Scopes: []string{"profile", "email"}, User: "email", Groups: "groups"}},
		Heartbeat:    15 * time.Second,
		MaxAge:       10 * time.Minute,
		Transport:    streamgauge.TransportAuto,
		Compression:  streamgauge.CompressionAuto,
		WriteTimeout: 10 * time.Second,
		Limits: Limits{
			EventBytes: 256 << 10, BatchEvents: 10_000, BatchBytes: 8 << 20, RequestBytes: 16 << 20, PublishingBytes: 32 << 20,
			Streams: 10_000, Feeds: 10_000, Views: 1000, Subscribers: 100_000, SubscribersPerIP: 1000, SubscribersPerToken: 10_000,
			PublishEventsPerSecond: 50_000, PublishBytesPerSecond: 64 << 20, NewStreamsPerMinute: 1000,
			ReplayBytesPerToken: 64 << 20, ReplayBytesPerSecond: 256 << 20, Connections: 110_000, ConnectionsIP: 2000, HeaderBytes: 64 << 10,
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

// Shared reports whether the log is one that several instances may have at the same time.
func (c *Config) Shared() bool { return c.Log != "file" && c.Log != "memory" }

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
		{"allowed_hosts", "Names by which the server may be reached (the Host of a request), such as `metrics.example.com`; beside them its addresses, and localhost. Without authentication no other name is answered, so that no page can reach the server by a name that it has made up (DNS rebinding); with it any is, if none is listed.", words{&c.AllowedHosts, "host", checkHost}},
		{"trusted_proxies", "Addresses of proxies before the server, such as `10.0.0.5` or `10.0.0.0/24`: they are believed as to whose request it is (`X-Forwarded-For`), by which limits go.", prefixes{&c.TrustedProxies}},
		{"insecure_open", "Whoever reaches the port may read, publish and delete everything, also from other machines.", flag{&c.InsecureOpen}},
		{"tls.cert", "File with the certificate, and those between it and the authority's, in PEM. Changes are noticed.", maybe{&c.TLS.Cert, "path"}},
		{"tls.key", "File with the certificate's key, in PEM.", maybe{&c.TLS.Key, "path"}},
		{"tls.acme", "Names for which certificates are got, and renewed, from Let's Encrypt (ACME), whose terms you accept by that. They lead to this server's port 443.", words{&c.TLS.ACME, "host", checkName}},
		{"tls.directory", "URL of another authority that speaks ACME.", maybe{&c.TLS.Directory, "URL"}},
		{"tls.http3", "Speak HTTP/3 too, at the UDP port of the same number. A delivery takes some 1.2 times the CPU of one over HTTP/2.", flag{&c.TLS.HTTP3}},
		{"auth.require", "Who has to show who they are: `auto` is everybody if the server can be reached from other machines, if there are `trusted_proxies` or `tls.acme`, or if anything else of `auth` is set, `always` also on this machine.", choice[string]{&c.Auth.Require, []string{"auto", "always"}}},
		{"auth.admin_token", "A token that may do everything, at least 20 characters. Give it in the variable or the file: a flag can be seen in the list of processes. Without it one is made and kept in the data folder, and a link to sign in is printed at the start.", secret{&c.Auth.AdminToken, auth.MinAdminToken}},
		{"auth.grants", "Who may do what, beside those with tokens; see docs/access.md.", grants{&c.Auth.Grants}},
		{"auth.issuers", "Whose JSON Web Tokens are believed; see docs/access.md.", issuers{&c.Auth.Issuers}},
		{"auth.oidc_issuer", "URL of the OpenID Connect provider with whom people sign in to the page, such as `https://id.example.com`. It has to know the address `/v1/session/oidc/callback` of this server.", maybe{&c.Auth.OIDC.Issuer, "URL"}},
		{"auth.oidc_client_id", "By which the provider knows this server.", maybe{&c.Auth.OIDC.ClientID, "text"}},
		{"auth.oidc_client_secret", "The secret that goes with it. Give it in the variable or the file.", secret{&c.Auth.OIDC.ClientSecret, 1}},
		{"auth.oidc_name", "What the page calls the provider.", word{&c.Auth.OIDC.Name, "text"}},
		{"auth.oidc_scopes", "What the provider is asked for, beside `openid`.", words{&c.Auth.OIDC.Scopes, "scope", checkScope}},
		{"auth.oidc_user", "The claim that says who somebody is: the name in grants' `user:…`.", word{&c.Auth.OIDC.User, "claim"}},
		{"auth.oidc_groups", "The claim with their groups.", word{&c.Auth.OIDC.Groups, "claim"}},
		{"auth.proxy_user", "The header with which trusted_proxies say who somebody is, such as `X-Forwarded-User`: the user's name. Nobody else may send it, so the proxies have to take it off.", maybe{&c.Auth.ProxyUser, "header"}},
		{"auth.proxy_groups", "The header with the user's groups, separated by commas.", maybe{&c.Auth.ProxyGroups, "header"}},
		{"admin", "Address of /healthz, /readyz, /metrics and /debug/pprof. Keep it private. `off` is none.", address{&c.Admin, true}},
		{"data", "Folder of the file log. It is created when missing and locked while in use.", word{&c.Data, "path"}},
		{"log", "Where events are kept: `file`; `memory`, which forgets them when the server ends; or, for several instances, the address of a Redis or Valkey, `redis://user:password@host:6379/0`, `rediss://` with TLS, or of a NATS with JetStream, `nats://user:password@host:4222,host2:4222?replicas=3`, `tls://` with TLS.", logValue{&c.Log}},
		{"ack", "What an acknowledgement of the file log promises: `memory`, `os` (survives the end of the process) or `fsync` (survives power loss).", levelValue(&c.Ack)},
		{"instance", "Name of this instance among several with the same log. `auto` is that of the host, and the port.", token{&c.Instance}},
		{"heartbeat", "A subscriber that got nothing for this long gets a heartbeat.", duration{&c.Heartbeat, time.Second, time.Hour}},
		{"max_age", "Age at which a connection is ended so that its client reconnects; jittered. 0 is never.", duration{&c.MaxAge, 0, 0}},
		{"transport", "How connections of subscribers are carried. `auto` has one event loop for each processor, on Linux and for HTTP/1 without TLS, as proxies speak it, and a goroutine for each of the others; `goroutine` has that for all.", choice[streamgauge.Transport]{&c.Transport, []streamgauge.Transport{streamgauge.TransportAuto, streamgauge.TransportGoroutine}}},
		{"flush_interval", "For how long events may wait after others, so that more of them go out in one write: less CPU for a later picture. 0 is not at all; while the server is busy it joins them anyway.", duration{&c.FlushInterval, 0, time.Second}},
		{"compression", "Whether streams are compressed for clients that accept it (gzip, and zstd for browsers), once for all who are sent the same. `auto` does that for what everybody may see, and where somebody has to sign in for each stream that is followed by itself and of which they may see everything; `always` also for streams that are followed together, where how long they are tells somebody who may write in one what is in another (BREACH); `never` does not.", choice[streamgauge.Compression]{&c.Compression, []streamgauge.Compression{streamgauge.CompressionAuto, streamgauge.CompressionAlways, streamgauge.CompressionNever}}},
		{"write_timeout", "A subscriber is let go if what is written to it, up to 64 KiB at a time, is not taken within this time: by default one that is behind and takes less than some 10 kB a second. It can resume.", duration{&c.WriteTimeout, 100 * time.Millisecond, 0}},

		{"limits.event_bytes", "Data of one event.", size{&l.EventBytes, 1}},
		{"limits.batch_events", "Events of one publish request.", count{&l.BatchEvents, 1}},
		{"limits.batch_bytes", "Data of all events of one publish request.", size{&l.BatchBytes, 1}},
		{"limits.request_bytes", "Body of one publish request, as sent and as decompressed.", size{&l.RequestBytes, 1}},
		{"limits.publishing_bytes", "Bodies of publish requests that are being read or stored, of all clients together, save for those up to 8 KiB; with one token, of one user or from one address half of it. What would be more is answered 503. It is never less than one request may have.", size{&l.PublishingBytes, 1}},
		{"limits.streams", "Streams that exist at the same time.", count{&l.Streams, 1}},
		{"limits.feeds", "Different selections that are followed at the same time. One client has half of them at most.", count{&l.Feeds, 1}},
		{"limits.views", "Different views that are watched at the same time. One client has half of them at most.", count{&l.Views, 1}},
		{"limits.subscribers", "Subscribers at the same time.", count{&l.Subscribers, 1}},
		{"limits.subscribers_per_ip", "Subscribers and pages being read from one address. Loopback is exempt.", count{&l.SubscribersPerIP, 1}},
		{"limits.subscribers_per_token", "Subscribers and pages being read with one token, or of one user.", count{&l.SubscribersPerToken, 1}},
		{"limits.publish_events_per_second", "Events published with one token, of one user or, without, from one address; a few seconds' worth at once. Loopback without a token is exempt.", count{&l.PublishEventsPerSecond, 1}},
		{"limits.publish_bytes_per_second", "Bodies of publish requests, likewise.", size{&l.PublishBytesPerSecond, 1 << 10}},
		{"limits.new_streams_per_minute", "Streams that are begun, likewise.", count{&l.NewStreamsPerMinute, 1}},
		{"limits.replay_bytes_per_token", "Bandwidth of replays and pages of one token, user or address; what would be more waits. Loopback without a token is exempt.", size{&l.ReplayBytesPerToken, 1 << 10}},
		{"limits.replay_bytes_per_second", "Bandwidth of replays and pages, of all clients together; what would be more waits.", size{&l.ReplayBytesPerSecond, 1 << 10}},
		{"limits.connections", "Connections to the API at the same time; further ones are closed at once.", count{&l.Connections, 1}},
		{"limits.connections_per_ip", "Connections from one address, beside those that follow streams, which `limits.subscribers_per_ip` bounds; further ones are closed at once. Loopback and `trusted_proxies` are exempt.", count{&l.ConnectionsIP, 1}},
		{"limits.header_bytes", "Headers of one request.", size{&l.HeaderBytes, 4 << 10}},
		{"limits.header_timeout", "Time to send a request's headers.", duration{&l.HeaderTimeout, 100 * time.Millisecond, 0}},
		{"limits.body_timeout", "Time to send a publish request's body.", duration{&l.BodyTimeout, 100 * time.Millisecond, 0}},
		{"limits.idle_timeout", "Time that a connection without a request is kept.", duration{&l.IdleTimeout, time.Second, 0}},
		{"limits.drain_timeout", "Time that a stopping server gives its subscribers to leave and its requests to end.", duration{&l.DrainTimeout, 0, 0}},

		{"cors.origins", "Origins whose pages may use the API from a browser, exactly as browsers send them, such as `https://app.example.com`.", words{&c.CORS.Origins, "origin", checkOrigin}},
		{"frame_ancestors", "Origins whose pages may show this server's page in a frame, such as `https://wiki.example.com`, beside its own.", words{&c.FrameAncestors, "origin", checkOrigin}},
		{"streams", "How streams are kept and delivered; see below. The first rule that matches a stream applies to it, and what it leaves out comes from the last.", rules{&c.Streams}},
		{"dashboards", "Folder of dashboards, a YAML file each. It need not exist; changes are noticed at once.", word{&c.Dashboards, "path"}},
		{"sources", "What the server publishes by itself: `host` is this machine, `self` is the server, `demo` a made-up web shop. `{}` is nothing. With a log that instances share, `host` has to be asked for: the streams are the same from every machine.", sources{&c.Sources}},
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
