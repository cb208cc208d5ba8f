//go:build linux

package e2e_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

const pebbleVersion = "v2.10.3"

// authority starts Pebble, Let's Encrypt's own test server, which looks for whom it certifies
// at the port. It returns the URL of its directory, and a file with the certificate by which
// that is trusted.
func authority(t *testing.T, port string) (directory, trust string) {
	t.Helper()
	const module = "github.com/letsencrypt/pebble/v2/cmd/"
	var programs [2]string
	for i, name := range []string{"pebble", "pebble-challtestsrv"} {
		var err error
		if programs[i], err = testenv.Build(module+name, pebbleVersion, name); err != nil {
			if required("pebble") {
				t.Fatalf("STREAMGAUGE_REQUIRE names pebble: %v", err)
			}
			t.Skipf("left out because there is no pebble: %v", err)
		}
	}
	dir := t.TempDir()
	cert, key := testenv.Certificate(t, "an authority", dir)
	listen, manage, dns := testenv.FreeAddress(t), testenv.FreeAddress(t), testenv.FreeAddress(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": cert, "privateKey": key,
		"httpPort": 5002, "tlsPort": json.Number(port), "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(path string, args ...string) {
		cmd := exec.Command(path, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s says:\n%s", filepath.Base(path), out.Bytes()[max(0, out.Len()-4<<10):])
			}
		})
	}
	// It knows every name, as this machine's.
	run(programs[1], "-dnsserver", dns, "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", testenv.FreeAddress(t))
	run(programs[0], "-config", file, "-dnsserver", dns)
	eventually(t, 20*time.Second, "pebble listens", func() bool {
		conn, err := net.Dial("tcp", listen)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "https://" + listen + "/dir", cert
}

// A certificate is got by itself, for the names that are set and no others, and kept.
func TestACertificateIsGot(t *testing.T) {
	t.Parallel()
	listen := testenv.FreeAddress(t)
	_, port, _ := net.SplitHostPort(listen)
	directory, trust := authority(t, port)
	data := t.TempDir()
	start := func(env ...string) (stop func()) {
		cmd := exec.Command(binary, "--listen", listen, "--admin", "off", "--data", data, "--sources", "{}", "--dashboards", data+"/none",
			"--tls.acme", "[stats.example.com]", "--tls.directory", directory)
		cmd.Env = append(environment(), env...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop = sync.OnceFunc(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("the server says:\n%s", out.String())
			}
		})
		t.Cleanup(stop)
		return stop
	}
	// issuer is who has certified the name to a new connection.
	issuer := func(name string) (string, error) {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", listen, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			return "", err
		}
		defer conn.Close()
		cert := conn.ConnectionState().PeerCertificates[0]
		if err := cert.VerifyHostname(name); err != nil {
			return "", err
		}
		return cert.Issuer.CommonName, nil
	}
	stop := start("SSL_CERT_FILE=" + trust)
	got := ""
	var err error
	eventually(t, 20*time.Second, "there is a certificate", func() bool {
		got, err = issuer("stats.example.com")
		return err == nil
	})
	if !strings.Contains(got, "Pebble") {
		t.Errorf("it is of %q", got)
	}
	for _, name := range []string{"other.example.com", "example.com"} {
		if _, err := issuer(name); err == nil {
			t.Errorf("there is one for %s", name)
		}
	}
	stop()
	// Trusting nobody, it can't get another one: this is the one that it has kept.
	start("SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/dev/null")
	eventually(t, 20*time.Second, "it is there again", func() bool {
		got, err = issuer("stats.example.com")
		return err == nil
	})
	if !strings.Contains(got, "Pebble") {
		t.Errorf("after a restart it is of %q", got)
	}
}
