package server

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
)

type streamList struct {
	Head      streamgauge.Position `json:"head"`
	Streams   []streamJSON         `json:"streams"`
	Instances []instanceJSON       `json:"instances,omitempty"`
}

type instanceJSON struct {
	Name        string  `json:"name"`
	Version     string  `json:"version"`
	Subscribers int     `json:"subscribers"`
	EventsOut   float64 `json:"events_out_per_second"`
}

type streamJSON struct {
	Name        string               `json:"name"`
	Events      int                  `json:"events"`
	Bytes       int64                `json:"bytes"`
	Rate        float64              `json:"rate"`
	First       streamgauge.Position `json:"first,omitzero"`
	Last        streamgauge.Position `json:"last,omitzero"`
	Time        time.Time            `json:"time,omitzero"`
	AgeMS       int64                `json:"age_ms"`
	Subscribers int                  `json:"subscribers"`
	Rule        ruleJSON             `json:"rule"`
	Partial     bool                 `json:"partial,omitempty"` // only some events may be seen: there are no figures
}

type ruleJSON struct {
	Match    streamgauge.Selector `json:"match"`
	Keep     keepJSON             `json:"keep"`
	Delivery streamgauge.Delivery `json:"delivery"`
	Format   streamgauge.Format   `json:"format"`
	Key      string               `json:"key,omitempty"`
}

type keepJSON struct {
	Events int    `json:"events"`
	Age    string `json:"age"`
	Bytes  int64  `json:"bytes"`
}

// listStreams serves GET /v1/streams.
func (a *api) listStreams(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r); err != nil {
		streamgauge.NewProblem(http.StatusBadRequest, err.Error()).ServeHTTP(w, r)
		return
	}
	// The head first: a stream that the list has not is after it.
	head, err := a.hub.Head(r.Context())
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	streams, err := a.hub.Streams(r.Context())
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	list := streamList{Head: head, Streams: make([]streamJSON, len(streams))}
	now := time.Now()
	for i, s := range streams {
		if s.Events == 0 { // no more than its name may be known
			list.Streams[i] = streamJSON{Name: s.Name, Partial: true, Rule: ruleOf(s.Rule)}
			continue
		}
		list.Streams[i] = streamJSON{
			Name: s.Name, Events: s.Events, Bytes: s.Bytes, Rate: math.Round(s.Rate*1000) / 1000,
			First: s.First, Last: s.Last, Time: s.Time.UTC(),
			AgeMS: max(now.Sub(s.Time).Milliseconds(), 0), Subscribers: s.Subscribers,
			Rule: ruleOf(s.Rule),
		}
	}
	if a.hub.Shared() && callerOf(r).Admin {
		for _, i := range a.hub.Instances() {
			list.Instances = append(list.Instances, instanceJSON{i.Name, i.Version, i.Stats.Subscribers, math.Round(i.EventsOut*10) / 10})
		}
	}
	header := w.Header()
	header["Content-Type"] = jsonContentType
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(list) // fails only if the client has gone
}

func ruleOf(r streamgauge.Rule) ruleJSON {
	return ruleJSON{
		Match: r.Match, Delivery: r.Delivery, Format: r.Format, Key: r.Key,
		Keep: keepJSON{r.Keep.Events, r.Keep.Age.String(), r.Keep.Bytes},
	}
}

// forgetStream serves DELETE /v1/streams/{stream}.
func (a *api) forgetStream(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("stream")
	if strings.HasPrefix(name, streamgauge.ReservedPrefix) {
		streamgauge.NewProblem(http.StatusForbidden, "Streams that begin with hub. are the server's own.").ServeHTTP(w, r)
		return
	}
	found, err := a.hub.Forget(r.Context(), name)
	switch {
	case errors.Is(err, streamgauge.ErrInvalid):
		streamgauge.NewProblem(http.StatusBadRequest, err.Error()).ServeHTTP(w, r)
	case err != nil:
		a.unavailable(w, r, err)
	case !found:
		streamgauge.NewProblem(http.StatusNotFound, "There is no such stream; GET /v1/streams lists those that there are.").ServeHTTP(w, r)
	default:
		a.audit.did(r, "stream", "forgot the stream", name)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (a *api) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the one who would read the answer has gone
	}
	a.logger.Warn("log can't be read", "error", err)
	w.Header().Set("Retry-After", "1")
	streamgauge.NewProblem(http.StatusServiceUnavailable, "The log can't be read now; try again.").ServeHTTP(w, r)
}
