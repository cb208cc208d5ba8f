package redislog_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/internal/testenv"
	"github.com/streamgauge/streamgauge/redislog"
)

// Sentinels that speak TLS and want a password, before a Redis that lets a user do no more
// than docs/instances.md says.
func TestSentinelsMayBeLocked(t *testing.T) {
	t.Parallel()
	cert, key := testenv.Certificate(t, "redis", t.TempDir())
	_, port, _ := net.SplitHostPort(testenv.FreeAddress(t))
	_, own, _ := net.SplitHostPort(testenv.FreeAddress(t))
	encrypted := []string{"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no"}
	server := redistest.Start(t, append(encrypted, "--save", "", "--tls-port", port)...)
	server.Do("ACL", "SETUSER", "app", "on", ">sesame", "resetkeys", "~{mine}:*", "resetchannels", "&{mine}:*", "+@all", "-@dangerous", "+role", "+info")

	sentinel(t, fmt.Sprintf("port 0\ntls-port %s\nbind 127.0.0.1\ntls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\ntls-auth-clients no\n"+
		"tls-replication yes\nrequirepass open\nsentinel monitor main 127.0.0.1 %s 1\n", own, cert, key, cert, port))

	address := "rediss://app:sesame@127.0.0.1:" + own + "/?log=mine&master_set=main&skip_verify=true&sentinel_password="
	var log *redislog.Log
	eventually(t, 20*time.Second, "it is found", func() bool {
		var err error
		if log, err = redislog.Open(t.Context(), address+"open", nil); err != nil {
			t.Log(err)
			return false
		}
		t.Cleanup(func() { log.Close() })
		return true
	})
	add(t, log, event("a", 1))
	_, err := redislog.Open(t.Context(), address+"shut", nil)
	if err == nil || strings.Contains(err.Error(), "shut") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a wrong password: %v", err)
	}
	if got := redislog.Redact(address + "open"); strings.Contains(got, "open") || strings.Contains(got, "sesame") || !strings.Contains(got, "127.0.0.1:"+own) {
		t.Errorf("without passwords it is %s", got)
	}
	if _, err := url.Parse(redislog.Redact(address + "open")); err != nil {
		t.Error(err)
	}
}
