package streamgauge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// world is a hub in simulated time, and what an honest observer knows of it.
type world struct {
	*simulation
	random    *rand.Rand
	published []streamgauge.Event // all that there ever was, in order
}

var worldStreams = []string{"a", "b", "a.a", "a.b", "b.a", "b.b", "a.a.a", "a.b.a", "secret", "a.secret"}

func (w *world) any(texts ...string) string { return texts[w.random.IntN(len(texts))] }

func (w *world) selector() streamgauge.Selector {
	return streamgauge.Selector(w.any(append([]string{">", "*", "*.*", "a.>", "*.a", "*.*.a", "a.*", "b.>", "*.>", "a.*.a", "*.secret"}, worldStreams...)...))
}

func (w *world) selection() (s streamgauge.Selection) {
	for range 1 + w.random.IntN(3) {
		s = append(s, w.selector())
	}
	s, err := streamgauge.NewSelection(s.Strings()...)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) access() *streamgauge.Access {
	a := &streamgauge.Access{Except: streamgauge.Selection{"secret", "*.secret"}[:w.random.IntN(3)]}
	for range w.random.IntN(4) {
		a.Read = append(a.Read, streamgauge.Grant{Select: w.selection(), Filter: w.any("", "", "2 0", "2 1", "3 1")})
	}
	return a
}

// kept returns the ids of what the log keeps.
func (w *world) kept() map[string]bool {
	kept := map[string]bool{}
	streams, err := w.hub.Streams(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range streams {
		n := s.Events
		for i := len(w.published) - 1; i >= 0 && n > 0; i-- {
			if e := &w.published[i]; e.Stream == s.Name {
				kept[e.ID.String()] = true
				n--
			}
		}
	}
	return kept
}

// publishSome publishes a few events and returns how many there were before.
func (w *world) publishSome() (before int) {
	before = len(w.published)
	for range 1 + w.random.IntN(8) {
		stream := w.any(worldStreams...)
		n := strconv.Itoa(w.random.IntN(12))
		at := w.publish(stream, n)
		w.published = append(w.published, streamgauge.Event{Stream: stream, ID: at, Data: []byte(n)})
	}
	return before
}

// allows is the access rule said as plainly as can be.
func allows(a *streamgauge.Access, e *streamgauge.Event) bool {
	if a.Except.Matches(e.Stream) {
		return false
	}
	return slices.ContainsFunc(a.Read, func(g streamgauge.Grant) bool {
		if !g.Select.Matches(e.Stream) {
			return false
		}
		f, err := remainder(g.Filter)
		return g.Filter == "" || err == nil && f.Match(e)
	})
}

// try subscribes to something somehow and compares with what may be seen.
func (w *world) try() {
	access := w.access()
	want := streamgauge.Subscription{Select: w.selection(), Access: access, Encoding: streamgauge.EncodeNDJSON}
	if w.random.IntN(4) == 0 {
		want.Filter = w.any("2 0", "3 1")
	}
	if w.random.IntN(4) == 0 {
		want.Conditions = []streamgauge.Condition{{Select: w.selector(), Where: w.any("2 0", "3 2")}}
	}
	cursor := streamgauge.Position{Epoch: w.published[0].ID.Epoch, Seq: uint64(w.random.IntN(len(w.published) + 1))}
	want.Cursor = cursor.String()
	if w.random.IntN(2) == 0 { // somebody else has asked for the same before
		other := want
		other.Access, other.Cursor = w.access(), ""
		defer w.subscribe(other).Close()
	}
	kept := w.kept()
	v := w.subscribe(want)
	defer v.Close()
	text := w.read(v)
	if w.random.IntN(3) == 0 {
		for i := w.publishSome(); i < len(w.published); i++ {
			kept[w.published[i].ID.String()] = true // for long enough to be delivered
		}
		text += w.read(v)
	}
	passes := func(e *streamgauge.Event) bool {
		if f, err := remainder(want.Filter); err == nil && !f.Match(e) {
			return false
		}
		if want.Select.Matches(e.Stream) {
			return true
		}
		for _, c := range want.Conditions {
			f, _ := remainder(c.Where)
			if c.Select.Matches(e.Stream) && f.Match(e) {
				return true
			}
		}
		return false
	}
	var due []string
	lost := map[string]int{}
	for i := range w.published {
		e := &w.published[i]
		switch {
		case e.ID.Seq <= cursor.Seq || !allows(access, e) || !passes(e):
		case kept[e.ID.String()]:
			due = append(due, e.ID.String())
		default:
			lost[e.Stream]++
		}
	}
	var got []string
	for line := range strings.Lines(text) {
		var m struct {
			Hub, Stream, ID string
			Lost            *int
			Streams         []string
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			w.Fatalf("%v: %s", err, line)
		}
		some, all := access.Reads(m.Stream)
		switch {
		case m.Hub == "":
			got = append(got, m.ID)
		case m.Hub == "hello":
			asked := want.Select.Strings()
			for _, c := range want.Conditions {
				asked = append(asked, c.String())
			}
			if !slices.Equal(m.Streams, asked) {
				w.Fatalf("hub.hello says %v of %v", m.Streams, asked)
			}
		case m.Hub == "gap" && !some:
			w.Fatalf("%+v is told of a gap of %s: %s", access, m.Stream, line)
		case m.Hub == "gap" && m.Lost != nil && (!all || *m.Lost != lost[m.Stream]):
			w.Fatalf("%+v is told of %d lost of %s, there were %d it may know of", access, *m.Lost, m.Stream, lost[m.Stream])
		case m.Hub == "gap":
			delete(lost, m.Stream)
		}
	}
	if !slices.Equal(got, due) {
		w.Fatalf("%+v asked for %v (filter %q, conditions %v) after %v:\ngot  %v\nwant %v", access, want.Select, want.Filter, want.Conditions, cursor, got, due)
	}
	for stream, n := range lost {
		w.Fatalf("%+v asked for %v: %d of %s are gone, and it was not told", access, want.Select, n, stream)
	}
}

func (w *world) read(v *viewer) string {
	var text strings.Builder
	for {
		p, err := v.Next(w.Context())
		if err != nil && !errors.Is(err, io.EOF) {
			w.Fatal(err)
		}
		if p == nil {
			return text.String()
		}
		text.Write(p)
	}
}

// Nobody sees more than an access allows, and nobody less: neither events nor names, counts
// and gaps, in replay and live, whatever is asked for. STREAMGAUGE_ACCESS=full asks 100,000 times.
func TestAccessIsKeptInRandomWorlds(t *testing.T) {
	times := 100
	if os.Getenv("STREAMGAUGE_ACCESS") == "full" {
		times = 1000
	}
	for shard := range 4 {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(25) {
				options := &streamgauge.Options{CompileFilter: remainder, Heartbeat: time.Hour, WriteTimeout: time.Hour,
					Rules: mustRules(t, streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1 + int(seed%5)}})}
				bubble(t, options, func(s *simulation) {
					w := &world{simulation: s, random: rand.New(rand.NewPCG(seed, uint64(shard)))}
					w.publishSome()
					for range times {
						if w.random.IntN(50) == 0 {
							w.publishSome()
						}
						w.try()
					}
				})
			}
		})
	}
}
