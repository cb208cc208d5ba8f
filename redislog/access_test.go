package redislog_test

import (
	"net"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/internal/testenv"
	"github.com/streamgauge/streamgauge/redislog"
)

// docs/instances.md says so.
func TestAUserWhoMayUseTheLogsKeysAloneIsEnough(t *testing.T) {
	server := redistest.Start(t, "--save", "")
	server.Do("ACL", "SETUSER", "app", "on", ">sesame", "resetkeys", "~{mine}:*", "resetchannels", "&{mine}:*", "+@all", "-@dangerous", "+info")
	address := "redis://app:sesame@" + server.Addr + "/3?log=mine"
	log := open(t, address, redislog.Options{})
	add(t, log, event("a", 1))
	if err := log.Announce(t.Context(), "me", []byte("here")); err != nil {
		t.Error(err)
	}
	if err := log.Forget(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if _, err := log.Announced(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := redislog.Open(t.Context(), strings.Replace(address, "mine", "other", 1), nil); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("a log of others: %v", err)
	}
}

func TestTheConnectionMayBeEncrypted(t *testing.T) {
	cert, secret := testenv.Certificate(t, "redis", t.TempDir())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	redistest.Start(t, "--save", "", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", secret, "--tls-auth-clients", "no")
	log := open(t, "rediss://"+addr+"?skip_verify=true", redislog.Options{})
	add(t, log, event("a", 1))
	if _, err := redislog.Open(t.Context(), "rediss://"+addr, nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with a certificate that nobody knows: %v", err)
	}
}
