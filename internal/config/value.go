package config

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/natslog"
	"github.com/streamgauge/streamgauge/redislog"
)

// Value is a setting's value in its text form, which is the same in YAML, in
// flags and in the environment.
type Value interface {
	// Set parses the text and takes the value, or returns what is wrong with it
	// as a phrase that follows the setting's name.
	Set(text string) error
	// Text returns the value's text.
	Text() string
	// Kind names what the text is: "duration", "size", ...
	Kind() string
}

type word struct {
	p    *string
	kind string
}

func (v word) Text() string { return *v.p }
func (v word) Kind() string { return v.kind }
func (v word) Set(s string) error {
	if s == "" {
		return fmt.Errorf("is empty")
	}
	*v.p = s
	return nil
}

// token is a name that may be a part of a stream's.
type token struct{ p *string }

func (v token) Text() string { return *v.p }
func (v token) Kind() string { return "name" }
func (v token) Set(s string) error {
	if len(s) > 64 || strings.Contains(s, ".") || streamgauge.CheckStream(s) != nil {
		return fmt.Errorf("is %q, it must be 1 to 64 of A-Z, a-z, 0-9, _ and -", s)
	}
	*v.p = s
	return nil
}

// choice is one of a few words.
type choice[T ~string] struct {
	p     *T
	words []T
}

func levelValue(p *streamgauge.Level) Value {
	return choice[streamgauge.Level]{p, []streamgauge.Level{streamgauge.LevelMemory, streamgauge.LevelOS, streamgauge.LevelFsync}}
}

func deliveryValue(p *streamgauge.Delivery) Value {
	return choice[streamgauge.Delivery]{p, []streamgauge.Delivery{streamgauge.DeliverAll, streamgauge.DeliverLatest}}
}

func formatValue(p *streamgauge.Format) Value {
	return choice[streamgauge.Format]{p, []streamgauge.Format{streamgauge.FormatJSON, streamgauge.FormatText}}
}

func (v choice[T]) Text() string { return string(*v.p) }
func (v choice[T]) Kind() string {
	names := make([]string, len(v.words))
	for i, w := range v.words {
		names[i] = string(w)
	}
	return strings.Join(names, " | ")
}

func (v choice[T]) Set(s string) error {
	for _, w := range v.words {
		if string(w) == s {
			*v.p = w
			return nil
		}
	}
	return fmt.Errorf("is %q, it must be one of %s", s, strings.ReplaceAll(v.Kind(), " |", ","))
}

// logValue is the name of an engine, or the address of one, which may hold a
// password.
type logValue struct{ p *string }

// Text leaves the password out: it is shown.
func (v logValue) Text() string {
	if isNats(*v.p) {
		return natslog.Redact(*v.p)
	}
	if strings.HasPrefix(*v.p, "redis") {
		return redislog.Redact(*v.p)
	}
	return *v.p
}

func isNats(log string) bool {
	return strings.HasPrefix(log, "nats://") || strings.HasPrefix(log, "tls://")
}

func (v logValue) Kind() string { return "file | memory | redis://… | nats://…" }
func (v logValue) Set(s string) error {
	const forms = "it must be file, memory or an address such as redis://host:6379 or nats://host:4222"
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case isURL && (scheme == "redis" || scheme == "rediss"):
		if err := redislog.CheckAddress(s); err != nil {
			return fmt.Errorf("is no address of a Redis: %w", err)
		}
	case isNats(s):
		if err := natslog.CheckAddress(s); err != nil {
			return fmt.Errorf("is no address of a NATS: %w", err)
		}
	case s == "file" || s == "memory":
	case isURL: // the rest of a URL may hold a password
		return fmt.Errorf("has the scheme %q, %s", scheme, forms)
	default:
		return fmt.Errorf("is %q, %s", s, forms)
	}
	*v.p = s
	return nil
}

type address struct {
	p   *string
	off bool // "off" is allowed
}

func (v address) Text() string { return *v.p }
func (v address) Kind() string { return "address" }
func (v address) Set(s string) error {
	if v.off && s == "off" {
		*v.p = s
		return nil
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		if _, err := strconv.ParseUint(s, 10, 16); err == nil {
			return fmt.Errorf("is %q, which has no host; write 127.0.0.1:%s, or :%s for every interface", s, s, s)
		}
		return fmt.Errorf("is %q, which is no address such as 127.0.0.1:7070", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("is %q, whose port is not a number from 0 to 65535", s)
	}
	*v.p = s
	return nil
}

type duration struct {
	p        *time.Duration
	min, max time.Duration // max 0 is none
}

func (v duration) Text() string { return formatDuration(*v.p) }
func (v duration) Kind() string { return "duration" }
func (v duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && strings.HasSuffix(s, "d"):
		return fmt.Errorf("is %q, which is no duration; days are written in hours, 7 days are 168h", s)
	case err != nil:
		return fmt.Errorf("is %q, which is no duration such as 500ms, 15s, 10m or 24h", s)
	case d < v.min:
		return fmt.Errorf("is %s, it must be at least %s", s, formatDuration(v.min))
	case v.max > 0 && d > v.max:
		return fmt.Errorf("is %s, it must be at most %s", s, formatDuration(v.max))
	}
	*v.p = d
	return nil
}

// formatDuration leaves out the zero parts that Duration.String appends.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

type count struct {
	p   *int
	min int
}

func (v count) Text() string { return strconv.Itoa(*v.p) }
func (v count) Kind() string { return "number" }
func (v count) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return fmt.Errorf("is %q, which is no whole number from %d to %d", s, v.min, math.MaxInt32)
	}
	if n < int64(v.min) {
		return fmt.Errorf("is %d, it must be at least %d", n, v.min)
	}
	*v.p = int(n)
	return nil
}

type size struct {
	p   *int64
	min int64
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1},
}

func (v size) Text() string { return formatSize(*v.p) }
func (v size) Kind() string { return "size" }
func (v size) Set(s string) error {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	unit := strings.TrimSpace(s[digits:])
	for _, u := range sizeUnits {
		switch {
		case err != nil || u.name != unit:
		case n > math.MaxInt64/u.bytes:
			return fmt.Errorf("is %q, which is too large", s)
		case n*u.bytes < v.min:
			return fmt.Errorf("is %s, it must be at least %s", s, formatSize(v.min))
		default:
			*v.p = n * u.bytes
			return nil
		}
	}
	return fmt.Errorf("is %q, which is no size such as 65536, 256KiB, 8MiB or 10MB", s)
}

// formatSize returns the shortest exact form: 256KiB, 10MB, 1234B.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n != 0 && u.bytes > 1 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

type selector struct{ p *streamgauge.Selector }

func (v selector) Text() string { return string(*v.p) }
func (v selector) Kind() string { return "selector" }
func (v selector) Set(s string) error {
	sel, err := streamgauge.ParseSelector(s)
	if err != nil {
		return fmt.Errorf("is no selector: %w", err)
	}
	*v.p = sel
	return nil
}

type pointer struct{ p *string }

func (v pointer) Text() string { return *v.p }
func (v pointer) Kind() string { return "JSON pointer" }
func (v pointer) Set(s string) error {
	// The library has the check; a rule with nothing but the pointer asks it.
	if _, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Key: s}); err != nil || s == "" {
		return fmt.Errorf(`is %q, which is no JSON pointer such as /core or /labels/host`, s)
	}
	*v.p = s
	return nil
}

// checkOrigin wants what a browser sends as Origin, to the letter: what is
// compared later is the text.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "*":
		return fmt.Errorf(`is "*": name the origins one by one, every page on the web could read the streams otherwise`)
	case err != nil || u.Scheme == "" || u.Host == "":
		return fmt.Errorf("is %q, which is no origin such as https://app.example.com", s)
	case u.Scheme+"://"+u.Host != s:
		return fmt.Errorf("is %q; an origin is only scheme, host and port: %s://%s", s, u.Scheme, u.Host)
	case strings.ToLower(s) != s:
		return fmt.Errorf("is %q; browsers send origins in lower case", s)
	}
	return nil
}
