package natslog_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/natstest"
	"github.com/streamgauge/streamgauge/internal/tailtest"
	"github.com/streamgauge/streamgauge/natslog"
)

// losses are ways in which NATS may turn out to have another log.
var losses = map[string]struct {
	lose  func(t *testing.T, js jetstream.JetStream)
	first uint64 // the number of the first event afterwards
}{
	"deleted": {func(t *testing.T, js jetstream.JetStream) {
		if err := js.DeleteStream(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}, 1},
	"purged": {func(t *testing.T, js jetstream.JetStream) {
		stream, err := js.Stream(t.Context(), "x")
		if err == nil {
			err = stream.Purge(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}, 3},
	"made anew, with as many other events": {func(t *testing.T, js jetstream.JetStream) {
		stream, err := js.Stream(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := js.DeleteStream(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil { // even with the same epoch
			t.Fatal(err)
		}
		for range 2 {
			if _, err := js.Publish(t.Context(), "x.e.-.a", []byte("\x00\x00\x00\x000")); err != nil {
				t.Fatal(err)
			}
		}
	}, 3},
}

func TestALostStreamIsAnotherLog(t *testing.T) {
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := natstest.Start(t)
			logs := []*natslog.Log{open(t, server.URL("x"), natslog.Options{}), open(t, server.URL("x"), natslog.Options{})}
			before := add(t, logs[0], event("a", 1), event("a", 2)).Position
			var tails []*tailtest.Follower
			for _, l := range logs {
				tails = append(tails, follow(t, l, streamgauge.Position{}))
				eventually(t, 5*time.Second, "both have all", func() bool { return len(tails[len(tails)-1].Events()) == 2 })
			}
			// A second later it is known that the events are there.
			ready := time.After(1500 * time.Millisecond)
			<-ready
			loss.lose(t, server.Connect())
			for i, f := range tails {
				if err := f.Ended(t, 5*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
					t.Errorf("tail of instance %d: %v, want ErrEpoch", i, err)
				}
			}
			after := add(t, logs[1], event("a", 3)).Position
			if after.Epoch == before.Epoch || after.Seq != loss.first {
				t.Errorf("position %v after %v, want number %d of another epoch", after, before, loss.first)
			}
			for i, l := range logs {
				eventually(t, 5*time.Second, "the new epoch", func() bool {
					head, err := l.Head(t.Context())
					return err == nil && head == after
				})
				if _, err := l.Read(t.Context(), streamgauge.Query{After: before}); !errors.Is(err, streamgauge.ErrEpoch) {
					t.Errorf("instance %d: a position of before: %v, want ErrEpoch", i, err)
				}
			}
		})
	}
}

func TestARestartedServerHasNoGap(t *testing.T) {
	server := natstest.Start(t)
	logs := []*natslog.Log{open(t, server.URL("x"), natslog.Options{}), open(t, server.URL("x"), natslog.Options{})}
	tail := follow(t, logs[0], streamgauge.Position{})
	p := tailtest.Publish(t, logs...)
	for range 3 {
		p.GoOn(t, tail)
		server.Kill()
		server.Run()
	}
	p.GoOn(t, tail)
	p.End()
	p.Check(t, tail, false)
}

func TestAServerThatHasLostTheTailBeginsAnEpoch(t *testing.T) {
	for name, more := range map[string]int{"and nothing came since": 0, "and others came since": 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := natstest.Start(t)
			log := open(t, server.URL("x"), natslog.Options{})
			add(t, log, event("a", 1))
			server.Kill()
			files := server.Dir
			saved := t.TempDir()
			if err := os.CopyFS(saved, os.DirFS(files)); err != nil {
				t.Fatal(err)
			}
			server.Run()
			before := add(t, log, event("a", 2), event("a", 3)).Position
			tail := follow(t, log, streamgauge.Position{})
			eventually(t, 5*time.Second, "it has all", func() bool { return len(tail.Events()) == 3 })
			server.Kill()
			if err := os.RemoveAll(files); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(files, os.DirFS(saved)); err != nil {
				t.Fatal(err)
			}
			server.Run()
			if more > 0 { // an instance that knows nothing of what was lost
				other := open(t, server.URL("x"), natslog.Options{})
				for i := range more {
					// The first may have noticed meanwhile.
					add(t, other, event("b", i))
				}
			}
			if err := tail.Ended(t, 8*time.Second); !errors.Is(err, streamgauge.ErrEpoch) {
				t.Errorf("tail: %v, want ErrEpoch", err)
			}
			if _, err := log.Read(t.Context(), streamgauge.Query{After: before}); !errors.Is(err, streamgauge.ErrEpoch) {
				t.Errorf("a position of before: %v, want ErrEpoch", err)
			}
			after := add(t, log, event("a", 4)).Position
			page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
			if err != nil || len(page.Events) != 2+more || after.Seq != uint64(2+more) {
				t.Errorf("kept are %d events up to %v, %v", len(page.Events), after, err)
			}
		})
	}
}

func TestAnInstanceThatBeginsHasTheNewestEvents(t *testing.T) {
	server := natstest.Start(t)
	first := open(t, server.URL("x"), natslog.Options{})
	for i := range 300 {
		add(t, first, event("a", i), event("b", i))
	}
	later := open(t, server.URL("x"), natslog.Options{})
	server.Kill()
	q := streamgauge.Query{Select: streamgauge.Selection{">"}, Last: 600, Limit: 600}
	want, err := first.Read(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := later.Read(t.Context(), q)
	if err != nil || len(got.Events) != 600 || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("it reads %d events, %v; others than the first, which has %d", len(got.Events), err, len(want.Events))
	}
}

func TestLostControlRecordsAreWrittenAnew(t *testing.T) {
	server := natstest.Start(t)
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 5}})
	if err != nil {
		t.Fatal(err)
	}
	log := open(t, server.URL("x"), natslog.Options{Rules: rules})
	first := add(t, log, event("a", 0)).Position
	for i := range 19 {
		add(t, log, event("a", i))
	}
	eventually(t, 10*time.Second, "what is trimmed is deleted", func() bool {
		info, err := server.Info("x")
		return err == nil && info.State.Msgs == 5
	})
	js := server.Connect()
	if err := js.DeleteStream(t.Context(), "x-control"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "there are control records again", func() bool {
		control, err := js.Stream(t.Context(), "x-control")
		if err != nil {
			return false
		}
		info, err := control.Info(t.Context(), jetstream.WithSubjectFilter("x.c.*.past"))
		return err == nil && len(info.State.Subjects) > 0
	})
	page, err := open(t, server.URL("x"), natslog.Options{Rules: rules}).Read(t.Context(), streamgauge.Query{
		After: streamgauge.Position{Epoch: first.Epoch, Seq: 1}, Select: streamgauge.Selection{">"}})
	if err != nil || len(page.Events) != 5 || len(page.Gaps) != 1 || page.Gaps[0].Lost != 14 {
		t.Errorf("an instance that comes later reads %+v, %v", page, err)
	}
	if err := log.Forget(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	eventually(t, 10*time.Second, "it is ready", func() bool { return log.Ready() == nil })
}

func TestAServerThatHangsIsSaid(t *testing.T) {
	server := natstest.Start(t)
	log := open(t, server.URL("x"), natslog.Options{})
	add(t, log, event("a", 1))
	tail := follow(t, log, streamgauge.Position{})
	if err := log.Ready(); err != nil {
		t.Fatalf("Ready: %v", err)
	}
	server.Signal(syscall.SIGSTOP)
	eventually(t, 5*time.Second, "the server has stopped", func() bool {
		_, err := nats.Connect("nats://"+server.Addr, nats.Timeout(100*time.Millisecond))
		return err != nil
	})
	defer server.Signal(syscall.SIGCONT)
	began := time.Now()
	_, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{event("a", 2)}})
	if !errors.Is(err, streamgauge.ErrUnavailable) || time.Since(began) > 12*time.Second {
		t.Errorf("Append: %v after %v, want ErrUnavailable soon", err, time.Since(began))
	}
	eventually(t, 10*time.Second-time.Since(began), "it is not ready", func() bool { return log.Ready() != nil })
	if err := log.Ready(); !errors.Is(err, streamgauge.ErrUnavailable) || !strings.Contains(err.Error(), "NATS") {
		t.Errorf("Ready: %v", err)
	}
	// What is known here can be read all the same.
	page, err := log.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{">"}})
	if err != nil || len(page.Events) != 1 {
		t.Errorf("Read: %d events, %v", len(page.Events), err)
	}
	server.Signal(syscall.SIGCONT)
	eventually(t, 10*time.Second, "it is ready again", func() bool { return log.Ready() == nil })
	add(t, log, event("a", 3))
	eventually(t, 5*time.Second, "it goes on", func() bool {
		got := tail.Events()
		return len(got) > 1 && string(got[len(got)-1].Data) == "3"
	})
}
