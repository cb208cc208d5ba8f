package streamgauge

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
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
	if h.opts.Compression != CompressionNever && !req.page {
		w.Header().Add("Vary", "Accept-Encoding")
	}
	if r.Method == http.MethodHead {
		req.writeHeader(w)
		return
	}
	req.want.Access = AccessOf(r.Context())
	addr, token := client{addr: clientAddr(r)}, client{}
	req.want.client = addr
	if a := req.want.Access; a != nil && a.ID != "" {
		token.id = a.ID
		req.want.client = token
	}
	if !h.enter(addr, h.opts.Limits.SubscribersPerIP) {
		h.refuse(w, r, req, "There are as many subscribers and pages for your address as limits.subscribers_per_ip allows.")
		return
	}
	if !h.enter(token, h.opts.Limits.SubscribersPerToken) {
		h.exit(addr)
		h.refuse(w, r, req, "There are as many subscribers and pages with your token as limits.subscribers_per_token allows.")
		return
	}
	if !req.page {
		req.want.Coding = h.coding(r, &req.want)
	}
	left := func() { h.exit(token); h.exit(addr) }
	if !req.page {
		h.serveStream(w, r, req, left)
		return
	}
	defer left()
	h.servePage(w, r, req)
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

// refuseSubscription answers a request that Subscribe has refused.
func (h *Hub) refuseSubscription(w http.ResponseWriter, r *http.Request, req *request, err error) {
	switch {
	case errors.Is(err, ErrSubscription):
		NewProblem(http.StatusBadRequest, detail(err)).ServeHTTP(w, r)
	case errors.Is(err, ErrForbidden):
		NewProblem(http.StatusUnauthorized, detail(err)).ServeHTTP(w, r)
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
