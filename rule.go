package streamgauge

import (
	"fmt"
	"time"
)

// Delivery says what a subscriber that lags behind is sent.
type Delivery string

const (
	// DeliverAll sends every event, in order.
	DeliverAll Delivery = "all"
	// DeliverLatest sends the newest event of every key that the subscriber
	// has not seen, in position order. What a newer event supersedes is no gap.
	DeliverLatest Delivery = "latest"
)

// Keep is how much of a stream is kept. An event is kept as long as it is
// within all the bounds that are set.
type Keep struct {
	Events int           // the last so many events
	Age    time.Duration // events appended within this time
	Bytes  int64         // the last events whose data measure so much together
}

// Rule says how the streams that it matches are kept and delivered. The zero
// value of a member leaves it to the last rule of the [Rules].
type Rule struct {
	Match    Selector
	Keep     Keep
	Delivery Delivery
	// Text streams take lines of text in place of JSON values: see
	// [Event.Text]. Format is "json" or "text".
	Format Format
	// Key is an RFC 6901 JSON pointer into the data; what it points at is the
	// event's key unless the event has one.
	Key string
}

// Format is what a stream's publishers send.
type Format string

const (
	FormatJSON Format = "json" // JSON values
	FormatText Format = "text" // lines of text
)

// Rules are tried in order; the first that matches a stream applies to it.
// The last one must match every stream and has every member but Key set.
type Rules []Rule

// DefaultRules returns the rules of a hub that is told nothing else.
func DefaultRules() Rules {
	return Rules{
		{Match: "logs.>", Keep: Keep{Events: 100_000, Age: 7 * 24 * time.Hour}},
		{Match: "hub.log", Keep: Keep{Events: 10_000}},
		{Match: "host.>", Keep: Keep{Events: 3600}, Delivery: DeliverLatest},
		{Match: "hub.>", Keep: Keep{Events: 3600}, Delivery: DeliverLatest},
		lastRule,
	}
}

var lastRule = Rule{
	Match:    ">",
	Keep:     Keep{Events: 10_000, Age: 24 * time.Hour, Bytes: 256 << 20},
	Delivery: DeliverAll,
	Format:   FormatJSON,
}

// NewRules checks the rules and completes them: when the last rule does not
// match every stream, one that does is added, and what a rule leaves out is
// taken from the last. The error names the rule by its index.
func NewRules(rules ...Rule) (Rules, error) {
	out := make(Rules, 0, len(rules)+1)
	for i, r := range rules {
		if _, err := ParseSelector(string(r.Match)); err != nil {
			return nil, fmt.Errorf("streams[%d]: match: %w", i, err)
		}
		if r.Keep.Events < 0 || r.Keep.Age < 0 || r.Keep.Bytes < 0 {
			return nil, fmt.Errorf("streams[%d]: keep: bounds must not be negative", i)
		}
		if r.Delivery != "" && r.Delivery != DeliverAll && r.Delivery != DeliverLatest {
			return nil, fmt.Errorf("streams[%d]: delivery: %q is neither %q nor %q", i, r.Delivery, DeliverAll, DeliverLatest)
		}
		if r.Format != "" && r.Format != FormatJSON && r.Format != FormatText {
			return nil, fmt.Errorf("streams[%d]: format: %q is neither %q nor %q", i, r.Format, FormatJSON, FormatText)
		}
		if err := checkPointer(r.Key); err != nil {
			return nil, fmt.Errorf("streams[%d]: key: %w", i, err)
		}
		out = append(out, r)
	}
	if n := len(out); n == 0 || out[n-1].Match != ">" {
		out = append(out, Rule{Match: ">"})
	}
	last := out[len(out)-1].orElse(lastRule)
	for i := range out {
		out[i] = out[i].orElse(last)
	}
	return out, nil
}

// orElse fills what r leaves out from other. Keep bounds are inherited one by
// one, so that every stream has every bound.
func (r Rule) orElse(other Rule) Rule {
	if r.Keep.Events == 0 {
		r.Keep.Events = other.Keep.Events
	}
	if r.Keep.Age == 0 {
		r.Keep.Age = other.Keep.Age
	}
	if r.Keep.Bytes == 0 {
		r.Keep.Bytes = other.Keep.Bytes
	}
	if r.Delivery == "" {
		r.Delivery = other.Delivery
	}
	if r.Format == "" {
		r.Format = other.Format
	}
	return r
}

// For returns the rule of a stream. Of no rules at all it returns the built-in
// last rule.
func (r Rules) For(stream string) Rule {
	for _, rule := range r {
		if rule.Match.Matches(stream) {
			return rule
		}
	}
	return lastRule
}
