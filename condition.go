package streamgauge

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxConditions bounds how many conditions one subscription may have.
const maxConditions = 64

// Condition selects streams of which only some events are wanted.
type Condition struct {
	Select Selector
	// Where is a condition in the language of [Options.CompileFilter].
	Where string
}

// String returns the condition as requests have it: "logs.> where data.n > 3".
func (c Condition) String() string { return string(c.Select) + " where " + c.Where }

// cutCondition cuts what a request selects after the selector. Selectors have no
// blanks.
func cutCondition(text string) (selector, where string, found bool) {
	selector, rest, _ := strings.Cut(text, " ")
	where, found = strings.CutPrefix(strings.TrimSpace(rest), "where ")
	return selector, strings.TrimSpace(where), found
}

// passing is the filter of a subscription with conditions: what passes it is
// selected without a condition, or meets one.
type passing struct {
	filter     Filter // of everything; nil passes it
	plain      Selection
	conditions []compiledCondition
}

type compiledCondition struct {
	selector Selector
	filter   Filter
	text     []byte // as a JSON string
}

// Match implements [Filter].
func (p *passing) Match(e *Event) bool {
	if p.filter != nil && !p.filter.Match(e) {
		return false
	}
	return p.plain.Matches(e.Stream) ||
		slices.ContainsFunc(p.conditions, func(c compiledCondition) bool { return c.meets(e) })
}

func (c *compiledCondition) meets(e *Event) bool {
	return c.selector.Matches(e.Stream) && c.filter.Match(e)
}

// appendMet appends what tells apart events that meet different conditions: of
// those, none supersedes another where only the newest counts.
func (p *passing) appendMet(dst []byte, e *Event) []byte {
	if p.plain.Matches(e.Stream) {
		dst = append(dst, maxConditions)
	}
	for i := range p.conditions {
		if p.conditions[i].meets(e) {
			dst = append(dst, byte(i))
		}
	}
	return dst
}

// appendEnvelope appends the event's envelope, in which match lists the
// conditions that the event meets.
func (p *passing) appendEnvelope(dst []byte, e *Event) []byte {
	dst = e.AppendJSON(dst)
	open := false
	for i := range p.conditions {
		c := &p.conditions[i]
		if !c.meets(e) {
			continue
		}
		if open {
			dst = append(dst, ',')
		} else {
			dst = append(dst[:len(dst)-1], `,"match":[`...) // in place of the brace
			open = true
		}
		dst = append(dst, c.text...)
	}
	if open {
		dst = append(dst, "]}"...)
	}
	return dst
}

// compile returns what events must pass, nil if all do, widens the subscription's
// selection to the streams of its conditions, and narrows it to what may be read.
func (h *Hub) compile(want *Subscription) (Filter, error) {
	want.asked = want.Select.Strings()
	var filter Filter
	if want.Filter != "" {
		var err error
		if filter, err = h.opts.CompileFilter(want.Filter); err != nil {
			return nil, fmt.Errorf("%w: filter: %w", ErrSubscription, err)
		}
	}
	if len(want.Conditions) == 0 {
		err := h.narrow(want)
		return want.guard.and(filter), err
	}
	if len(want.Conditions) > maxConditions {
		return nil, fmt.Errorf("%w: %d conditions are given, at most %d are allowed", ErrSubscription, len(want.Conditions), maxConditions)
	}
	p := &passing{plain: want.Select}
	for _, c := range want.Conditions {
		compiled, err := h.opts.CompileFilter(c.Where)
		if err != nil {
			return nil, fmt.Errorf("%w: stream %q: %w", ErrSubscription, c, err)
		}
		p.conditions = append(p.conditions, compiledCondition{c.Select, compiled, appendJSONString(nil, c.String())})
		want.Select = append(slices.Clip(want.Select), c.Select)
		want.asked = append(want.asked, c.String())
	}
	slices.Sort(want.Select)
	want.Select = slices.Compact(want.Select)
	err := h.narrow(want)
	p.filter = want.guard.and(filter)
	return p, err
}

// narrow leaves of the subscription's selection what may be read.
func (h *Hub) narrow(want *Subscription) error {
	if want.viewsOnly() {
		return nil
	}
	allowed, err := h.scope(want.Access, want.Select)
	want.Select, want.guard = allowed.streams, allowed.guard
	return err
}

// feedKey returns what subscribers must agree on to share a feed.
func (want *Subscription) feedKey(pause time.Duration) feedKey {
	streams := want.Select.Strings()
	if len(want.Conditions) > 0 {
		streams = append(append(streams, ""), want.asked...)
	}
	return feedKey{
		selection: strings.Join(streams, "\x00"), guard: want.guard.key(), filter: want.Filter,
		encoding: want.Encoding, delivery: want.Delivery, interval: pause,
	}
}
