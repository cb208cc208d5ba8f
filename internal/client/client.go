// Package client is what the command line publishes and follows with. It goes on
// where it was when the server or the network goes away for a while: nothing is
// shown twice, nothing is left out unsaid, and nothing is published twice while
// the server remembers the key of the attempt before.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client talks to one server.
type Client struct {
	base       string
	http       *http.Client
	notify     func(string)  // what the user should know meanwhile
	answerTime time.Duration // that one attempt to publish may take, save for its body
}

// New returns a client of the server at the URL; without a scheme it is http. It
// shows the token, unless that is empty. It calls notify, one call at a time, with what the user should know while it
// goes on trying; nil is nobody.
func New(server, token string, notify func(string)) (*Client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a server such as http://127.0.0.1:7070", server)
	}
	if notify == nil {
		notify = func(string) {}
	}
	c := &http.Client{}
	if token != "" {
		// A redirect must not carry it to another server.
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c.Transport = bearer(token)
	}
	return &Client{strings.TrimSuffix(u.String(), "/"), c, notify, 15 * time.Second}, nil
}

// bearer shows a token with each request.
type bearer string

// RoundTrip implements [http.RoundTripper].
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// Call sends JSON, unless in is nil, and decodes the answer into out, unless that is nil. An
// answer that is no success is a [*StatusError].
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.answerTime)
	defer cancel()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return statusError(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// Close closes the connections that are idle.
func (c *Client) Close() {
	if c.http.Transport != nil {
		http.DefaultClient.CloseIdleConnections()
	}
	c.http.CloseIdleConnections()
}

// StatusError is an answer that is no success.
type StatusError struct {
	Status     int
	Detail     string        // what the server says about it
	retryAfter time.Duration // as the server asks for
}

// Error returns what the server said.
func (e *StatusError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return e.Detail
}

// statusError reads a problem, or what a proxy says in its place.
func statusError(r *http.Response) error {
	e := &StatusError{Status: r.StatusCode}
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.retryAfter = time.Duration(seconds) * time.Second
	}
	var problem struct{ Detail string }
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if json.Unmarshal(body, &problem) == nil {
		e.Detail = problem.Detail
	}
	return e
}

// passes reports whether the error is likely to pass.
func passes(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return true // the connection
	}
	switch status.Status {
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// backoff says how long to wait before the next attempt: longer each time, and
// different from client to client.
type backoff struct {
	attempt int
}

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

func (b *backoff) pause(err error) time.Duration {
	d := min(firstPause<<min(b.attempt, 10), maxPause)
	b.attempt++
	d = d/2 + rand.N(d)
	var status *StatusError
	if errors.As(err, &status) {
		d = max(d, min(status.retryAfter, maxPause))
	}
	return d
}

// sleep reports whether the time has passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// plain is the error without the request that net/http puts before it.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Receipt is the server's answer to a publish.
type Receipt struct {
	ID        string `json:"id"`
	Count     int    `json:"count"`
	Level     string `json:"level"`
	Duplicate bool   `json:"duplicate"`
}

// Batch is what one request publishes.
type Batch struct {
	Stream      string
	Params      url.Values // type, key and time of all events
	ContentType string
	Body        []byte
	// Key makes retries harmless for 10 minutes and 100,000 keys, whichever ends
	// first. Required.
	Key string
}

// Publish publishes the batch. What is likely to pass is tried again for as long
// as retry says, beginning no attempt after that; no single one takes longer than
// 15 s and what the body takes at 64 KiB/s. A retry stores nothing again while
// the server remembers the batch's key.
func (c *Client) Publish(ctx context.Context, b *Batch, retry time.Duration) (Receipt, error) {
	deadline := time.Now().Add(retry)
	var wait backoff
	for {
		receipt, err := c.publishOnce(ctx, b)
		switch {
		case err == nil:
			if wait.attempt > 0 {
				c.notify("the server is there again")
			}
			return receipt, nil
		case ctx.Err() != nil:
			return Receipt{}, ctx.Err()
		case !passes(err):
			return Receipt{}, err
		}
		d := wait.pause(err)
		if time.Now().Add(d).After(deadline) {
			return Receipt{}, fmt.Errorf("%s: %w", c.base, plain(err))
		}
		if wait.attempt == 1 {
			c.notify(fmt.Sprintf("%s: %v; trying again for %v", c.base, plain(err), retry))
		}
		if !sleep(ctx, d) {
			return Receipt{}, ctx.Err()
		}
	}
}

// slowest is the bandwidth in bytes per second at which a body still gets
// through.
const slowest = 64 << 10

func (c *Client) publishOnce(ctx context.Context, b *Batch) (receipt Receipt, err error) {
	// A server that takes the connection and says nothing is away too.
	limit := c.answerTime + time.Duration(len(b.Body))*time.Second/slowest
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit.Round(10*time.Millisecond)))
	defer cancel()
	target := c.base + "/v1/streams/" + url.PathEscape(b.Stream) + "/events"
	if len(b.Params) > 0 {
		target += "?" + b.Params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(b.Body))
	if err != nil {
		return receipt, err
	}
	req.Header.Set("Content-Type", b.ContentType)
	req.Header.Set("Idempotency-Key", b.Key)
	resp, err := c.http.Do(req)
	if err != nil {
		return receipt, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return receipt, statusError(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(&receipt); err != nil {
		return receipt, fmt.Errorf("read the server's answer: %w", err)
	}
	return receipt, nil
}
