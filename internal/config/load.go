package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// EnvPrefix begins the names of the environment variables that are settings.
const EnvPrefix = "STREAMGAUGE_"

// otherEnv are variables with our prefix that are no settings.
var otherEnv = []string{"CONFIG", "SERVER", "REQUIRE", "TOKEN"}

// ofService are the variables that Kubernetes sets of a Service that is called streamgauge.
var ofService = regexp.MustCompile(`^STREAMGAUGE_(SERVICE_(HOST|PORT(_.*)?)|PORT(_.*)?)$`)

// Flag returns the flag of a key: limits.event_bytes is --limits.event-bytes.
func Flag(key string) string { return strings.ReplaceAll(key, "_", "-") }

// Env returns the environment variable of a key: that of limits.event_bytes is
// STREAMGAUGE_LIMITS_EVENT_BYTES.
func Env(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Error is one thing that is wrong with a configuration.
type Error struct {
	Where  string // "file.yaml:3:5", "--heartbeat", "STREAMGAUGE_HEARTBEAT"
	Key    string // the setting, or empty
	Reason string // a phrase that follows the key
	Hint   string // what to do, or empty
}

// Error says where, what and why.
func (e *Error) Error() string {
	if e.Key == "" {
		return e.Where + ": " + e.Reason
	}
	return e.Where + ": " + e.Key + " " + e.Reason
}

// Errors are all that is wrong with a configuration.
type Errors []*Error

// Error lists them, one per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Input is where a configuration comes from.
type Input struct {
	Path  string            // YAML file; empty is none
	Env   []string          // "NAME=value", as os.Environ returns it
	Flags map[string]string // text by key, of the flags that were given
}

// Loaded is a configuration and where each of its settings was given.
type Loaded struct {
	Config
	Origins map[string]string // by key; a setting that isn't here has its default
}

// Load puts the sources together: defaults, then the file, then the
// environment, then flags. The error is of type [Errors], except when the file
// can't be read.
func Load(in Input) (*Loaded, error) {
	l := &Loaded{Config: Default(), Origins: map[string]string{}}
	fields := l.Fields()
	var errs Errors
	if in.Path != "" {
		text, err := os.ReadFile(in.Path)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		errs = append(errs, decodeYAML(in.Path, text, fields, l.Origins)...)
	}
	errs = append(errs, l.setEnv(in.Env, fields)...)
	errs = append(errs, l.setFlags(in.Flags, fields)...)
	if len(errs) == 0 {
		l.share()
		errs = l.check()
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return l, nil
}

func (l *Loaded) setEnv(env []string, fields []Field) (errs Errors) {
	given := map[string]string{}
	for _, one := range env {
		name, text, _ := strings.Cut(one, "=")
		if strings.HasPrefix(name, EnvPrefix) && !ofService.MatchString(name) {
			given[name] = text
		}
	}
	var names []string
	for _, f := range fields { // in the fields' order: sources before sources.host.every
		name := Env(f.Key)
		names = append(names, name)
		if text, ok := given[name]; ok {
			delete(given, name)
			errs = l.set(f, name, text, errs)
		}
	}
	for _, name := range otherEnv {
		delete(given, EnvPrefix+name)
	}
	for name := range given {
		errs = append(errs, &Error{Where: name, Reason: "is no setting", Hint: yamlfile.DidYouMean(name, names)})
	}
	slices.SortStableFunc(errs, func(a, b *Error) int { return strings.Compare(a.Where, b.Where) })
	return errs
}

func (l *Loaded) setFlags(flags map[string]string, fields []Field) (errs Errors) {
	for _, f := range fields {
		if text, ok := flags[f.Key]; ok {
			errs = l.set(f, "--"+Flag(f.Key), text, errs)
		}
	}
	return errs
}

func (l *Loaded) set(f Field, where, text string, errs Errors) Errors {
	if err := f.Set(text); err != nil {
		return append(errs, &Error{Where: where, Reason: err.Error()})
	}
	l.Origins[f.Key] = where
	return errs
}

// share turns off what instances of one log would all publish to the same streams, unless
// it was asked for: charts would jump between machines.
func (l *Loaded) share() {
	if l.Shared() && l.Origins["sources"] == "" && l.Origins["sources.host.every"] == "" {
		l.Sources.Host = nil
	}
}

// check finds what no single setting shows.
func (l *Loaded) check() (errs Errors) {
	fail := func(key, reason, hint string) {
		where := l.Origins[key]
		if where == "" {
			where = "defaults"
		}
		errs = append(errs, &Error{Where: where, Key: key, Reason: reason, Hint: hint})
	}
	if _, given := l.Origins["ack"]; given && l.Log == "memory" && l.Ack != streamgauge.LevelMemory {
		fail("ack", fmt.Sprintf("is %s, which a memory log can't promise", l.Ack), "set log: file, or leave ack out")
	} else if given && l.Shared() {
		broker := "Redis"
		if isNats(l.Log) {
			broker = "NATS"
		}
		fail("ack", "is for the file log", fmt.Sprintf("leave ack out: what an acknowledgement of %s promises is what %[1]s is set to", broker))
	}
	switch {
	case (l.TLS.Cert == "") != (l.TLS.Key == ""):
		fail("tls.cert", "and tls.key go together", "name both files")
	case l.TLS.Cert != "" && len(l.TLS.ACME) > 0:
		fail("tls.acme", "gets certificates, but tls.cert is one", "leave one of them out")
	case l.TLS.Directory != "" && len(l.TLS.ACME) == 0:
		fail("tls.directory", "issues certificates for the names in tls.acme, but there are none", "")
	case l.TLS.HTTP3 && !l.TLS.On():
		fail("tls.http3", "is always encrypted, but there is no certificate", "set tls.cert and tls.key, or tls.acme")
	case len(l.TLS.ACME) > 0 && l.Log != "file":
		fail("tls.acme", "keeps certificates in the data folder, which this log has none of", "take log: file, or give certificates in tls.cert")
	}
	if l.Auth.OIDC.Issuer != "" && l.Auth.OIDC.ClientID == "" {
		fail("auth.oidc_issuer", "and auth.oidc_client_id go together", "set both")
	}
	if l.Auth.OIDC.Issuer == "" && l.Auth.OIDC.ClientID != "" {
		fail("auth.oidc_client_id", "and auth.oidc_issuer go together", "set both")
	}
	if l.Auth.ProxyGroups != "" && l.Auth.ProxyUser == "" {
		fail("auth.proxy_groups", "are those of a user, of whom no header tells", "set auth.proxy_user")
	}
	if l.Auth.ProxyUser != "" && len(l.TrustedProxies) == 0 {
		fail("auth.proxy_user", "is what trusted_proxies say, but there are none", "name their addresses in trusted_proxies")
	}
	if l.InsecureOpen && l.Auth.given() {
		fail("insecure_open", "is true, but auth says who may do what", "leave one of them out")
	}
	if l.Limits.EventBytes > l.Limits.BatchBytes {
		fail("limits.event_bytes", fmt.Sprintf("is %s, more than limits.batch_bytes (%s)", formatSize(l.Limits.EventBytes), formatSize(l.Limits.BatchBytes)), "")
	}
	if l.Limits.BatchBytes > l.Limits.RequestBytes {
		fail("limits.batch_bytes", fmt.Sprintf("is %s, more than limits.request_bytes (%s)", formatSize(l.Limits.BatchBytes), formatSize(l.Limits.RequestBytes)), "")
	}
	if _, err := streamgauge.NewRules(l.Streams...); err != nil {
		fail("streams", "can't be used: "+err.Error(), "")
	}
	return errs
}

// Hints returns the hint of each error that has one, without repeats.
func Hints(err error) (hints []string) {
	var errs Errors
	if !errors.As(err, &errs) {
		return nil
	}
	for _, e := range errs {
		if e.Hint != "" && !slices.Contains(hints, e.Hint) {
			hints = append(hints, e.Hint)
		}
	}
	return hints
}
