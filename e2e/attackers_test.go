//go:build linux

package e2e_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// attacks are tried one after the other. An attacker does its worst and returns;
// whatever it has opened stays open. What is counted, n of which are done, are connections, or
// frames of HTTP/2; pace is how many of them in a second leave the server with time for others.
var attacks = []struct {
	name              string
	short, full, pace int
	try               func(a *attacker, n int)
}{
	{"headers that never end", 200, 3000, 300, slowHeaders},
	{"bodies that never end", 200, 3000, 300, slowBodies},
	{"peers that fall silent", 200, 3000, 300, silence},
	{"subscribers that don't read", 50, 500, 50, unread},
	{"answers that are not read", 50, 500, 20, unreadAnswers},
	{"huge headers", 10, 100, 20, hugeHeaders},
	{"gzip bombs", 20, 200, 5, bombs},
	{"gzip bombs that never end", 20, 200, 5, slowBombs},
	{"deep JSON", 10, 50, 5, deepJSON},
	{"HTTP/2 streams reset at once", 10_000, 100_000, 1000, rapidReset},
	{"HTTP/2 CONTINUATION without end", 10_000, 100_000, 2000, continuations},
	{"HTTP/2 headers that unpack to much", 10, 100, 20, packedHeaders},
	{"HTTP/2 streams without leave to send", 200, 2000, 1000, noWindow},
	{"HTTP/2 SETTINGS", 20_000, 500_000, 2000, func(a *attacker, n int) {
		a.flood(n, func(h *peer, _ int) error {
			return h.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		})
	}},
	{"HTTP/2 PING", 20_000, 500_000, 2000, func(a *attacker, n int) {
		a.flood(n, func(h *peer, i int) error { return h.WritePing(false, [8]byte{byte(i)}) })
	}},
}

const (
	subscription = "GET /v1/streams/" + publicStream + "/events HTTP/1.1\r\nHost: localhost\r\n"
	publication  = "POST /v1/streams/attack/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)

// slowHeaders sends a line of a header now and then, on each connection.
func slowHeaders(a *attacker, n int) { a.drip(n, subscription, "X-More: 1\r\n") }

// slowBodies sends a chunk of a body now and then.
func slowBodies(a *attacker, n int) {
	a.drip(n, publication+"Transfer-Encoding: chunked\r\n\r\n", "1\r\n1\r\n")
}

// drip begins n requests and goes on with each until the server ends it.
func (a *attacker) drip(n int, begin, more string) {
	conns := make([]net.Conn, n)
	a.many(n, func(i int) {
		conns[i] = a.open(true)
		_, _ = io.WriteString(conns[i], begin)
	})
	every := 50 * time.Millisecond
	if a.limit != nil {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for giveUp := time.Now().Add(time.Minute); len(conns) > 0; <-tick.C {
		if time.Now().After(giveUp) {
			a.wrong("%d requests that never end are still taken after a minute", len(conns))
			return
		}
		conns = slices.DeleteFunc(conns, func(c net.Conn) bool {
			_, err := io.WriteString(c, more)
			return err != nil
		})
	}
}

// silence says nothing any more, each after another beginning.
func silence(a *attacker, n int) {
	var cut bytes.Buffer // a header block of which the rest does not come
	_ = http2.NewFramer(&cut, nil).WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
	empty := "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // SETTINGS
	beginnings := []string{
		"", "G", subscription, publication + "Content-Length: 1000000\r\n\r\n{",
		http2.ClientPreface[:10], http2.ClientPreface, http2.ClientPreface + empty,
		http2.ClientPreface + empty + "\x00\xff", http2.ClientPreface + empty + cut.String(),
	}
	a.many(n, func(i int) { _, _ = io.WriteString(a.open(true), beginnings[i%len(beginnings)]) })
}

// unread follows streams and reads nothing.
func unread(a *attacker, n int) {
	a.many(n, func(int) { _, _ = io.WriteString(a.open(false), on("stream=big&last=2000").header()) })
}

// unreadAnswers asks for what has an end, and reads nothing of it.
func unreadAnswers(a *attacker, n int) {
	paths := []string{"/v1/streams/big/events?last=200", "/v1/openapi.yaml", "/"}
	a.many(n, func(i int) {
		one := "GET " + paths[i%len(paths)] + " HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/html\r\n\r\n"
		_, _ = io.WriteString(a.open(false), strings.Repeat(one, 200))
	})
}

// hugeHeaders sends more than anybody needs: in one line, and in many.
func hugeHeaders(a *attacker, n int) {
	large := subscription + "X-Large: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"
	many := subscription + strings.Repeat("X: 1\r\n", 100_000) + "\r\n"
	a.many(n, func(i int) {
		status := a.ask([]string{large, many}[i%2])
		if status != 0 && status != http.StatusRequestHeaderFieldsTooLarge {
			a.wrong("huge headers are answered with %d", status)
		}
	})
}

// ask returns the status of the answer to a request, or 0 if the connection was
// closed before it could be read.
func (a *attacker) ask(request string) int {
	conn := a.open(true)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, request)
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	<-sent
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// packed returns what unpacks to a JSON string of so many MiB, or to its beginning.
func packed(size int, whole bool) string {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = io.WriteString(w, `"`)
	for range size {
		_, _ = w.Write(bytes.Repeat([]byte{'x'}, 1<<20))
	}
	_, _ = io.WriteString(w, `"`)
	_ = w.Flush()
	if whole {
		_ = w.Close()
	}
	return out.String()
}

func bombs(a *attacker, n int) {
	body := packed(100, true)
	request := fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", publication, len(body), body)
	a.many(n, func(int) {
		switch status := a.ask(request); status {
		case 0, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable:
		default:
			a.wrong("a gzip bomb is answered with %d", status)
		}
	})
}

// slowBombs has the server keep what it has unpacked, as it waits for the rest.
func slowBombs(a *attacker, n int) {
	body := packed(15, false)
	request := fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", publication, len(body)+10, body)
	a.many(n, func(int) { _, _ = io.WriteString(a.open(true), request) })
}

func deepJSON(a *attacker, n int) {
	bodies := []string{
		strings.Repeat("[", 4<<20),
		strings.Repeat(`{"a":`, 1<<20),
		strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		strings.Repeat(`{"a":`, 40_000) + "1" + strings.Repeat("}", 40_000),
	}
	a.many(n, func(i int) {
		body := bodies[i%len(bodies)]
		status := a.ask(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", publication, len(body), body))
		if status != 0 && status != http.StatusServiceUnavailable && status/100 != 4 {
			a.wrong("deep JSON is answered with %d", status)
		}
	})
}

// A peer writes frames of HTTP/2 as it likes.
type peer struct {
	conn net.Conn
	out  *bufio.Writer
	*http2.Framer
	block bytes.Buffer
	hpack *hpack.Encoder
}

// speak begins HTTP/2, without TLS and without asking.
func (a *attacker) speak(reads bool, settings ...http2.Setting) *peer {
	h := &peer{conn: a.open(reads)}
	h.out = bufio.NewWriterSize(h.conn, 64<<10)
	h.Framer = http2.NewFramer(h.out, nil)
	h.hpack = hpack.NewEncoder(&h.block)
	_, _ = io.WriteString(h.out, http2.ClientPreface)
	_ = h.WriteSettings(settings...)
	if reads {
		a.tasks.Go(func() { _, _ = io.Copy(io.Discard, h.conn) })
	}
	return h
}

// head returns the header block of a GET.
func (h *peer) head(path, accept string) []byte {
	h.block.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", path}, {"accept", accept}} {
		_ = h.hpack.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return h.block.Bytes()
}

// get asks on the n-th stream of the connection, from 0.
func (h *peer) get(n int, path, accept string) error {
	return h.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream2(n), BlockFragment: h.head(path, accept), EndStream: true, EndHeaders: true,
	})
}

func stream2(n int) uint32 { return uint32(2*n + 1) }

// eachPeer shares n of something between four connections, until the server ends them.
func (a *attacker) eachPeer(n int, reads bool, one func(h *peer, i int) error) {
	const peers = 4
	var all sync.WaitGroup
	for range peers {
		all.Go(func() {
			h := a.speak(reads)
			for i := range n / peers {
				if one(h, i) != nil {
					return
				}
				if a.pace(1) {
					_ = h.out.Flush()
				}
			}
			_ = h.out.Flush()
		})
	}
	all.Wait()
}

// rapidReset has the server begin to answer, and wants no answer (CVE-2023-44487).
func rapidReset(a *attacker, n int) {
	a.eachPeer(n, true, func(h *peer, i int) error {
		if err := h.get(i, "/v1/streams/big/events?last=100", "text/event-stream"); err != nil {
			return err
		}
		return h.WriteRSTStream(stream2(i), http2.ErrCodeCancel)
	})
}

// continuations goes on with a header block for ever, of large pieces or of
// nothing (CVE-2023-45288).
func continuations(a *attacker, n int) {
	piece := bytes.Repeat([]byte("\x00\x01x\x01y"), 200) // fields that are not remembered
	a.eachPeer(n, true, func(h *peer, i int) error {
		switch {
		case i == 0:
			return h.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.head("/", "")})
		case i%2 == 0:
			return h.WriteContinuation(1, false, nil)
		}
		return h.WriteContinuation(1, false, piece)
	})
}

// packedHeaders says one large field by its index, again and again.
func packedHeaders(a *attacker, n int) {
	a.many(n, func(int) {
		h := a.speak(true)
		block := slices.Clone(h.head("/v1/openapi.yaml", "*/*"))
		h.block.Reset()
		_ = h.hpack.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("x", 3000)})
		block = append(block, h.block.Bytes()...)
		h.block.Reset()
		_ = h.hpack.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("x", 3000)})
		block = append(block, bytes.Repeat(h.block.Bytes(), 10_000)...)
		_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true, EndHeaders: true})
		_ = h.out.Flush()
	})
}

// noWindow asks for much and gives no leave to send it (CVE-2019-9517), neither
// for what follows a stream nor for what has an end.
func noWindow(a *attacker, n int) {
	const streams = 500
	a.many((n+streams-1)/streams, func(c int) {
		h := a.speak(true, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		for i := range min(streams, n-c*streams) {
			a.pace(1)
			path, accept := "/v1/streams/big/events?last=2000", "text/event-stream"
			switch i % 3 {
			case 1:
				path, accept = "/v1/openapi.yaml", "*/*"
			case 2:
				path, accept = "/v1/streams/big/events?last=20", "application/json"
			}
			_ = h.get(i, path, accept)
		}
		_ = h.out.Flush()
	})
}

// flood sends frames that want an answer, and reads none.
func (a *attacker) flood(n int, frame func(h *peer, i int) error) {
	a.eachPeer(n, false, func(h *peer, i int) error {
		_ = h.conn.SetWriteDeadline(time.Now().Add(20 * time.Second)) // the server may wait for us to read
		return frame(h, i)
	})
}
