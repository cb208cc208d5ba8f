package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

var update = flag.Bool("update", false, "write the generated files")

func load(t *testing.T, yaml string, env []string, flags map[string]string) (*config.Loaded, error) {
	t.Helper()
	in := config.Input{Env: env, Flags: flags}
	if yaml != "" {
		in.Path = filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(in.Path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(in)
}

func TestNothingGivenIsTheDefault(t *testing.T) {
	got, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Config, config.Default()) {
		t.Errorf("got %+v", got.Config)
	}
}

func TestFlagsBeatTheEnvironmentWhichBeatsTheFile(t *testing.T) {
	const file = "heartbeat: 1s\nmax_age: 1m\nwrite_timeout: 1s\n"
	env := []string{"STREAMGAUGE_MAX_AGE=2m", "STREAMGAUGE_WRITE_TIMEOUT=2s", "PATH=/bin"}
	flags := map[string]string{"write_timeout": "3s"}
	got, err := load(t, file, env, flags)
	if err != nil {
		t.Fatal(err)
	}
	if got.Heartbeat != time.Second || got.MaxAge != 2*time.Minute || got.WriteTimeout != 3*time.Second {
		t.Errorf("got heartbeat %v, max_age %v, write_timeout %v", got.Heartbeat, got.MaxAge, got.WriteTimeout)
	}
	for key, want := range map[string]string{
		"heartbeat": ":1:1", "max_age": "STREAMGAUGE_MAX_AGE", "write_timeout": "--write-timeout", "listen": "",
	} {
		if origin := got.Origins[key]; !strings.HasSuffix(origin, want) || want == "" && origin != "" {
			t.Errorf("origin of %s: got %q, want %q", key, origin, want)
		}
	}
}

const full = `
listen: 0.0.0.0:80
admin: off
data: /var/lib/streamgauge
log: file
ack: fsync
limits: { event_bytes: 1KiB, batch_events: 10, batch_bytes: 8MB, streams: 5, feeds: 6, subscribers: 7 }
cors:
  origins: ["https://a.example.com", &dev "http://localhost:3000"]
streams:
  - match: logs.>
    keep: { events: 5, age: 168h }
    delivery: all
    format: text
  - match: host.>
    keep: { bytes: 1MiB }
    delivery: latest
    key: /core
  - match: ">"
dashboards: ./d
sources: { self: { every: 5s } }
`

func TestEverySettingOfTheFileIsTaken(t *testing.T) {
	got, err := load(t, full, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen, want.Admin, want.Data, want.Ack = "0.0.0.0:80", "off", "/var/lib/streamgauge", streamgauge.LevelFsync
	want.Limits.EventBytes, want.Limits.BatchEvents, want.Limits.BatchBytes = 1024, 10, 8_000_000
	want.Limits.Streams, want.Limits.Feeds, want.Limits.Subscribers = 5, 6, 7
	want.CORS.Origins = []string{"https://a.example.com", "http://localhost:3000"}
	want.Streams = []streamgauge.Rule{
		{Match: "logs.>", Keep: streamgauge.Keep{Events: 5, Age: 168 * time.Hour}, Delivery: "all", Format: "text"},
		{Match: "host.>", Keep: streamgauge.Keep{Bytes: 1 << 20}, Delivery: "latest", Key: "/core"},
		{Match: ">"},
	}
	want.Dashboards = "./d"
	want.Sources = config.Sources{Self: &config.Every{Every: 5 * time.Second}}
	if !reflect.DeepEqual(got.Config, want) {
		t.Errorf("got  %+v\nwant %+v", got.Config, want)
	}
}

func TestWhatIsWrittenIsReadBackAsTheSame(t *testing.T) {
	for name, yaml := range map[string]string{
		"defaults": "{}", "full": full, "no rules and no sources": "streams: []\nsources: {}\nlisten: '[::1]:0'\n",
	} {
		t.Run(name, func(t *testing.T) {
			first, err := load(t, yaml, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := first.Write(&text); err != nil {
				t.Fatal(err)
			}
			second, err := load(t, text.String(), nil, nil)
			if err != nil {
				t.Fatalf("%v in\n%s", err, &text)
			}
			if !reflect.DeepEqual(second.Config, first.Config) {
				t.Errorf("got  %+v\nwant %+v\n%s", second.Config, first.Config, &text)
			}
		})
	}
}

func TestSources(t *testing.T) {
	second := &config.Every{Every: time.Second}
	for name, c := range map[string]struct {
		yaml  string
		flags map[string]string
		want  config.Sources
	}{
		"left out are both":            {"listen: :1", nil, config.Sources{Host: second, Self: second}},
		"an empty mapping is none":     {"sources: {}", nil, config.Sources{}},
		"one that is only named":       {"sources: {host: {}}", nil, config.Sources{Host: second}},
		"a flag takes YAML":            {"sources: {host: {}}", map[string]string{"sources": "{self: {every: 1s}}"}, config.Sources{Self: second}},
		"a flag turns one off":         {"", map[string]string{"sources.host.every": "off"}, config.Sources{Self: second}},
		"a flag refines another":       {"", map[string]string{"sources": "{}", "sources.self.every": "1s"}, config.Sources{Self: second}},
		"the file can turn one off":    {"sources: {self: {every: off}}", nil, config.Sources{}},
		"the environment is YAML also": {"", map[string]string{"sources": "{}"}, config.Sources{}},
		"a shared log":                 {"log: redis://localhost", nil, config.Sources{Self: second}},
		"that and a pace":              {"log: redis://localhost", map[string]string{"sources.self.every": "1s"}, config.Sources{Self: second}},
		"that and one asked for":       {"log: redis://localhost", map[string]string{"sources.host.every": "1s"}, config.Sources{Host: second, Self: second}},
		"that and both asked for":      {"log: redis://localhost\nsources: {host: {}, self: {}}", nil, config.Sources{Host: second, Self: second}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, c.yaml, nil, c.flags)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Sources, c.want) {
				t.Errorf("got %+v, want %+v", got.Sources, c.want)
			}
		})
	}
}

func TestWrongFilesAreRefusedWithThePlaceAndTheReason(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want, hint string }{
		"an unknown key":             {"listen: :1\nheartbeet: 1s\n", "c.yaml:2:1: heartbeet is no setting", "did you mean heartbeat?"},
		"an unknown nested key":      {"limits:\n  strems: 5\n", "c.yaml:2:3: limits.strems is no setting", "did you mean streams?"},
		"an unknown key of a rule":   {"streams:\n  - match: a\n    keeep: {}\n", "c.yaml:3:5: streams[0].keeep is no setting", "did you mean keep?"},
		"an unknown source":          {"sources: {hots: {}}\n", "c.yaml:1:11: sources.hots is no source", "did you mean host?"},
		"a bad duration":             {"heartbeat: 15\n", `c.yaml:1:12: heartbeat is "15", which is no duration`, ""},
		"a duration in days":         {"streams: [{match: a, keep: {age: 7d}}]", `streams[0].keep.age is "7d", which is no duration; days are written in hours`, ""},
		"a negative duration":        {"max_age: -1s\n", "max_age is -1s, it must be at least 0s", ""},
		"a bad size":                 {"limits: {event_bytes: 3 apples}\n", `c.yaml:1:23: limits.event_bytes is "3 apples", which is no size`, ""},
		"a size beyond all":          {"limits: {event_bytes: 9000000TiB}\n", "which is too large", ""},
		"a number in quotes":         {"limits: {streams: \"5\"}\n", `limits.streams is the string "5", it must be a number`, "leave the quotes out"},
		"a fraction":                 {"limits: {streams: 5.5}\n", `limits.streams is "5.5", which is no whole number`, ""},
		"a mapping for a scalar":     {"listen: {a: b}\n", "listen is a mapping, it must be one value (address)", ""},
		"a scalar for a mapping":     {"limits: 5\n", `limits is 5, it must be a mapping of settings`, ""},
		"a mapping for a list":       {"streams: {match: a}\n", "streams is a mapping, it must be a list", ""},
		"no value":                   {"listen:\n", "listen has no value", "leave the key out for the default"},
		"no value for a mapping":     {"sources:\n", "sources has no value", "write {} if nothing is meant, or leave the key out"},
		"a bad selector":             {"streams:\n  - match: logs.>.a\n", "c.yaml:2:12: streams[0].match is no selector", ""},
		"a rule without match":       {"streams:\n  - delivery: all\n", "c.yaml:2:5: streams[0] has no match", "say which streams the rule is for, such as match: logs.>"},
		"a rule that never applies":  {"streams:\n  - match: a\n  - match: a\n", `streams[1].match is "a" like that of streams[0]`, ""},
		"a bad delivery":             {"streams: [{match: a, delivery: some}]", `delivery is "some", it must be one of all, latest`, ""},
		"a bad pointer":              {"streams: [{match: a, key: core}]", `key is "core", which is no JSON pointer`, ""},
		"a NATS that is none":        {"log: nats://user:secret@host/x\n", "log is no address of a NATS: it is no URL such as nats://user:password@host:4222", ""},
		"a NATS of no address":       {"log: nats://user:se%cret@host\n", "log is no address of a NATS: it is no URL such as nats://user:password@host:4222", ""},
		"a parameter of no NATS":     {"log: nats://user:secret@host?x=1\n", "log is no address of a NATS: the parameter x is unknown; there are log, replicas, creds and ca", ""},
		"ack of a NATS":              {"log: nats://host\nack: os\n", "ack is for the file log", "leave ack out: what an acknowledgement of NATS promises is what NATS is set to"},
		"a log of nobody":            {"log: kafka://user:secret@host\n", `log has the scheme "kafka", it must be file, memory or an address such as redis://host:6379 or nats://host:4222`, ""},
		"a Redis that is none":       {"log: redis://user:secret@host/x\n", `log is no address of a Redis: invalid database number: "x"`, ""},
		"a Redis of no address":      {"log: redis://user:se%cret@host\n", "log is no address of a Redis: it is no URL such as redis://user:password@host:6379/0", ""},
		"a parameter of no Redis":    {"log: redis://user:secret@host?x=1\n", "log is no address of a Redis: the parameter x is unknown; there are log, addr", ""},
		"ack of a Redis":             {"log: redis://host\nack: os\n", "ack is for the file log", "leave ack out: what an acknowledgement of Redis promises is what Redis is set to"},
		"an unknown log":             {"log: disk\n", `log is "disk", it must be file, memory or an address such as redis://host:6379`, ""},
		"a port alone":               {"listen: 7070\n", `which has no host; write 127.0.0.1:7070`, ""},
		"a port out of range":        {"listen: :70700\n", "whose port is not a number", ""},
		"every origin":               {"cors: {origins: ['*']}\n", `cors.origins[0] is "*": name the origins one by one`, ""},
		"an origin with a path":      {"cors: {origins: ['https://a.com/']}\n", "https://a.com", ""},
		"a key that comes twice":     {"listen: :1\nlisten: :2\n", "c.yaml:2:1: listen is there twice, first in line 1", ""},
		"no YAML at all":             {"listen: [\n", "is no YAML", ""},
		"two documents":              {"listen: :1\n---\nlisten: :2\n", "begins a second document", ""},
		"a merge key":                {"limits:\n  <<: {streams: 5}\n", "merge keys are not supported", "write the settings out"},
		"an alias of nothing":        {"listen: *gone\n", "alias", ""},
		"ack beyond the log":         {"log: memory\nack: fsync\n", "ack is fsync, which a memory log can't promise", "set log: file, or leave ack out"},
		"an event beyond its batch":  {"limits: {batch_bytes: 1KiB}\n", "limits.event_bytes is 256KiB, more than limits.batch_bytes (1KiB)", ""},
		"a batch beyond its request": {"limits: {request_bytes: 1MiB}\n", "limits.batch_bytes is 8MiB, more than limits.request_bytes (1MiB)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.yaml, nil, nil)
			var errs config.Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v, want config.Errors", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want %q in it", err, c.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q tells a password", err)
			}
			if got := strings.Join(config.Hints(err), "\n"); got != c.hint {
				t.Errorf("hint: got %q, want %q", got, c.hint)
			}
		})
	}
}

func TestAllErrorsAreReportedAtOnce(t *testing.T) {
	_, err := load(t, "heartbeet: 1s\nlog: disk\n", []string{"STREAMGAUGE_LISTENN=:1"}, map[string]string{"ack": "never"})
	var errs config.Errors
	if !errors.As(err, &errs) || len(errs) != 4 {
		t.Fatalf("got %v, want 4 errors", err)
	}
	for i, want := range []string{"heartbeet", "log is", "STREAMGAUGE_LISTENN: is no setting", `--ack: is "never"`} {
		if !strings.Contains(errs[i].Error(), want) {
			t.Errorf("error %d: got %q, want %q in it", i, errs[i], want)
		}
	}
	if hint := errs[2].Hint; hint != "did you mean STREAMGAUGE_LISTEN?" {
		t.Errorf("hint: got %q", hint)
	}
}

func TestALogIsShownWithoutItsPassword(t *testing.T) {
	for address, want := range map[string]string{
		"redis://user:secret@host/0":                            "redis://user:xxxxx@host/0",
		"nats://user:secret@host:4222,host2:4222?log=x":         "nats://user:xxxxx@host:4222,host2:4222?log=x",
		"nats://secret@host:4222":                               "nats://xxxxx@host:4222",
		"tls://:secret@host":                                    "tls://:xxxxx@host",
		"nats://host,host2?replicas=3&creds=/etc/nats/u@x.cred": "nats://host,host2?replicas=3&creds=/etc/nats/u@x.cred",
		"file": "file",
	} {
		c, err := load(t, "", nil, map[string]string{"log": address})
		if err != nil {
			t.Errorf("%s: %v", address, err)
		} else if got := c.LogText(); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}

func TestOurOtherVariablesAreNoSettings(t *testing.T) {
	if _, err := load(t, "", []string{"STREAMGAUGE_CONFIG=x", "STREAMGAUGE_REQUIRE=redis", "STREAMGAUGE_SERVER=y"}, nil); err != nil {
		t.Error(err)
	}
}

func TestSizesAreExact(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "1B": 1, "1kB": 1000, "1KB": 1000, "1KiB": 1024, "8MiB": 8 << 20, "10MB": 10_000_000, "2 GiB": 2 << 30, "1TiB": 1 << 40,
	} {
		got, err := load(t, "limits: {replay_bytes_per_second: 1KiB}\nstreams: [{match: '>', keep: {bytes: "+text+"}}]", nil, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got.Streams[0].Keep.Bytes != want {
			t.Errorf("%s: got %d, want %d", text, got.Streams[0].Keep.Bytes, want)
		}
	}
}

func TestReferenceIsUpToDate(t *testing.T) {
	var got bytes.Buffer
	if err := config.WriteReference(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is stale; run: go test ./internal/config -update", path)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("a: &a [*a]\nstreams: *a\n"))
	f.Add([]byte("limits: &l {streams: 5}\nsources: {host: *l}\n---\n"))
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, yaml []byte) {
		if err := os.WriteFile(path, yaml, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := config.Load(config.Input{Path: path})
		if err != nil {
			return
		}
		var text bytes.Buffer
		if err := loaded.Write(&text); err != nil {
			t.Fatal(err)
		}
		if _, err := load(t, text.String(), nil, nil); err != nil {
			t.Errorf("what was written is refused: %v\n%s", err, &text)
		}
	})
}

// A Service that is called streamgauge has Kubernetes set variables that look like settings.
func TestVariablesOfAServiceAreNoSettings(t *testing.T) {
	env := []string{"STREAMGAUGE_SERVICE_HOST=10.0.0.1", "STREAMGAUGE_SERVICE_PORT=80", "STREAMGAUGE_SERVICE_PORT_HTTP=80",
		"STREAMGAUGE_PORT=tcp://10.0.0.1:80", "STREAMGAUGE_PORT_80_TCP=tcp://10.0.0.1:80", "STREAMGAUGE_PORT_80_TCP_ADDR=10.0.0.1"}
	if _, err := config.Load(config.Input{Env: env}); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(config.Input{Env: []string{"STREAMGAUGE_PORTS=1"}}); err == nil {
		t.Error("STREAMGAUGE_PORTS is taken")
	}
}

// What does not go together is said of a setting that stands there, with its place.
func TestSettingsThatDoNotGoTogetherAreSaid(t *testing.T) {
	for yaml, want := range map[string]string{
		"auth: {oidc_issuer: 'https://id.example'}":                ":1:8: auth.oidc_issuer and auth.oidc_client_id go together",
		"auth: {oidc_client_id: x}":                                ":1:8: auth.oidc_client_id and auth.oidc_issuer go together",
		"trusted_proxies: [10.0.0.1]\nauth: {proxy_groups: X-G}":   ":2:8: auth.proxy_groups are those of a user, of whom no header tells",
		"auth: {proxy_user: X-U}":                                  ":1:8: auth.proxy_user is what trusted_proxies say, but there are none",
		"insecure_open: true\nauth: {require: always}":             ":1:1: insecure_open is true, but auth says who may do what",
		"tls: {http3: true}":                                       ":1:7: tls.http3 is always encrypted, but there is no certificate",
		"limits: {event_bytes: 2MiB, batch_bytes: 1MiB}":           ":1:10: limits.event_bytes is 2MiB, more than limits.batch_bytes (1MiB)",
		"tls: {directory: 'https://ca.example/dir', http3: false}": "tls.directory issues certificates for the names in tls.acme, but there are none",
	} {
		if _, err := load(t, yaml, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", yaml, err, want)
		}
	}
}
