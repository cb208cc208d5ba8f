package streamgauge

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

const (
	maxAnswerScan  = 100_000   // stored events that one page's filter looks at
	maxAnswerBytes = 8 << 20   // of data in one page, save for a single event
	smallAnswer    = 64 << 10  // bytes for which there is always room
	answerStep     = 512 << 10 // bytes of a larger one that are read at a time
	allAnswers     = 64 << 20  // bytes that larger ones take together
)

// answers bounds what pages take together, from when they are read until they are sent: one
// client could have many, and take its time to receive them.
type answers struct {
	mu    sync.Mutex // protects following
	taken int
	by    map[client]int // taken, by those who are somebody
}

// answer is a page that is put together.
type answer struct {
	all  *answers
	who  client
	body []byte
	held int // bytes of the room for all
}

// hold makes room for a body of so many bytes. A client has half of the room at most.
func (a *answer) hold(size int) error {
	if size <= max(a.held, smallAnswer) {
		return nil
	}
	more := (size+answerStep-1)/answerStep*answerStep - a.held
	a.all.mu.Lock()
	defer a.all.mu.Unlock()
	if a.all.taken+more > allAnswers || a.who != (client{}) && a.all.by[a.who]+more > allAnswers/2 {
		return fmt.Errorf("%w: long pages are being read already that take as much memory as they may; ask for less with limit, or come back", ErrOverload)
	}
	a.held += more
	a.all.taken += more
	if a.who != (client{}) {
		a.all.by[a.who] += more
	}
	return nil
}

// free gives the room back.
func (a *answer) free() {
	if a.held == 0 {
		return
	}
	a.all.mu.Lock()
	defer a.all.mu.Unlock()
	a.all.taken -= a.held
	if a.all.by[a.who] -= a.held; a.all.by[a.who] <= 0 {
		delete(a.all.by, a.who)
	}
	a.held = 0
}

// servePage answers with one page of what is stored.
func (h *Hub) servePage(w http.ResponseWriter, r *http.Request, req *request) {
	page := h.page
	if req.want.viewsOnly() {
		page = h.viewPage
	}
	a := &answer{all: &h.answers, who: req.want.client}
	defer a.free()
	if err := page(r.Context(), req, a); err != nil {
		h.refuseSubscription(w, r, req, err)
		return
	}
	req.writeHeader(w)
	w.Write(a.body)
}

func (h *Hub) page(ctx context.Context, req *request, a *answer) error {
	want := req.want
	filter, err := h.compile(&want)
	if err != nil {
		return err
	}
	begin, bad, err := h.start(ctx, &want, filter)
	if err != nil {
		return err
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
		room := smallAnswer
		if at != begin.position {
			room = min(answerStep, maxAnswerBytes-len(body))
			if err := a.hold(len(body) + room); err != nil {
				return err
			}
		}
		page, err := h.read(ctx, want.client, Query{Select: want.Select, After: at, Limit: limit, Bytes: room, Told: told})
		if err != nil {
			return err
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
		if err := a.hold(len(body)); err != nil { // an event may be longer than what was asked for
			return err
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
	a.body = append(body, "]}\n"...)
	return nil
}
