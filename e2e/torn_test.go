//go:build linux

package e2e_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// counted counts what is read.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// tornEvents are around the one that the cut is mostly in: typed, with a time
// and a key, of 4 KiB, and with every character that needs an escape.
var tornEvents = [...]string{
	`{"type":"first","data":1}`,
	`{"type":"com.example:build/done","key":"käse","time":"2024-05-06T07:08:09Z","data":{"text":"\r\n\n\rdata: x\nid: 1-1\n\u2028☃\\\"","pad":"` + strings.Repeat("0123456789abcdé", 256) + `"}}`,
	`{"data":null}`,
}

// Wherever a connection is cut, the client gets every event once and whole.
func TestConnectionCutAfterEveryByte(t *testing.T) {
	t.Parallel()
	sized(t, 41, 1, func(t *testing.T, step int) {
		s := startServer(t, "")
		cursor := mustPublish(t, s.api, "torn", "0").ID
		var batch strings.Builder
		for _, e := range tornEvents {
			batch.WriteString(strings.Replace(e, "{", `{"stream":"torn",`, 1) + "\n")
		}
		if r, err := publish(s.api, "/v1/events", "application/x-ndjson", batch.String(), ""); err != nil || r.status != 200 {
			t.Fatalf("publish: %+v, %v", r, err)
		}
		for name, r := range map[string]request{
			"bare":      onStream("torn", ""),
			"envelopes": on("stream=torn"),
			"ndjson":    on("stream=torn").as(ndjson),
		} {
			t.Run(name, func(t *testing.T) {
				began := time.Now()
				cuts, err := cutEverywhere(s.api, r.after(cursor), step)
				if err != nil {
					t.Error(err)
				}
				t.Logf("%d cuts in %.1f s", cuts, time.Since(began).Seconds())
			})
		}
	})
}

// cutEverywhere cuts connections after every step-th byte of the answer, up to
// the last event's end.
func cutEverywhere(address string, r request, step int) (cuts int64, err error) {
	var input *counted
	c, err := connect(address, r, func(conn *net.TCPConn) io.Reader {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		input = &counted{Reader: conn}
		return input
	})
	if err != nil {
		return 0, err
	}
	var whole []string
	if _, whole, err = takeEvents(c, nil); err != nil {
		return 0, err
	}
	c.Close()
	if !strings.Contains(whole[0], "first") {
		return 0, fmt.Errorf("an uncut connection brought %q, want what came after the cursor", whole)
	}
	var done atomic.Int64
	var g errgroup.Group
	g.SetLimit(4)
	for at := 1; at <= input.n; at += step {
		g.Go(func() error {
			done.Add(1)
			return cutAt(address, r, at, whole)
		})
	}
	return done.Load(), g.Wait()
}

// cutAt cuts one connection and resumes, and compares what both brought.
func cutAt(address string, r request, at int, want []string) error {
	how := withFIN
	if at%2 == 0 {
		how = withRST
	}
	var got []string
	cursor := r.cursor
	c, err := connect(address, r, cut{bytes: at, after: 10 * time.Second, how: how}.input)
	if err == nil { // else it was cut in the header
		if cursor, got, err = takeEvents(c, nil); err != errCut && err != io.ErrUnexpectedEOF && len(got) < len(want) {
			return fmt.Errorf("cut after %d bytes: %w", at, err)
		}
		if cursor == "" {
			cursor = r.cursor
		}
		c.Close()
	}
	if len(got) < len(want) {
		c, err = connect(address, r.after(cursor), nil)
		if err != nil {
			return fmt.Errorf("resume after %d bytes: %w", at, err)
		}
		defer c.Close()
		if _, got, err = takeEvents(c, got); err != nil {
			return fmt.Errorf("resume after %d bytes: %w", at, err)
		}
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Errorf("cut after %d bytes and resumed at %s: got %q, want %q", at, cursor, got, want)
		}
	}
	return nil
}

// takeEvents appends the events of a connection, up to the last of tornEvents,
// to got. It returns the last id too.
func takeEvents(c *connection, got []string) (cursor string, _ []string, _ error) {
	for len(got) < len(tornEvents) {
		m, err := c.next()
		if err != nil {
			return cursor, got, err
		}
		if m.hub == "" {
			got = append(got, fmt.Sprintf("%s %s %s", m.id, m.kind, m.data))
		} else if m.hub != "hello" {
			return cursor, got, fmt.Errorf("got hub.%s %s", m.hub, m.data)
		}
		if len(m.id) > 0 {
			cursor = string(m.id)
		}
	}
	return cursor, got, nil
}
