package streamgauge_test

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
)

// board is where hubs that share a memory log tell each other of themselves.
type board struct {
	*streamgauge.MemoryLog
	mu   sync.Mutex
	said map[string][]byte
}

func (b *board) Announce(_ context.Context, name string, said []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said[name] = said
	return nil
}

func (b *board) Announced(context.Context) (map[string][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.said), nil
}

func TestInstancesKnowOfEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &board{MemoryLog: streamgauge.NewMemoryLog(streamgauge.DefaultRules()), said: map[string][]byte{"broken": []byte("{")}}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		hubs := make(map[string]*streamgauge.Hub)
		for _, name := range []string{"a", "b", "c"} {
			hub, err := streamgauge.New(&streamgauge.Options{Log: log, Name: name, Version: "v" + name})
			if err != nil {
				t.Fatal(err)
			}
			hubs[name] = hub
			running.Go(func() { hub.Run(ctx) })
		}
		subscribe := func(hub string, selectors ...string) *streamgauge.Subscriber {
			selection, err := streamgauge.NewSelection(selectors...)
			if err != nil {
				t.Fatal(err)
			}
			s, err := hubs[hub].Subscribe(t.Context(), streamgauge.Subscription{Select: selection}, func() {}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		all := []*streamgauge.Subscriber{
			subscribe("a", "x.1"), subscribe("b", "x.1"), subscribe("b", "x.*"), subscribe("b", "x.1", "y"), subscribe("c", ">"),
		}
		for _, stream := range []string{"x.1", "x.2", "y"} {
			if _, err := hubs["a"].Publish(t.Context(), streamgauge.Event{Stream: stream, Data: []byte("1")}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(3 * time.Second)
		for name, hub := range hubs {
			instances := hub.Instances()
			if len(instances) != 3 || instances[0].Name != name {
				t.Fatalf("%s knows of %+v", name, instances)
			}
			for _, i := range instances {
				if want := map[string]int{"a": 1, "b": 3, "c": 1}[i.Name]; i.Stats.Subscribers != want || i.Version != "v"+i.Name {
					t.Errorf("%s says of %s: %+v, want %d subscribers", name, i.Name, i, want)
				}
			}
			streams, err := hub.Streams(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range streams {
				if want := map[string]int{"x.1": 5, "x.2": 2, "y": 2}[s.Name]; s.Subscribers != want {
					t.Errorf("%s: %s has %d subscribers, want %d", name, s.Name, s.Subscribers, want)
				}
			}
		}
		for _, s := range all {
			s.Close()
		}
		cancel()
		running.Wait()
	})
}

// behind is a log whose head is older than what it knows when it is asked.
type behind struct {
	*streamgauge.MemoryLog
	lag uint64
}

func (b *behind) Head(ctx context.Context) (streamgauge.Position, error) {
	head, err := b.MemoryLog.Head(ctx)
	head.Seq -= min(head.Seq, b.lag)
	return head, err
}

func TestACursorThatAnotherInstanceGaveIsKnown(t *testing.T) {
	log := &behind{MemoryLog: streamgauge.NewMemoryLog(streamgauge.DefaultRules())}
	bubble(t, &streamgauge.Options{Log: log}, func(s *simulation) {
		s.publish("x", "1")
		newest := s.publish("x", "2")
		log.lag = 1
		v := s.subscribe(streamgauge.Subscription{Select: streamgauge.Selection{"x"}, Cursor: newest.String()})
		for _, e := range v.events() {
			if e.Type == "hub.gap" {
				s.Errorf("it is told %s %s", e.Type, e.Data)
			}
		}
		log.lag = 0
		s.publish("x", "3")
		if got := v.events(); len(got) != 1 || !strings.Contains(string(got[0].Data), "3") {
			s.Errorf("then it gets %v, want the third event alone", got)
		}
		v.Close()
	})
}
