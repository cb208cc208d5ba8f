package natslog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
)

func TestRecordsSayWhatTheyWereGiven(t *testing.T) {
	gone := []streamgauge.Gone{
		{Stream: "a.b", Through: 7, Seqs: []uint64{8, 9, 1 << 40}, Time: 1234567, Newest: 9},
		{Through: 5},
		{Stream: "c", Seqs: []uint64{1}},
	}
	for _, body := range bodies(gone, appendGone) {
		if got, ok := parseGone(body); !ok || fmt.Sprint(got) != fmt.Sprint(gone) {
			t.Errorf("gone: got %v, %v", got, ok)
		}
		for cut := range body { // of what is cut short nothing is made up
			if got, ok := parseGone(body[:cut]); ok && len(got) >= len(gone) {
				t.Errorf("gone cut to %d bytes: got %v", cut, got)
			}
		}
	}
	keys := []streamgauge.KeyUse{
		{Key: "\x00\xff any", Fingerprint: 1<<64 - 1, Last: 1 << 50, Count: 1000, Appended: 1 << 41},
		{Key: "k", Last: 1, Count: 1},
	}
	for _, body := range bodies(keys, appendKey) {
		if got, ok := parseKeys(body); !ok || fmt.Sprint(got) != fmt.Sprint(keys) {
			t.Errorf("keys: got %v, %v", got, ok)
		}
	}
	if stream, through, ok := parseForget(appendForget(nil, "a.b", 300)); !ok || stream != "a.b" || through != 300 {
		t.Errorf("forget: got %q, %d, %v", stream, through, ok)
	}
	batch := streamgauge.Batch{Key: "\r\n: \xff", Events: make([]streamgauge.Event, 3)}
	use, ok := parseKeyHeader(keyHeader(&batch))
	if !ok || use.Key != batch.Key || use.Fingerprint != batch.Fingerprint() || use.Count != 3 {
		t.Errorf("key: got %+v, %v", use, ok)
	}
}

func TestMuchThatIsGoneIsSplit(t *testing.T) {
	var g streamgauge.Gone
	for seq := range uint64(300_000) {
		g.Seqs = append(g.Seqs, 3*seq+1)
	}
	g.Stream = "a"
	n := 0
	for _, body := range bodies(split([]streamgauge.Gone{g}), appendGone) {
		if len(body) > 4*recordBytes {
			t.Errorf("a record of %d bytes", len(body))
		}
		all, ok := parseGone(body)
		if !ok {
			t.Fatal("a record makes no sense")
		}
		for i := range all {
			for _, seq := range all[i].Seqs {
				if seq != g.Seqs[n] {
					t.Fatalf("number %d is %d, want %d", n, seq, g.Seqs[n])
				}
				n++
			}
		}
	}
	if n != len(g.Seqs) {
		t.Errorf("%d of %d are recorded", n, len(g.Seqs))
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte{1, 'a', 1, 2, 3, 4, 5})
	f.Fuzz(func(_ *testing.T, body []byte) {
		parseGone(body)
		parseKeys(body)
		parseForget(body)
	})
}

func TestAnAddressIsTakenApart(t *testing.T) {
	for text, want := range map[string]string{
		"nats://host": "nats://host streamgauge 1 0",
		"nats://user:p%40ss@host:4222,h2:4223?replicas=3": "nats://host:4222,nats://h2:4223 streamgauge 3 1",
		"tls://token@[::1]:4222/?log=a-b&ca=x&creds=y":    "tls://[::1]:4222 a-b 1 4",
	} {
		a, err := parseAddress(text)
		if got := fmt.Sprint(a.servers, " ", a.name, " ", a.replicas, " ", len(a.options)); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"nats://":                    "it is no URL",
		"redis://host":               "it is no URL",
		"nats://host,":               "it is no URL",
		"nats://host?log=a.b":        "log=a.b",
		"nats://host?log=a-control":  "does not end in -control",
		"nats://host?replicas=two":   "replicas=two",
		"nats://host?relicas=2":      "the parameter relicas is unknown",
		"nats://a@b:secret@host?x=%": "it is no URL",
	} {
		if err := CheckAddress(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestServersThatWontDo(t *testing.T) {
	for version, ok := range map[string]bool{"2.12.0": true, "2.15.2": true, "3.0.0-beta.1": true, "2.11.9": false, "1.4": false, "": false, "x": false} {
		if err := checkVersion(version); (err == nil) != ok {
			t.Errorf("%q: %v", version, err)
		}
	}
}
