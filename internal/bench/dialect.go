package bench

import (
	"bytes"
	"net/url"
)

// A Dialect is how one talks to a server that is not Streamgauge. Members that are not set are as
// Streamgauge has them.
type Dialect struct {
	// Subscribe returns the path and query with which a stream is followed.
	Subscribe func(stream string) string
	// Data returns an event's data in the data of a message that a subscriber got, or nil if the
	// message is not an event.
	Data func(message []byte) []byte

	// Publish returns the path and query to which an event is posted.
	Publish func(stream string) string
	// Fields are of the head of every request that publishes, each with a line end.
	Fields string
	// Type and Body are of a request that publishes one event: Body appends it to dst. There are
	// no batches if they are set.
	Type string
	Body func(dst []byte, stream string, event []byte) []byte
	// Refused reports whether an answer of status 200 says that nothing was published.
	Refused func(body []byte) bool
}

// complete returns the dialect with what is not set as Streamgauge has it.
func (d *Dialect) complete() Dialect {
	var c Dialect
	if d != nil {
		c = *d
	}
	events := func(stream string) string { return "/v1/streams/" + stream + "/events" }
	if c.Subscribe == nil {
		c.Subscribe = events
	}
	if c.Publish == nil {
		c.Publish = events
	}
	return c
}

// Mercure returns the dialect of a hub of the Mercure protocol, of its versions before 1, which
// lets everybody subscribe, and whoever has the token publish.
func Mercure(token string) *Dialect {
	const path = "/.well-known/mercure"
	return &Dialect{
		Subscribe: func(stream string) string { return path + "?topic=" + stream },
		Publish:   func(string) string { return path },
		Fields:    "Authorization: Bearer " + token + "\r\n",
		Type:      "application/x-www-form-urlencoded",
		Body: func(dst []byte, stream string, event []byte) []byte {
			dst = append(append(dst, "topic="...), stream...)
			dst = append(dst, "&data="...)
			return append(dst, url.QueryEscape(string(event))...)
		},
	}
}

// Centrifugo returns the dialect of a Centrifugo server, of its versions 6, whose subscribers read
// its one-way event stream, without tokens.
func Centrifugo() *Dialect {
	return &Dialect{
		Subscribe: func(stream string) string {
			return "/connection/uni_sse?cf_connect=" + url.QueryEscape(`{"subs":{"`+stream+`":{}}}`)
		},
		Data: func(message []byte) []byte {
			_, rest, ok := bytes.Cut(message, []byte(`"pub":{"data":`))
			// It ends where the data does, whose last member is its only string that ends so.
			end := bytes.Index(rest, []byte(`"}`))
			if !ok || end < 0 {
				return nil
			}
			return rest[:end+2]
		},
		Publish: func(string) string { return "/api/publish" },
		Type:    "application/json",
		Body: func(dst []byte, stream string, event []byte) []byte {
			dst = append(append(dst, `{"channel":"`...), stream...)
			dst = append(append(dst, `","data":`...), event...)
			return append(dst, '}')
		},
		Refused: func(body []byte) bool { return bytes.HasPrefix(body, []byte(`{"error"`)) },
	}
}
