package redislog

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// defaultName is the log's name where the address says none.
const defaultName = "streamgauge"

// CheckAddress says what is wrong with an address, see [Open]; nil is nothing. Its errors
// don't contain the password.
func CheckAddress(address string) error {
	_, _, err := parseAddress(address)
	return err
}

// parseAddress takes an address apart. Its errors never contain the password.
func parseAddress(address string) (options rueidis.ClientOption, name string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse repeats the address.
		return options, "", errors.New("it is no URL such as redis://user:password@host:6379/0")
	}
	q := u.Query()
	name = defaultName
	if q.Has("log") {
		name = q.Get("log")
	}
	if name == "" || len(name) > 100 || strings.ContainsAny(name, "{} \r\n") {
		return options, "", fmt.Errorf("log=%s: the log's name has 1 to 100 characters, none of them a brace or a blank", name)
	}
	for key := range q {
		switch key {
		case "log", "addr", "db", "master_set", "skip_verify", "dial_timeout", "sentinel_user", "sentinel_password":
		default:
			return options, "", fmt.Errorf("the parameter %s is unknown; there are log, addr, db, master_set, skip_verify, dial_timeout, sentinel_user and sentinel_password", key)
		}
	}
	if u.Path == "/" {
		u.Path = ""
	}
	if options, err = rueidis.ParseURL(u.String()); err != nil {
		return options, "", errors.New(strings.TrimPrefix(err.Error(), "redis: "))
	}
	options.DisableCache = true
	options.ClientName = "streamgauge"
	options.ConnWriteTimeout = commandTimeout
	options.Dialer.KeepAlive = time.Second // and what is silent for longer is asked
	if options.Dialer.Timeout == 0 {
		options.Dialer.Timeout = 2 * time.Second
	}
	options.Sentinel.Dialer = options.Dialer
	if options.TLSConfig != nil && (len(options.InitAddress) > 1 || options.Sentinel.MasterSet != "") {
		options.TLSConfig.ServerName = "" // each server has a name of its own
	}
	options.Sentinel.TLSConfig = options.TLSConfig
	options.Sentinel.Username, options.Sentinel.Password = q.Get("sentinel_user"), q.Get("sentinel_password")
	options.Sentinel.TopologyRefreshInterval = 5 * time.Second
	options.ClusterOption.ShardsRefreshInterval = 5 * time.Second
	return options, name, nil
}

// Redact returns the address without its passwords.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	if q := u.Query(); q.Has("sentinel_password") {
		q.Set("sentinel_password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
