package streamgauge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP sends a subscriber events, on one stream if the request's path has
// a value for "stream" (as in "GET /v1/streams/{stream}/events"), else on those
// that the "stream" parameters select, and as rows of the views that the "view"
// parameters ask for. What is sent, Accept says:
// text/event-stream (also when nothing is said) or application/x-ndjson follow,
// application/json gets one page of what is stored. See the package's
// documentation for the parameters.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		NewProblem(http.StatusMethodNotAllowed, "Events are read with GET.").ServeHTTP(w, r)
		return
	}
	w.Header().Add("Vary", "Accept")
	req, problem := parseRequest(r)
	if problem != nil {
		problem.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodHead {
		req.writeHeader(w)
		return
	}
	addr := clientAddr(r)
	if !h.enter(addr) {
		h.refuse(w, r, req, "There are as many subscribers and pages for your address as limits.subscribers_per_ip allows.")
		return
	}
	defer h.exit(addr)
	if req.page {
		h.servePage(w, r, req)
	} else {
		h.serveStream(w, r, req)
	}
}

// writeHeader sets the headers of an answer that is not a problem.
func (req *request) writeHeader(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", req.contentType())
	header.Set("X-Content-Type-Options", "nosniff")
	if req.page {
		header.Set("Cache-Control", "no-store")
		return
	}
	// no-transform keeps proxies from compressing, and so from buffering;
	// X-Accel-Buffering does the same for nginx.
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
}

func (h *Hub) serveStream(w http.ResponseWriter, r *http.Request, req *request) {
	ctx := r.Context()
	response := http.NewResponseController(w)
	more := make(chan struct{}, 1)
	wake := func() {
		select {
		case more <- struct{}{}:
		default:
		}
	}
	// The past as a deadline ends a write that is blocked. No deadline is set
	// for writes that are not.
	abort := func() { response.SetWriteDeadline(time.Unix(1, 0)) }
	s, err := h.Subscribe(ctx, req.want, wake, abort)
	if err != nil {
		h.refuseSubscription(w, r, req, err)
		return
	}
	defer s.Close()

	// A server's timeouts are meant for answers that end.
	response.SetWriteDeadline(time.Time{})
	response.SetReadDeadline(time.Time{})
	req.writeHeader(w)
	if r.ProtoMajor == 1 {
		// No chunks: HAProxy holds a chunk back for up to 0.2 s in case more
		// follows. net/http takes the header off again and closes the
		// connection at the end, by which the client knows the end.
		w.Header().Set("Transfer-Encoding", "identity")
	}
	w.WriteHeader(http.StatusOK)
	for {
		p, err := s.Next(ctx)
		switch {
		case err != nil:
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				h.opts.Logger.Error("subscriber closed: can't read the log", "error", err)
			}
			return
		case p == nil:
			select {
			case <-more:
				continue
			case <-ctx.Done():
				return
			}
		}
		if _, err := w.Write(p); err != nil {
			return
		}
		if err := response.Flush(); err != nil {
			return
		}
	}
}

// refuseSubscription answers a request that Subscribe has refused.
func (h *Hub) refuseSubscription(w http.ResponseWriter, r *http.Request, req *request, err error) {
	switch {
	case errors.Is(err, ErrSubscription):
		NewProblem(http.StatusBadRequest, detail(err)).ServeHTTP(w, r)
	case errors.Is(err, ErrOverload):
		h.refuse(w, r, req, detail(err))
	case r.Context().Err() != nil:
	default:
		h.opts.Logger.Error("subscriber refused: can't read the log", "error", err)
		h.refuse(w, r, req, "The log can't be read now.")
	}
}

// refuse tells a client to come back later. A browser's EventSource gives up
// for good on any status but 200, so it is told in the stream.
func (h *Hub) refuse(w http.ResponseWriter, r *http.Request, req *request, why string) {
	retry := h.retryAfter(byeOverload)
	if req.eventSource {
		req.writeHeader(w)
		w.Write(appendBye(nil, req.want.Encoding, byeOverload, retry))
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(retry.Seconds())))
	NewProblem(http.StatusServiceUnavailable, why).ServeHTTP(w, r)
}

// detail is the text of an error without the name of its package.
func detail(err error) string {
	return strings.TrimPrefix(err.Error(), "streamgauge: ")
}

// clientAddr returns the address that counts against the limit per address, or
// "" where there is none: loopback is a proxy or the machine's owner.
func clientAddr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Unmap().IsLoopback() {
		return ""
	}
	return addr.Unmap().WithZone("").String()
}

// enter counts a request of an address, which exit forgets, and reports whether
// there may be another.
func (h *Hub) enter(addr string) bool {
	if addr == "" {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[addr] >= h.opts.Limits.SubscribersPerIP {
		return false
	}
	h.clients[addr]++
	return true
}

func (h *Hub) exit(addr string) {
	if addr == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[addr]--; h.clients[addr] <= 0 {
		delete(h.clients, addr)
	}
}

// maxAnswerScan bounds how many stored events one page's filter looks at.
const maxAnswerScan = 100_000

// maxAnswerBytes bounds the data of one page, save for a single event.
const maxAnswerBytes = 8 << 20

// servePage answers with one page of what is stored.
func (h *Hub) servePage(w http.ResponseWriter, r *http.Request, req *request) {
	page := h.page
	if req.want.viewsOnly() {
		page = h.viewPage
	}
	body, err := page(r.Context(), req)
	if err != nil {
		h.refuseSubscription(w, r, req, err)
		return
	}
	req.writeHeader(w)
	w.Write(body)
}

func (h *Hub) page(ctx context.Context, req *request) ([]byte, error) {
	want := req.want
	filter, err := h.compile(&want)
	if err != nil {
		return nil, err
	}
	begin, bad, err := h.start(ctx, &want, filter)
	if err != nil {
		return nil, err
	}
	body := []byte(`{"events":[`)
	var gaps []Gap
	if bad != nil {
		gaps = append(gaps, *bad)
	}
	told := begin.told
	at, events, scanned, more := begin.position, 0, 0, true
	for more && events < req.limit && scanned < maxAnswerScan && len(body) < maxAnswerBytes {
		limit := min(req.limit-events, scanEvents)
		if filter != nil {
			limit = scanEvents
		}
		page, err := h.read(ctx, Query{Select: want.Select, After: at, Limit: limit, Bytes: maxAnswerBytes - len(body), Told: told})
		if err != nil {
			return nil, err
		}
		for _, g := range page.Gaps {
			if told == nil {
				told = make(map[string]uint64)
			}
			told[g.Stream] = max(told[g.Stream], g.Through)
			if g, ok := h.gap(g, &want); ok {
				gaps = append(gaps, g)
			}
		}
		var stale []bool
		if want.Delivery == DeliverLatest {
			stale = h.superseded(page.Events, want.Delivery, filter)
		}
		for i := range page.Events {
			e := &page.Events[i]
			if stale != nil && stale[i] || filter != nil && !filter.Match(e) {
				continue
			}
			if events++; events > 1 {
				body = append(body, ',')
			}
			body = appendEnvelope(append(body, '\n'), e, filter)
			if events == req.limit && i < len(page.Events)-1 {
				page.Next = e.ID // the rest is for the next page
				break
			}
		}
		scanned += len(page.Events)
		at, more = page.Next, page.Next != page.Head
	}
	body = append(body, "\n],\"cursor\":\""...)
	body = at.append(body)
	body = append(body, "\",\"more\":"...)
	body = strconv.AppendBool(body, more)
	body = append(body, ",\"gaps\":["...)
	for i := range gaps {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(append(body, '{'), gapMembers(&gaps[i])...), '}')
	}
	return append(body, "]}\n"...), nil
}
