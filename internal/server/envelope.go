package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

var envelopeMembers = []string{"stream", "type", "key", "time", "data"}

// envelope makes an event of one JSON object: an envelope of ours, or a
// CloudEvent, which is told by its specversion.
func (q *request) envelope(object []byte) error {
	if q.kind == kindCloudEvent || q.kind == kindCloudEvents || isCloudEvent(object) {
		return q.cloudEvent(object)
	}
	var e streamgauge.Event
	seen, err := eachMember(object, func(name string, value []byte) (err error) {
		switch name {
		case "stream":
			e.Stream, err = unquote(value)
		case "type":
			e.Type, err = optional(value)
		case "key":
			e.Key, err = optional(value)
		case "time":
			e.Time, err = parseTime(value)
		case "data":
			e.Data = value
		case "id":
			return refuse(http.StatusBadRequest, "has the member id: the server gives events their ids, leave it out")
		default:
			return refuse(http.StatusBadRequest, "has the member %q, which no envelope has%s; members are stream, type, key, time and data",
				name, suggestion(name, envelopeMembers))
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !seen["stream"]:
		return refuse(http.StatusBadRequest, "has no stream: say which one the event is for")
	case !seen["data"]:
		return refuse(http.StatusBadRequest, "has no data: null is a value, but it must be said")
	}
	return q.add(e)
}

// isCloudEvent reports whether the object has the member that every CloudEvent
// must have. What is no object is neither.
func isCloudEvent(object []byte) bool {
	m, err := newMembers(object)
	for err == nil {
		name, _, ok, err := m.next()
		if err != nil || !ok {
			return false
		}
		if name == "specversion" {
			return true
		}
	}
	return false
}

// cloudEvent makes an event of a CloudEvent in the JSON format. The stream is
// the subject or, without one, the type; the time stays, and so does the type
// if it isn't the stream's name already. Extensions are left out, as are the
// source and the id, except that these two tell a retry from a new event.
func (q *request) cloudEvent(object []byte) error {
	var (
		e                            streamgauge.Event
		version, source, id, subject string
	)
	_, err := eachMember(object, func(name string, value []byte) (err error) {
		switch name {
		case "specversion":
			version, err = unquote(value)
		case "id":
			id, err = unquote(value)
		case "source":
			source, err = unquote(value)
		case "type":
			e.Type, err = unquote(value)
		case "subject":
			subject, err = optional(value)
		case "time":
			e.Time, err = parseTime(value)
		case "data":
			e.Data = value
		case "data_base64":
			return refuse(http.StatusUnsupportedMediaType, "has binary data (data_base64), which is not supported: send data as JSON")
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case version != "1.0":
		return refuse(http.StatusBadRequest, "has the specversion %q, CloudEvents of version 1.0 are accepted", version)
	case id == "" || source == "" || e.Type == "":
		return refuse(http.StatusBadRequest, "lacks one of id, source and type, which every CloudEvent must have")
	}
	if e.Stream = subject; subject == "" {
		e.Stream, e.Type = e.Type, ""
	}
	if e.Data == nil {
		e.Data = null
	}
	if q.identity == nil {
		q.identity = sha256.New()
	}
	fmt.Fprintf(q.identity, "%d %s %d %s ", len(source), source, len(id), id)
	return q.add(e)
}

// cloudEventsKey is the idempotency key of a request of CloudEvents: senders
// retry with the same source and id.
func (q *request) cloudEventsKey() string {
	return "cloudevents " + hex.EncodeToString(q.identity.Sum(nil))
}

// eachMember calls yield with every member and returns which there were. An
// error that yield returns as a mere phrase is made one about that member.
func eachMember(object []byte, yield func(name string, value []byte) error) (seen map[string]bool, err error) {
	m, err := newMembers(object)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	seen = make(map[string]bool, 8)
	for {
		name, value, ok, err := m.next()
		switch {
		case err != nil:
			return nil, refuse(http.StatusBadRequest, "%v", err)
		case !ok:
			return seen, nil
		case seen[name]:
			return nil, refuse(http.StatusBadRequest, "has the member %q twice", name)
		}
		seen[name] = true
		if err := yield(name, value); err != nil {
			if _, ok := err.(*refusal); ok {
				return nil, err
			}
			return nil, refuse(http.StatusBadRequest, "has a member %s that %v", name, err)
		}
	}
}

// optional is unquote for a member that may be null.
func optional(value []byte) (string, error) {
	if string(value) == "null" {
		return "", nil
	}
	return unquote(value)
}

func parseTime(value []byte) (time.Time, error) {
	s, err := optional(value)
	if err != nil || s == "" && string(value) != `""` {
		return time.Time{}, err
	}
	return parseTimeText(s)
}

func parseTimeText(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s)) // RFC 3339 allows t and z
	if err != nil {
		return time.Time{}, fmt.Errorf("is %q, which is no time such as 2026-01-31T12:00:00Z (RFC 3339)", s)
	}
	return t, nil
}

func suggestion(got string, names []string) string {
	if name := yamlfile.Nearest(got, names); name != "" {
		return fmt.Sprintf(" (did you mean %s?)", name)
	}
	return ""
}
