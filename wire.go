package streamgauge

import (
	"strconv"
	"time"

	"github.com/streamgauge/streamgauge/sse"
)

// Encoding is how events look on the wire.
type Encoding uint8

const (
	// EncodeEnvelope is text/event-stream in which an event's data is its
	// envelope, see [Event.AppendJSON].
	EncodeEnvelope Encoding = iota
	// EncodeBare is text/event-stream in which an event's data is its data,
	// and its type the event's type. It suits one stream only.
	EncodeBare
	// EncodeNDJSON is one envelope per line.
	EncodeNDJSON

	encodings
)

// appendEvent appends a stored event.
func (enc Encoding) appendEvent(dst []byte, e *Event) []byte { return enc.appendPassed(dst, e, nil) }

// appendPassed appends a stored event that has passed the filter.
func (enc Encoding) appendPassed(dst []byte, e *Event, filter Filter) []byte {
	if enc == EncodeNDJSON {
		return append(appendEnvelope(dst, e, filter), '\n')
	}
	var id [MaxIDBytes]byte
	dst = sse.AppendID(dst, e.ID.append(id[:0]))
	if enc == EncodeBare {
		dst = sse.AppendType(dst, e.Type)
		dst = sse.AppendData(dst, e.Data)
		return sse.AppendEnd(dst)
	}
	// The log let no line end through, so the envelope is one line.
	dst = append(dst, "data: "...)
	dst = appendEnvelope(dst, e, filter)
	return append(dst, "\n\n"...)
}

// appendEnvelope appends the event's envelope, with the conditions that it meets
// if the filter has any.
func appendEnvelope(dst []byte, e *Event, filter Filter) []byte {
	if p, ok := filter.(*passing); ok {
		return p.appendEnvelope(dst, e)
	}
	return e.AppendJSON(dst)
}

// control is a control event under construction: its members as JSON.
type control struct {
	name    string
	members []byte
}

func newControl(name string) *control { return &control{name: name} }

func (c *control) member(name string) *control {
	if len(c.members) > 0 {
		c.members = append(c.members, ',')
	}
	c.members = append(c.members, '"')
	c.members = append(c.members, name...)
	c.members = append(c.members, '"', ':')
	return c
}

func (c *control) str(name, value string) *control {
	c.member(name).members = appendJSONString(c.members, value)
	return c
}

func (c *control) strOrNull(name, value string) *control {
	if value == "" {
		c.member(name).members = append(c.members, "null"...)
		return c
	}
	return c.str(name, value)
}

func (c *control) int(name string, n int64) *control {
	c.member(name).members = strconv.AppendInt(c.members, n, 10)
	return c
}

// append appends the control event with an id if it has one.
func (c *control) append(dst []byte, enc Encoding, id Position) []byte {
	if enc == EncodeNDJSON {
		dst = append(dst, `{"hub":"`...)
		dst = append(dst, c.name...)
		if !id.IsZero() {
			dst = append(dst, `","id":"`...)
			dst = id.append(dst)
		}
		dst = append(dst, '"', ',')
		dst = append(dst, c.members...)
		return append(dst, '}', '\n')
	}
	var text [MaxIDBytes]byte
	dst = sse.AppendID(dst, id.append(text[:0]))
	dst = sse.AppendType(dst, ReservedPrefix+c.name)
	dst = append(dst, "data: {"...)
	dst = append(dst, c.members...)
	return append(dst, "}\n\n"...)
}

// appendHello appends what a connection begins with: how long to wait before
// the next one, and where this one goes on. Its id is the position for that, or
// none. Some antivirus products hold the first block back until there is a
// second; the comment is that second one.
func appendHello(dst []byte, enc Encoding, start, at Position, o *Options, sub *Subscription, retry time.Duration) []byte {
	if enc != EncodeNDJSON {
		dst = sse.AppendRetry(dst, retry)
	}
	delivery := sub.Delivery
	if delivery == "" {
		delivery = "rule"
	}
	hello := newControl("hello").
		str("version", o.Version).
		int("heartbeat_ms", o.Heartbeat.Milliseconds()).
		str("position", at.String())
	hello.member("streams").members = append(hello.members, '[')
	for i, s := range sub.asked {
		if i > 0 {
			hello.members = append(hello.members, ',')
		}
		hello.members = appendJSONString(hello.members, s)
	}
	hello.members = append(hello.members, ']')
	hello.views(sub.views)
	dst = hello.str("delivery", string(delivery)).append(dst, enc, start)
	return appendComment(dst, enc, "welcome")
}

// views says which views there are, if any, by the names that their rows have.
func (c *control) views(views []namedView) {
	for i, v := range views {
		if i == 0 {
			c.member("views").members = append(c.members, '[')
		} else {
			c.members = append(c.members, ',')
		}
		one := newControl("").
			str("name", v.label).
			str("view", v.String()).
			int("every_ms", v.Every.Milliseconds()).
			int("over_ms", v.Over.Milliseconds())
		c.members = append(append(append(c.members, '{'), one.members...), '}')
	}
	if len(views) > 0 {
		c.members = append(c.members, ']')
	}
}

func appendComment(dst []byte, enc Encoding, text string) []byte {
	if enc == EncodeNDJSON {
		return dst
	}
	return sse.AppendEnd(sse.AppendComment(dst, text))
}

func appendGap(dst []byte, enc Encoding, g *Gap, id Position) []byte {
	return (&control{name: "gap", members: gapMembers(g)}).append(dst, enc, id)
}

func gapMembers(g *Gap) []byte {
	c := newControl("gap").
		strOrNull("stream", g.Stream).
		strOrNull("from", g.From.String()).
		strOrNull("to", g.To.String())
	if g.Lost < 0 {
		c.member("lost").members = append(c.members, "null"...)
	} else {
		c.int("lost", g.Lost)
	}
	return c.str("reason", string(g.Reason)).members
}

func appendHeartbeat(dst []byte, enc Encoding, at Position, now time.Time, state string) []byte {
	dst = appendComment(dst, enc, "keep-alive")
	return newControl("heartbeat").
		str("time", now.UTC().Format(time.RFC3339Nano)).
		str("state", state).
		append(dst, enc, at)
}

// appendBye appends the last block of a connection. The retry line goes first,
// since a browser acts on it as soon as it has read it.
func appendBye(dst []byte, enc Encoding, reason byeReason, retry time.Duration) []byte {
	if enc != EncodeNDJSON {
		dst = sse.AppendRetry(dst, retry)
	}
	return newControl("bye").
		str("reason", string(reason)).
		int("retry_ms", retry.Milliseconds()).
		append(dst, enc, Position{})
}

// byeReason says why the hub closes a connection.
type byeReason string

const (
	byeDrain    byeReason = "drain"
	byeAge      byeReason = "age"
	byeOverload byeReason = "overload"
	byeEpoch    byeReason = "epoch"   // the log was replaced
	byeExpired  byeReason = "expired" // the access has
	byeRevoked  byeReason = "revoked" // the access was
)
