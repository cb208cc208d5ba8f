package check

import (
	"github.com/streamgauge/streamgauge"
)

// An audit compares what a subscriber is missing on one stream with the gaps it
// was told.
type audit struct {
	s        *Subscriber
	stream   string
	accounts []account // of the gaps about the stream, in their order
}

// An account is what is missing where a gap was told.
type account struct {
	gap     int    // of the subscriber's
	joined  bool   // a publisher was silent over this gap and the one before: nobody can say which of them is about it
	acked   uint64 // missing events that were acknowledged
	unknown uint64 // those of which nobody knows if they were stored
}

// Finish compares what came with what was published, and returns all that is
// broken. Call it once, when nothing more is to come: events on their way count
// as lost.
func (s *Subscriber) Finish(ledger *Ledger) *Report {
	publishers := make(map[string][]*Publisher)
	for _, g := range s.gaps {
		if g.Stream != "" {
			publishers[g.Stream] = nil
		}
	}
	for _, p := range ledger.all() {
		if s.selection.Matches(p.stream) {
			publishers[p.stream] = append(publishers[p.stream], p)
		}
	}
	hides := make([]bool, len(s.gaps)) // which gaps something is missing at
	for stream, all := range publishers {
		a := audit{s: s, stream: stream}
		for i, g := range s.gaps {
			if g.Stream == "" || g.Stream == stream {
				a.accounts = append(a.accounts, account{gap: i})
			}
		}
		for _, p := range all {
			a.publisher(p)
		}
		a.settle(hides)
	}
	for i, g := range s.gaps {
		if g.Stream == "" && !hides[i] {
			s.report.add(ErrFalseGap, 1, "%s: a gap of reason %s, but nothing is missing", s.name, g.Reason)
		}
	}
	return &s.report
}

// publisher looks at what one publisher has sent on the stream.
func (a *audit) publisher(p *Publisher) {
	report := &a.s.report
	t := a.s.stream([]byte(a.stream)).track(p.id)
	fate := p.fate()
	if t.last > fate.issued {
		report.add(ErrCorrupt, t.last-fate.issued, "%s: number %d of publisher %d on %s came, but %d is the last that was published", a.s.name, t.last, p.id, a.stream, fate.issued)
	}
	refused := fate.refused.size()
	for _, h := range t.holes {
		refused -= fate.refused.within(h.span)
		a.missing(p, fate, t.entitled, h, ErrSilentGap)
	}
	tail := hole{span{t.last + 1, fate.issued}, t.gaps, len(a.s.gaps)}
	refused -= fate.refused.within(tail.span)
	a.missing(p, fate, t.entitled, tail, ErrLost)
	if refused > 0 {
		report.add(ErrForeign, refused, "%s: %d events of publisher %d on %s came although they were refused", a.s.name, refused, p.id, a.stream)
	}
}

// missing looks at events that did not come. They go into the account of the
// gap that was told meanwhile; without one the guarantee is broken.
func (a *audit) missing(p *Publisher, fate fate, entitled uint64, h hole, guarantee error) {
	h.first = max(h.first, entitled+1)
	unknown := fate.unknown.within(h.span)
	acked := h.size() - unknown - fate.refused.within(h.span)
	if acked+unknown == 0 {
		return
	}
	var first *account
	for i := range a.accounts {
		switch account := &a.accounts[i]; {
		case account.gap < h.gapsFrom, account.gap >= h.gapsTo:
		case first == nil:
			first = account
		default:
			account.joined = true
		}
	}
	switch {
	case first != nil:
		first.acked += acked
		first.unknown += unknown
	case acked > 0:
		a.s.report.add(guarantee, acked, "%s: publisher %d on %s: %d acknowledged events of numbers %d to %d did not come", a.s.name, p.id, a.stream, acked, h.first, h.last)
	}
}

// settle compares the gaps, one by one or those that are joined, with what is
// missing there.
func (a *audit) settle(hides []bool) {
	for first := 0; first < len(a.accounts); {
		end := first + 1
		for end < len(a.accounts) && a.accounts[end].joined {
			end++
		}
		a.settleJoined(a.accounts[first:end], hides)
		first = end
	}
}

func (a *audit) settleJoined(accounts []account, hides []bool) {
	var acked, unknown, told uint64
	counted := true
	for _, account := range accounts {
		acked += account.acked
		unknown += account.unknown
		g := a.s.gaps[account.gap]
		if g.Lost < 0 {
			counted = false
			continue
		}
		told += uint64(g.Lost)
	}
	most := acked + unknown
	for _, account := range accounts {
		hides[account.gap] = hides[account.gap] || most > 0
	}
	g := a.s.gaps[accounts[0].gap]
	report := &a.s.report
	switch {
	case !counted && most > 0:
	case !counted && (g.Stream == "" || g.Reason == streamgauge.ReasonEvicted || g.Reason == streamgauge.ReasonOverflow):
		// One without a stream may hide events of others. Of what was trimmed
		// so long ago that nobody counts any more, there may be none of ours.
	case !counted:
		report.add(ErrFalseGap, 1, "%s: a gap of reason %s on %s, but nothing is missing", a.s.name, g.Reason, a.stream)
	case told < acked:
		report.add(ErrSilentGap, acked-told, "%s: a gap of reason %s on %s declares %d events lost, but %d are missing", a.s.name, g.Reason, a.stream, told, acked)
	case told > most:
		report.add(ErrFalseGap, told-most, "%s: a gap of reason %s on %s declares %d events lost, but %d are missing", a.s.name, g.Reason, a.stream, told, most)
	case told == 0:
		report.add(ErrFalseGap, 1, "%s: a gap of reason %s on %s declares no event lost", a.s.name, g.Reason, a.stream)
	}
}
