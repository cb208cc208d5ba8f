package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Event is one event as it is followed.
type Event struct {
	Stream string          `json:"stream"`
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Time   time.Time       `json:"time"`
	Key    string          `json:"key"`
	Data   json.RawMessage `json:"data"`

	Line []byte `json:"-"` // the envelope as the server sent it
}

// message is a line of a followed stream: an event, or what the hub says.
type message struct {
	Event
	Hub         string `json:"hub"`
	Position    string `json:"position"`
	HeartbeatMS int64  `json:"heartbeat_ms"`
	RetryMS     int64  `json:"retry_ms"`
	Lost        *int64 `json:"lost"`
	Reason      string `json:"reason"`
}

// Follow calls yield with every event that the parameters select, each once, in
// order, and returns yield's error or the context's. After a cut it goes on where
// it was. It fails when the server can't be reached at first, or refuses. What
// is gone is told by notify.
func (c *Client) Follow(ctx context.Context, params url.Values, yield func(*Event) error) error {
	f := &follower{client: c, params: params, yield: yield}
	var wait backoff
	for {
		before := f.cursor
		err := f.connection(ctx)
		var stop *stopError
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() != nil:
			return ctx.Err()
		case f.cursor == "" || !passes(err):
			return fmt.Errorf("%s: %w", c.base, plain(err))
		case f.cursor != before:
			wait = backoff{}
		}
		if wait.attempt == 1 { // a second time in vain
			c.notify(fmt.Sprintf("%s: %v; trying again", c.base, plain(err)))
		}
		if !sleep(ctx, max(wait.pause(err), f.pause)) {
			return ctx.Err()
		}
	}
}

// stopError ends following.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

type follower struct {
	client *Client
	params url.Values
	yield  func(*Event) error
	cursor string        // of what was shown last; empty before the first connection
	pause  time.Duration // that the server asked for before the next connection
}

// patience is how many heartbeats may be missing.
const patience = 3

// connection follows until the connection ends, and returns why.
func (f *follower) connection(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.client.base+"/v1/events?"+f.params.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/x-ndjson")
	if f.cursor != "" {
		req.Header.Set("Last-Event-ID", f.cursor)
	}
	// A connection may die without a word: then heartbeats are missing.
	silence := time.Minute
	watchdog := time.AfterFunc(silence, func() { cancel(errors.New("the connection is silent")) })
	defer watchdog.Stop()
	f.pause = 0
	resp, err := f.client.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return statusError(resp)
	}
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if err == io.EOF {
				err = errors.New("the connection was closed")
			}
			return err // the half of a line is sent again
		}
		watchdog.Reset(silence)
		heartbeat, err := f.take(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return err
		}
		if heartbeat > 0 {
			silence = patience * heartbeat
		}
	}
}

// take handles one line. It returns the heartbeat's interval if the line says it.
func (f *follower) take(line []byte) (heartbeat time.Duration, err error) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return 0, &stopError{fmt.Errorf("the server sent what is no event: %w", err)}
	}
	switch m.Hub {
	case "":
		m.Line = line
		if err := f.yield(&m.Event); err != nil {
			return 0, &stopError{err}
		}
	case "hello":
		heartbeat = time.Duration(m.HeartbeatMS) * time.Millisecond
		if m.ID == "" {
			m.ID = m.Position
		}
	case "gap":
		f.client.notify(m.gap())
	case "bye":
		f.pause = time.Duration(m.RetryMS) * time.Millisecond
	}
	if m.ID != "" {
		f.cursor = m.ID
	}
	return heartbeat, nil
}

// gap says what is gone in words.
func (m *message) gap() string {
	what := "events are gone"
	if m.Lost != nil {
		what = fmt.Sprintf("%d events are gone", *m.Lost)
		if *m.Lost == 1 {
			what = "1 event is gone"
		}
	}
	if m.Stream != "" {
		what += " from " + m.Stream
	}
	return fmt.Sprintf("gap: %s (%s)", what, m.Reason)
}
