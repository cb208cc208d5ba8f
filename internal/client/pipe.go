package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// PipeOptions says how lines become events.
type PipeOptions struct {
	Stream string
	Params url.Values
	// Text publishes lines as they are, to a stream whose format is text. Else a
	// line is JSON or, if it isn't, becomes a JSON string.
	Text bool
	// Retry is how long to go on trying what is likely to pass.
	Retry time.Duration
}

// What one request of a pipe holds at most.
const (
	pipeEvents = 1000
	pipeBytes  = 1 << 20
)

// maxLine bounds what one line may be; the server's limit is below it.
const maxLine = 16 << 20

// Pipe publishes one event for each line of r that is not blank, until r ends,
// and returns how many. Lines that have piled up go out in one request, and
// lines that come one by one go out at once. After an error the count is of
// those that were acknowledged.
//
// The goroutine that reads ends when r does: an r that blocks for ever should be
// closed when the context ends.
func (c *Client) Pipe(ctx context.Context, r io.Reader, o PipeOptions) (count int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan []byte, pipeEvents)
	read := make(chan error, 1)
	go func() { // closes lines
		defer close(lines)
		read <- readLines(ctx, r, lines)
	}()
	p := &pipe{client: c, o: o, session: rand.Text()}
	for {
		batch, more := collect(ctx, lines)
		if len(batch) > 0 {
			if err := p.publish(ctx, batch); err != nil {
				return p.count, err
			}
		}
		if !more {
			if ctx.Err() != nil {
				return p.count, ctx.Err()
			}
			return p.count, <-read
		}
	}
}

func readLines(ctx context.Context, r io.Reader, lines chan<- []byte) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; s.Scan(); n++ {
		line := bytes.TrimSuffix(s.Bytes(), []byte("\r"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		select {
		case lines <- bytes.Clone(line):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line of the input is longer than %d MiB", maxLine>>20)
	}
	return s.Err()
}

// collect waits for a line and takes those that are there already with it.
func collect(ctx context.Context, lines <-chan []byte) (batch [][]byte, more bool) {
	size := 0
	for len(batch) < pipeEvents && size < pipeBytes {
		if len(batch) > 0 {
			select {
			case line, ok := <-lines:
				if !ok {
					return batch, false
				}
				batch, size = append(batch, line), size+len(line)
				continue
			default:
				return batch, true
			}
		}
		select {
		case line, ok := <-lines:
			if !ok {
				return nil, false
			}
			batch, size = append(batch, line), len(line)
		case <-ctx.Done():
			return nil, false
		}
	}
	return batch, true
}

type pipe struct {
	client  *Client
	o       PipeOptions
	session string // makes our keys unlike others'
	request int
	count   int
}

// publish publishes the lines. Those that are too many for the server go in
// halves.
func (p *pipe) publish(ctx context.Context, lines [][]byte) error {
	p.request++
	b := &Batch{Stream: p.o.Stream, Params: p.o.Params, ContentType: "application/x-ndjson", Key: fmt.Sprintf("%s-%d", p.session, p.request)}
	if p.o.Text {
		b.ContentType = "text/plain; charset=utf-8"
	}
	for _, line := range lines {
		if !p.o.Text {
			line = ToJSON(line)
		}
		b.Body = append(append(b.Body, line...), '\n')
	}
	receipt, err := p.client.Publish(ctx, b, p.o.Retry)
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusRequestEntityTooLarge && len(lines) > 1 {
		half := len(lines) / 2
		if err := p.publish(ctx, lines[:half]); err != nil {
			return err
		}
		return p.publish(ctx, lines[half:])
	}
	if err != nil {
		return err
	}
	p.count += receipt.Count
	return nil
}

// ToJSON returns the text if it is JSON, on one line, and else the text as a JSON
// string.
func ToJSON(line []byte) []byte {
	line = bytes.TrimSpace(line)
	var b bytes.Buffer
	if json.Valid(line) {
		if bytes.ContainsAny(line, "\r\n") {
			_ = json.Compact(&b, line) // of JSON never fails
			return b.Bytes()
		}
		return line
	}
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(string(line)) // of a string never fails
	return bytes.TrimSpace(b.Bytes())
}
