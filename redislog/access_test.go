package redislog_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/redistest"
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
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, secret := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, secret: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
