package streamgauge

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A request is what a subscriber has asked for.
type request struct {
	want        Subscription
	page        bool // one page of JSON
	limit       int  // events on the page, or rows of each view
	eventSource bool // it gives up for good on any status but 200
}

const (
	defaultLimit = 1000
	maxLimit     = 10_000
)

func (req *request) contentType() string {
	switch {
	case req.page:
		return "application/json"
	case req.want.Encoding == EncodeNDJSON:
		return "application/x-ndjson"
	}
	return "text/event-stream"
}

func parseRequest(r *http.Request) (*request, *Problem) {
	req := &request{limit: defaultLimit}
	stream := r.PathValue("stream")
	if !req.negotiate(r.Header.Values("Accept"), stream != "") {
		return nil, NewProblem(http.StatusNotAcceptable, "Events come as text/event-stream, application/x-ndjson or application/json; Accept names none of them.")
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, NewProblem(http.StatusBadRequest, fmt.Sprintf("The query can't be read: %v.", err))
	}
	if problem := req.selectFrom(params, stream); problem != nil {
		return nil, problem
	}
	for name, values := range params {
		if name == "stream" || name == "view" {
			continue
		}
		if len(values) > 1 {
			return nil, NewProblem(http.StatusBadRequest, fmt.Sprintf("the parameter %s is given %d times.", name, len(values)))
		}
		if err := req.setParameter(name, values[0]); err != nil {
			return nil, NewProblem(http.StatusBadRequest, err.Error())
		}
	}
	if cursor := r.Header.Get("Last-Event-ID"); cursor != "" {
		req.want.Cursor = cursor
	}
	switch {
	case req.want.viewsOnly() && req.want.Filter != "":
		return nil, NewProblem(http.StatusBadRequest, "The parameter filter is for streams; a view has its own condition at its end, after where.")
	case req.page && req.want.viewsOnly() && !params.Has("limit"):
		req.limit = maxLimit
	case req.page && !req.want.viewsOnly() && req.want.Last == 0 && req.want.Since.IsZero():
		req.want.Last = req.limit
	}
	return req, nil
}

// selectFrom takes over which streams and views are asked for. The path's stream
// is empty if it has none.
func (req *request) selectFrom(params url.Values, stream string) *Problem {
	bad := func(format string, args ...any) *Problem {
		return NewProblem(http.StatusBadRequest, fmt.Sprintf(format, args...))
	}
	streams := params["stream"]
	req.want.Views = params["view"]
	if stream != "" {
		if err := CheckStream(stream); err != nil {
			return bad("The path's %v. To select several streams use /v1/events?stream=….", err)
		}
		if len(streams)+len(req.want.Views) > 0 {
			return bad("The path names the stream already; the parameters stream and view are for /v1/events.")
		}
		streams = []string{stream}
	}
	switch {
	case len(streams) > maxSelectors:
		return bad("%d streams are selected, at most %d are allowed; a pattern such as logs.> selects many.", len(streams), maxSelectors)
	case len(streams) > 0 && len(req.want.Views) > 0 && req.page:
		return bad("A page has events or a view's rows, not both: ask for the streams and the views separately.")
	case len(streams) == 0 && len(req.want.Views) > 0:
		return nil
	case len(streams) == 0:
		return bad(`No stream is selected: say for example ?stream=host.cpu&stream=logs.%%3E ("logs.>").`)
	}
	all, err := req.selectStreams(streams)
	if err != nil {
		return bad("the parameter stream is wrong: %v.", err)
	}
	if _, patterns := all.split(); len(patterns) > maxPatterns {
		return bad("%d patterns are given, at most %d are allowed; name streams, or use a wider pattern", len(patterns), maxPatterns)
	}
	return nil
}

// selectStreams takes over selectors, with and without conditions, and returns
// all of them.
func (req *request) selectStreams(texts []string) (all Selection, err error) {
	var plain []string
	for _, text := range texts {
		selector, where, found := cutCondition(text)
		if !found {
			plain = append(plain, text)
			continue
		}
		one, err := ParseSelector(selector)
		if err != nil {
			return nil, err
		}
		c := Condition{Select: one, Where: where}
		if !slices.Contains(req.want.Conditions, c) {
			req.want.Conditions = append(req.want.Conditions, c)
		}
		all = append(all, one)
	}
	if len(plain) > 0 {
		if req.want.Select, err = NewSelection(plain...); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(req.want.Conditions, func(a, b Condition) int { return strings.Compare(a.String(), b.String()) })
	all = append(all, req.want.Select...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// maxSelectors bounds how many selectors one request may have, and maxPatterns
// how many of them may be patterns, which are compared with every stream.
const (
	maxSelectors = 1000
	maxPatterns  = 16
)

// negotiate picks text/event-stream if Accept names it, else the first of the
// other forms that it names, and text/event-stream where it leaves us the choice.
func (req *request) negotiate(accept []string, one bool) bool {
	encoding, chosen := EncodeEnvelope, false
	if one {
		encoding = EncodeBare
	}
	req.want.Encoding = encoding
	all := strings.Join(accept, ",")
	anything := strings.TrimSpace(all) == ""
	for part := range strings.SplitSeq(all, ",") {
		kind, _, err := mime.ParseMediaType(part)
		if err != nil && kind == "" {
			continue
		}
		switch {
		case kind == "text/event-stream":
			req.eventSource, req.page, req.want.Encoding = true, false, encoding
			return true
		case chosen:
		case kind == "application/x-ndjson", kind == "application/ndjson":
			req.want.Encoding, chosen = EncodeNDJSON, true
		case kind == "application/json":
			req.page, chosen = true, true
		case kind == "*/*", kind == "text/*":
			anything = true
		}
	}
	return chosen || anything
}

var parameters = []string{"stream", "view", "last-event-id", "since", "last", "delivery", "rate", "filter", "limit"}

// setParameter takes one parameter over.
func (req *request) setParameter(name, value string) (err error) {
	want := &req.want
	switch name {
	case "last-event-id":
		want.Cursor = value
	case "since":
		if want.Since, err = parseSince(value); err != nil {
			return err
		}
	case "last":
		if want.Last, err = strconv.Atoi(value); err != nil || want.Last < 1 {
			return fmt.Errorf("the parameter last is %q, it must be a number of events, 1 or more", value)
		}
	case "delivery":
		want.Delivery = Delivery(value)
		if want.Delivery != DeliverAll && want.Delivery != DeliverLatest {
			return fmt.Errorf(`the parameter delivery is %q, it must be "all" or "latest"`, value)
		}
	case "rate":
		want.Rate, err = strconv.ParseFloat(value, 64)
		if _, bad := interval(want.Rate); err != nil || bad != nil || want.Rate == 0 {
			return fmt.Errorf("the parameter rate is %q, it must be a number of flushes per second, %g or more", value, rateSteps[len(rateSteps)-1])
		}
	case "filter":
		want.Filter = strings.TrimSpace(value)
	case "limit":
		req.limit, err = strconv.Atoi(value)
		switch {
		case !req.page:
			return fmt.Errorf("the parameter limit is for pages (Accept: application/json); a stream has no end; did you mean last=%s", value)
		case err != nil || req.limit < 1 || req.limit > maxLimit:
			return fmt.Errorf("the parameter limit is %q, it must be from 1 to %d", value, maxLimit)
		}
	default:
		return fmt.Errorf("there is no parameter %q; there are %s", name, strings.Join(slices.Sorted(slices.Values(parameters)), ", "))
	}
	return nil
}

// parseSince reads a duration before now or a time.
func parseSince(value string) (time.Time, error) {
	if d, err := time.ParseDuration(value); err == nil && d > 0 {
		return time.Now().Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
		if t.Before(minTime) {
			t = minTime // nothing is older, and the zero time would mean none
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("the parameter since is %q, it must be a duration such as 15m or a time such as 2006-01-02T15:04:05Z", value)
}
