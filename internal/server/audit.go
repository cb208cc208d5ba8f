package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// A deed is what the audit stream says: who did what to what, as a feed shows it.
type deed struct {
	Actor  string `json:"actor"`
	Verb   string `json:"verb"`
	Object string `json:"object,omitempty"`
	From   string `json:"from"`             // the address of the client, or of a proxy before it
	Detail string `json:"detail,omitempty"` // why it was refused
	Count  int    `json:"count,omitempty"`  // of the same within a second, if more than one
}

// audit writes down what administrators do, who comes and goes, and what is refused. What
// whoever likes can do is counted, and written down once a second.
type audit struct {
	hub    *streamgauge.Hub
	logger *slog.Logger

	mu      sync.Mutex // protects following
	counted map[countedKey]*deed
	more    int // refusals that were not counted by address
}

type countedKey struct{ kind, actor, verb, from string }

const (
	auditEvery = time.Second
	maxCounted = 50 // different ones of a second
)

func newAudit(hub *streamgauge.Hub, logger *slog.Logger) *audit {
	return &audit{hub: hub, logger: logger, counted: map[countedKey]*deed{}}
}

// did writes down that the request's caller did something. The kind is the event's type.
func (a *audit) did(r *http.Request, kind, verb, object string) {
	a.write(r.Context(), kind, deed{Actor: callerOf(r).Name, Verb: verb, Object: object, From: addressOf(r)})
}

// session counts that somebody comes or goes.
func (a *audit) session(r *http.Request, who, verb string) {
	a.count(countedKey{"sign-in", who, verb, addressOf(r)}, deed{Actor: who, Verb: verb})
}

// refuse counts what was refused.
func (a *audit) refuse(r *http.Request, who, verb, why string) {
	a.count(countedKey{"refused", "", verb, addressOf(r)}, deed{Actor: who, Verb: verb, Object: fmt.Sprintf("%s %.200s", r.Method, r.URL.Path), Detail: why})
}

func (a *audit) count(key countedKey, d deed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if same := a.counted[key]; same != nil {
		same.Count++
		return
	}
	if len(a.counted) >= maxCounted {
		a.more++
		return
	}
	d.From, d.Count = key.from, 1
	a.counted[key] = &d
}

// run writes down once a second what was counted, until the context ends.
func (a *audit) run(ctx context.Context) {
	ticker := time.NewTicker(auditEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			a.flush()
			return
		case <-ticker.C:
			a.flush()
		}
	}
}

func (a *audit) flush() {
	a.mu.Lock()
	if len(a.counted) == 0 {
		a.mu.Unlock()
		return
	}
	counted, more := a.counted, a.more
	a.counted, a.more = map[countedKey]*deed{}, 0
	a.mu.Unlock()
	for key, d := range counted {
		if d.Count == 1 {
			d.Count = 0
		}
		a.write(context.Background(), key.kind, *d)
	}
	if more > 0 {
		a.write(context.Background(), "refused", deed{Actor: "others", Verb: "were refused", Count: more})
	}
}

func (a *audit) write(ctx context.Context, kind string, d deed) {
	stream := auth.AuditStream
	if kind == "refused" {
		stream = auth.RefusedStream
	}
	text, err := json.Marshal(d)
	if err == nil {
		// Whoever goes away meanwhile has done it all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, err = a.hub.PublishOwn(streamgauge.WithAccess(ctx, nil), streamgauge.Event{Stream: stream, Type: kind, Data: text})
	}
	if err != nil {
		a.logger.Warn("what somebody did can't be written down in "+stream, "deed", fmt.Sprintf("%+v", d), "error", err)
	}
}

func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
