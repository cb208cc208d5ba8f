package natslog_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/natslog"
)

func TestABatchThatIsTooLargeIsRefusedWhole(t *testing.T) {
	log := open(t, natstest.Start(t).URL("x"), natslog.Options{})
	many := make([]streamgauge.Event, 1001)
	for i := range many {
		many[i] = event("a", i)
	}
	_, err := log.Append(t.Context(), streamgauge.Batch{Events: many})
	if !errors.Is(err, streamgauge.ErrTooLarge) || !strings.Contains(err.Error(), "1001") || !strings.Contains(err.Error(), "takes 1000 in an atomic batch (jetstream.limits.batch.max_msgs)") {
		t.Errorf("1001 events: %v", err)
	}
	big := streamgauge.Event{Stream: "a", Data: fmt.Appendf(nil, "%q", strings.Repeat("x", 3<<20))}
	_, err = log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{event("a", 1), big}})
	if !errors.Is(err, streamgauge.ErrTooLarge) || !strings.Contains(err.Error(), "event 2") || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("3 MiB: %v", err)
	}
	if r := add(t, log, many[:1000]...); r.Position.Seq != 1000 {
		t.Errorf("1000 events end at %v", r.Position)
	}
	// A server with lower limits: what is written together is taken apart.
	server := natstest.New(t)
	server.JetStream = "limits { batch { max_msgs: 10 } }"
	server.Run()
	log = open(t, server.URL("x"), natslog.Options{})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { add(t, log, event("a", i), event("b", i)) })
	}
	wg.Wait()
	if _, err := log.Append(t.Context(), streamgauge.Batch{Events: many[:11]}); !errors.Is(err, streamgauge.ErrTooLarge) || !strings.Contains(err.Error(), "takes 10 in") {
		t.Errorf("11 events: %v", err)
	}
	if r := add(t, log, many[:10]...); r.Position.Seq != 210 {
		t.Errorf("10 events end at %v", r.Position)
	}
}

func TestWhatOthersPutIntoTheStreamIsLeftOut(t *testing.T) {
	server := natstest.Start(t)
	log := open(t, server.URL("x"), natslog.Options{})
	add(t, log, event("a", 1))
	tail := follow(t, log, streamgauge.Position{})
	js := server.Connect()
	for _, subject := range []string{"x.e", "x.e.-.a", "x.e.-.*", "x.e.b"} {
		_, _ = js.Publish(t.Context(), subject, []byte("hello")) // some are not even on a subject of the stream
	}
	head := add(t, log, event("a", 2)).Position
	eventually(t, 5*time.Second, "both have come", func() bool { return len(tail.Events()) == 2 })
	q := streamgauge.Query{Select: streamgauge.Selection{">"}, Limit: 10}
	for _, l := range []*natslog.Log{log, open(t, server.URL("x"), natslog.Options{})} {
		if page, err := l.Read(t.Context(), q); err != nil || len(page.Events) != 2 || page.Head != head || len(page.Gaps) > 0 {
			t.Errorf("read %+v, %v", page, err)
		}
	}
}

func TestAStreamWithLimitsOfItsOwnIsRefused(t *testing.T) {
	server := natstest.Start(t)
	js := server.Connect()
	for want, config := range map[string]jetstream.StreamConfig{
		"limits of its own":                 {AllowAtomicPublish: true, MaxMsgsPerSubject: 5},
		"atomic batches (allow_atomic)":     {},
		"all it may have is max_bytes with": {AllowAtomicPublish: true, MaxBytes: 1 << 20},
	} {
		config.Name = newName()
		config.Subjects = []string{config.Name + ".e.>"}
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		if _, err := natslog.Open(t.Context(), server.URL(config.Name), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// One that somebody has made for a log will do.
	config := jetstream.StreamConfig{Name: newName(), AllowAtomicPublish: true, MaxBytes: 1 << 20, Discard: jetstream.DiscardNew}
	config.Subjects = []string{config.Name + ".e.>"}
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if r := add(t, open(t, server.URL(config.Name), natslog.Options{}), event("a", 1)); r.Position.Seq != 1 || r.Position.Epoch == 0 {
		t.Errorf("its first event is at %v", r.Position)
	}
}

func TestNoErrorTellsThePassword(t *testing.T) {
	const secret = "open-sesame"
	server := natstest.New(t)
	server.Config = `authorization { user: user, password: another }`
	server.Run()
	for _, address := range []string{
		"nats://user:" + secret + "@" + server.Addr,
		"nats://user:" + secret + "@" + server.Addr + ",127.0.0.1:1",
		"nats://:" + secret + "@127.0.0.1:1",
		"nats://" + secret + "@127.0.0.1:1",
		"nats://user:" + secret + "@127.0.0.1:1/x",
		"nats://user:" + secret + "@127.0.0.1:x",
		"nats://user:" + secret + "@127.0.0.1:1?nothing=1",
		"nats://user:" + secret + "@127.0.0.1:1?replicas=9",
		"nats://user:" + secret + "%@127.0.0.1:1",
		"nats://user:" + secret + "@" + secret + "@127.0.0.1:1",
		"tls://user:" + secret + "@" + server.Addr,
		"http://user:" + secret + "@" + server.Addr,
	} {
		_, err := natslog.Open(t.Context(), address, nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", strings.ReplaceAll(address, secret, "***"), err)
		}
	}
	if _, err := natslog.Open(t.Context(), "nats://user:another@"+server.Addr, nil); err != nil {
		t.Errorf("the right password: %v", err)
	}
}
