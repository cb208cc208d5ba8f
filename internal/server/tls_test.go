package server_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/testenv"
)

func TestConnectionsAreEncryptedAndCertificatesRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := testenv.Certificate(t, "first", dir)
	r := start(t, func(c *config.Config) { c.TLS.Cert, c.TLS.Key = cert, key })
	if !strings.HasPrefix(r.url, "https://") {
		t.Fatalf("it says that it is at %s", r.url)
	}
	// presented is the name of the certificate that a new connection gets, and the protocol.
	presented := func(protocols ...string) (name, protocol string) {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		state := conn.ConnectionState()
		return state.PeerCertificates[0].Subject.CommonName, state.NegotiatedProtocol
	}
	for _, protocol := range []string{"h2", "http/1.1"} {
		if name, got := presented(protocol); name != "first" || got != protocol {
			t.Errorf("%s: got %s of %s", protocol, got, name)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, ForceAttemptHTTP2: protocol == "h2"}}
		t.Cleanup(client.CloseIdleConnections)
		resp, err := client.Post(r.url+"/v1/streams/a/events", "application/json", strings.NewReader(`{"n":1}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %s, %v", protocol, resp.Status, resp.Header)
		}
		s := r.follow(t, client, "/v1/streams/a/events?last=1")
		found := false
		for !found && s.Scan() {
			found = strings.Contains(s.Text(), `"n":1`)
		}
		if !found {
			t.Errorf("%s: nothing came: %v", protocol, s.Err())
		}
	}
	if _, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if resp, err := http.Get("http" + strings.TrimPrefix(r.url, "https") + "/"); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: %s", resp.Status)
		}
	}

	// Half replaced, it is the old one; then the new one, without a restart.
	if err := os.WriteFile(key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it says that the new files are no good", func() bool {
		name, _ := presented()
		return name == "first" && strings.Contains(r.log.String(), "the old one stays")
	})
	testenv.Certificate(t, "second", dir)
	eventually(t, "the new certificate", func() bool { name, _ := presented(); return name == "second" })
}
