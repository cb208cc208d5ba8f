package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/internal/check"
	"github.com/streamgauge/streamgauge/sse"
)

// sent returns the blocks of so many events of one publisher.
func sent(ledger *check.Ledger, events int) (blocks [][]byte) {
	p := ledger.NewPublisher(0, "a")
	for i := range events {
		b := sse.AppendID(nil, fmt.Appendf(nil, "e-%d", i+10))
		b = sse.AppendData(b, p.Append(nil, time.Second, 30+i%200))
		blocks = append(blocks, sse.AppendEnd(b))
	}
	p.Acked(events)
	return blocks
}

// hear has several subscribers take the blocks, in pieces, each at its own speed and with
// heartbeats of its own between them. change may change what one is sent.
func hear(t *testing.T, seed uint64, events int, change func(subscriber int, wire [][]byte) [][]byte) string {
	rng := rand.New(rand.NewPCG(seed, 0))
	ledger := new(check.Ledger)
	blocks := sent(ledger, events)
	tally := new(tally)
	common := newTranscript(1)
	common.most = 4000 // so that some are too late for it
	type listener struct {
		*subscriber
		pieces [][]byte
	}
	var all []*listener
	for i := range 4 {
		s := newSubscriber(fmt.Sprint(i), "a", tally, common, new(Options))
		wire := change(i, append([][]byte(nil), blocks...))
		for range 3 {
			at := rng.IntN(len(wire) + 1)
			beat := sse.AppendEnd(sse.AppendComment(nil, "keep-alive"))
			wire = append(wire[:at:at], append([][]byte{beat}, wire[at:]...)...)
		}
		all = append(all, &listener{s, pieces(bytes.Join(wire, nil), 1+rng.IntN(2000), rng)})
	}
	for left := len(all); left > 0; {
		l := all[rng.IntN(len(all))]
		for range rng.IntN(20) {
			if len(l.pieces) > 0 {
				l.blocks.feed(l.pieces[0], l.skip, l.deliver)
				if l.pieces = l.pieces[1:]; len(l.pieces) == 0 {
					left--
				}
			}
		}
	}
	var report check.Report
	for _, l := range all {
		report.Merge(l.check.Finish(ledger))
	}
	if report.Err() == nil {
		if tally.delivered != report.Events || report.Events != uint64(len(all)*events) {
			t.Errorf("seed %d: %d events are delivered and %d checked of %d for each of %d", seed, tally.delivered, report.Events, events, len(all))
		}
		return ""
	}
	return report.Err().Error()
}

func TestWhatOthersWereSentTooIsChecked(t *testing.T) {
	nothing := func(_ int, wire [][]byte) [][]byte { return wire }
	for seed := range uint64(200) {
		if got := hear(t, seed, 100, nothing); got != "" {
			t.Fatalf("seed %d: nothing is wrong, but: %s", seed, got)
		}
		at := int(seed % 90)
		for _, wrong := range []struct {
			name, want string
			change     func(wire [][]byte) [][]byte
		}{
			{"one is missing", "did not come", func(w [][]byte) [][]byte { return append(w[:at:at], w[at+1:]...) }},
			{"one comes twice", "came before", func(w [][]byte) [][]byte { return append(w[:at+1:at+1], w[at:]...) }},
			{"two are exchanged", "came after", func(w [][]byte) [][]byte { w[at], w[at+1] = w[at+1], w[at]; return w }},
			{"a byte is another", "has the data", func(w [][]byte) [][]byte {
				w[at] = bytes.Replace(w[at], []byte("pad"), []byte("pAd"), 1)
				return w
			}},
		} {
			got := hear(t, seed, 100, func(subscriber int, wire [][]byte) [][]byte {
				if subscriber == int(seed%4) {
					return wrong.change(wire)
				}
				return wire
			})
			if !strings.Contains(got, wrong.want) {
				t.Fatalf("seed %d: %s, but: %q", seed, wrong.name, got)
			}
		}
	}
}
