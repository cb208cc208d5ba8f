package natslog

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

const (
	defaultName   = "streamgauge" // the log's where the address says none
	controlSuffix = "-control"    // of the name of the stream with the control records
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// address is an address taken apart.
type address struct {
	servers  string // without a password
	name     string
	replicas int
	options  []nats.Option
}

// CheckAddress says what is wrong with an address, see [Open]; nil is nothing. Its errors
// don't contain the password.
func CheckAddress(address string) error {
	_, err := parseAddress(address)
	return err
}

// Redact returns the address without what is secret in it.
func Redact(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	hosts, query, asked := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		user, _, hasPassword := strings.Cut(hosts[:at], ":")
		if hasPassword {
			user += ":xxxxx"
		} else {
			user = "xxxxx" // a token
		}
		hosts = user + hosts[at:]
	}
	if asked {
		query = "?" + query
	}
	return scheme + "://" + hosts + query
}

// parseAddress takes an address apart. Its errors never contain the password, and nor does
// what it hands on to be connected to: that is in the options alone.
func parseAddress(text string) (a address, err error) {
	// The error of url.Parse would repeat the address.
	isNone := errors.New("it is no URL such as nats://user:password@host:4222")
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "nats" && scheme != "tls" {
		return a, isNone
	}
	rest, query, _ := strings.Cut(rest, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return a, isNone
	}
	hosts := strings.TrimSuffix(rest, "/")
	var who *url.Userinfo
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		u, err := url.Parse("nats://" + hosts[:at] + "@host")
		if err != nil || u.User == nil {
			return a, isNone
		}
		who, hosts = u.User, hosts[at+1:]
	}
	var servers []string
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse(scheme + "://" + host)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.Fragment != "" {
			return a, isNone
		}
		servers = append(servers, u.String())
	}
	a = address{servers: strings.Join(servers, ","), name: defaultName, replicas: 1}
	if who != nil {
		if password, ok := who.Password(); ok {
			a.options = append(a.options, nats.UserInfo(who.Username(), password))
		} else {
			a.options = append(a.options, nats.Token(who.Username()))
		}
	}
	if scheme == "tls" {
		a.options = append(a.options, nats.Secure())
	}
	for key, values := range q {
		value := values[0]
		switch key {
		case "log":
			a.name = value
		case "replicas":
			if a.replicas, err = strconv.Atoi(value); err != nil || a.replicas != 1 && a.replicas != 3 && a.replicas != 5 {
				return a, fmt.Errorf("replicas=%s: it must be 1, 3 or 5", value)
			}
		case "creds":
			a.options = append(a.options, nats.UserCredentials(value))
		case "ca":
			a.options = append(a.options, nats.RootCAs(value))
		default:
			return a, fmt.Errorf("the parameter %s is unknown; there are log, replicas, creds and ca", key)
		}
	}
	if !nameForm.MatchString(a.name) || strings.HasSuffix(a.name, controlSuffix) {
		return a, fmt.Errorf("log=%s: the log's name has 1 to 100 letters, digits, _ and -, and does not end in %s", a.name, controlSuffix)
	}
	return a, nil
}
