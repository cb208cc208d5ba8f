package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/dashboard"
)

// DashboardsStream tells of dashboards that are new, other or gone; the key is
// the name.
const DashboardsStream = "hub.dashboards"

// dashboardSummary is a dashboard in the list.
type dashboardSummary struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Version     string           `json:"version"`
	Builtin     bool             `json:"builtin"`
	Writable    bool             `json:"writable"`
	Errors      dashboard.Errors `json:"errors"`
}

// dashboardJSON is a dashboard. Where its text is wrong, the dashboard is what
// the last good one said, or null.
type dashboardJSON struct {
	Name      string               `json:"name"`
	Version   string               `json:"version"`
	Builtin   bool                 `json:"builtin"`
	Writable  bool                 `json:"writable"`
	Dashboard *dashboard.Dashboard `json:"dashboard"`
	YAML      string               `json:"yaml"`
	Errors    dashboard.Errors     `json:"errors"`
	Diff      *string              `json:"diff,omitempty"` // of a change
}

// dashboardProblem is why a change was not made, with what it would have made.
type dashboardProblem struct {
	*streamgauge.Problem
	Errors dashboard.Errors `json:"errors,omitempty"`
	YAML   string           `json:"yaml,omitempty"`
	Diff   string           `json:"diff,omitempty"`
}

func errorsOf(e *dashboard.Entry) dashboard.Errors {
	if e.Errors == nil {
		return dashboard.Errors{} // "[]"
	}
	return e.Errors
}

func toJSON(e *dashboard.Entry) *dashboardJSON {
	return &dashboardJSON{
		Name: e.Name, Version: e.Version, Builtin: e.Builtin, Writable: e.Writable,
		Dashboard: e.Last, YAML: string(e.Text), Errors: errorsOf(e),
	}
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-cache") // ask with the ETag
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // fails only if the client has gone
}

// listDashboards serves GET /v1/dashboards.
func (a *api) listDashboards(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r); err != nil {
		a.refuseDashboard(w, r, nil, err)
		return
	}
	list := struct {
		Dashboards []dashboardSummary `json:"dashboards"`
	}{[]dashboardSummary{}}
	for _, e := range a.dashboards.List() {
		if !mayShow(r, e) {
			continue
		}
		one := dashboardSummary{e.Name, e.Title(), "", e.Version, e.Builtin, e.Writable, errorsOf(e)}
		if !callerOf(r).Admin {
			one.Writable, one.Errors = false, dashboard.Errors{}
		}
		if e.Last != nil {
			one.Description = e.Last.Description
		}
		list.Dashboards = append(list.Dashboards, one)
	}
	writeJSON(w, http.StatusOK, "application/json", list)
}

// getDashboard serves GET /v1/dashboards/{name}.
func (a *api) getDashboard(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r); err != nil {
		a.refuseDashboard(w, r, nil, err)
		return
	}
	e := a.dashboards.Get(r.PathValue("name"))
	switch {
	case (e == nil || !mayShow(r, e)) && !callerOf(r).Admin: // without the names of others
		streamgauge.NewProblem(http.StatusNotFound, "there is no such dashboard; GET /v1/dashboards lists those that there are").ServeHTTP(w, r)
		return
	case e == nil:
		a.refuseDashboard(w, r, nil, dashboard.ErrNotFound)
		return
	}
	d := toJSON(e)
	if !callerOf(r).Admin { // its comments are for those who may edit it, and so are its faults
		d.YAML, d.Writable, d.Errors = "", false, dashboard.Errors{}
	}
	a.answerDashboard(w, r, http.StatusOK, d)
}

// mayShow reports whether whoever asks may know of the dashboard: there has to be something
// that they may see of everything it shows, or its text would tell of what they may not.
func mayShow(r *http.Request, e *dashboard.Entry) bool {
	c := callerOf(r)
	if c.Admin {
		return true
	}
	if e.Last == nil || c.Share != "" && c.Share != e.Name {
		return false
	}
	for _, s := range e.Last.Streams() {
		if !c.Access.Overlaps(s) {
			return false
		}
	}
	return true
}

// answerDashboard answers with the dashboard and its version as the ETag.
func (a *api) answerDashboard(w http.ResponseWriter, r *http.Request, status int, d *dashboardJSON) {
	w.Header().Set("ETag", `"`+d.Version+`"`)
	// The version is of the text. What stands in for a wrong one may be another now.
	if r.Method == http.MethodGet && len(d.Errors) == 0 && slices.Contains(entityTags(r.Header.Values("If-None-Match")), d.Version) {
		w.Header().Set("Cache-Control", "no-cache")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeJSON(w, status, "application/json", d)
}

// entityTags returns the tags of an If-Match or If-None-Match without quotes.
func entityTags(values []string) (out []string) {
	for _, value := range values {
		for tag := range strings.SplitSeq(value, ",") {
			out = append(out, strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`))
		}
	}
	return out
}

// serveDashboardSchema serves GET /v1/dashboards/schema.json.
func serveDashboardSchema(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(dashboard.Schema())
}

// patchDashboard serves PATCH /v1/dashboards/{name}.
func (a *api) patchDashboard(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Accept-Patch", "application/json-patch+json")
	a.changeDashboard(w, r, []string{"application/json-patch+json"}, func(name string, body []byte, how dashboard.Save) (*dashboard.Edit, error) {
		ops, err := dashboard.ParseOps(body)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "%v", err)
		}
		return a.dashboards.Patch(name, ops, how)
	})
}

// putDashboard serves PUT /v1/dashboards/{name}.
func (a *api) putDashboard(w http.ResponseWriter, r *http.Request) {
	a.changeDashboard(w, r, []string{"application/yaml", "application/x-yaml", "text/yaml", "text/plain"}, a.dashboards.Put)
}

func (a *api) changeDashboard(w http.ResponseWriter, r *http.Request, media []string, change func(string, []byte, dashboard.Save) (*dashboard.Edit, error)) {
	how, err := saveOf(r)
	if err != nil {
		a.refuseDashboard(w, r, nil, err)
		return
	}
	body, err := a.readDashboard(w, r, media)
	if err != nil {
		a.refuseDashboard(w, r, nil, err)
		return
	}
	edit, err := change(r.PathValue("name"), body, how)
	if err != nil {
		a.refuseDashboard(w, r, edit, err)
		return
	}
	if !how.DryRun {
		a.audit.did(r, "dashboard", "saved the dashboard", r.PathValue("name"))
	}
	answer := toJSON(edit.Entry)
	answer.Diff = &edit.Diff
	status := http.StatusOK
	if how.Version == "" && !how.DryRun {
		status = http.StatusCreated
	}
	a.answerDashboard(w, r, status, answer)
}

// deleteDashboard serves DELETE /v1/dashboards/{name}.
func (a *api) deleteDashboard(w http.ResponseWriter, r *http.Request) {
	how, err := saveOf(r)
	var missing *refusal
	if errors.As(err, &missing) && missing.status == http.StatusPreconditionRequired {
		how, err = dashboard.Save{Version: "*"}, nil // whoever deletes means whatever it is
	}
	if err == nil && how.Version == "" {
		err = refuse(http.StatusBadRequest, "what is to be deleted exists: If-None-Match makes no sense here")
	}
	if err == nil {
		err = a.dashboards.Delete(r.PathValue("name"), how)
	}
	if err != nil {
		a.refuseDashboard(w, r, nil, err)
		return
	}
	if !how.DryRun {
		a.audit.did(r, "dashboard", "deleted the dashboard", r.PathValue("name"))
	}
	w.WriteHeader(http.StatusNoContent)
}

// saveOf returns what the request says about how to save.
func saveOf(r *http.Request) (how dashboard.Save, err error) {
	params, err := parseQuery(r, "dry_run")
	if err != nil {
		return how, err
	}
	switch text := params.Get("dry_run"); text {
	case "", "false":
	case "true":
		how.DryRun = true
	default:
		return how, refuse(http.StatusBadRequest, "the parameter dry_run is %q, it must be true or false", text)
	}
	match, none := entityTags(r.Header.Values("If-Match")), entityTags(r.Header.Values("If-None-Match"))
	switch {
	case len(match) == 1 && match[0] != "" && len(none) == 0:
		how.Version = match[0]
	case len(match) == 0 && slices.Equal(none, []string{"*"}): // it must not exist
	case len(match)+len(none) > 0:
		return how, refuse(http.StatusBadRequest, "send one If-Match with the version that was read, or If-None-Match: * to make a new dashboard")
	default:
		return how, refuse(http.StatusPreconditionRequired, "send If-Match with the version that was read (the ETag), so that nobody else's change is lost; or If-None-Match: * to make a new dashboard")
	}
	return how, nil
}

// readDashboard reads a body of one of the media types.
func (a *api) readDashboard(w http.ResponseWriter, r *http.Request, media []string) ([]byte, error) {
	got, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := strings.ToLower(params["charset"]); err != nil || !slices.Contains(media, got) || charset != "" && charset != "utf-8" {
		return nil, refuse(http.StatusUnsupportedMediaType, "the Content-Type is %q; send %s", r.Header.Get("Content-Type"), media[0])
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, dashboard.MaxBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes, which is more than a dashboard may have; nothing was changed", large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, "the body did not arrive in time (limits.body_timeout); nothing was changed")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body ended early: %v; nothing was changed", err)
	}
	return body, nil
}

// refuseDashboard answers with the problem that the error is. The edit, if there
// is one, is what would have been.
func (a *api) refuseDashboard(w http.ResponseWriter, r *http.Request, edit *dashboard.Edit, err error) {
	status, detail := a.explainDashboard(r.PathValue("name"), err)
	problem := dashboardProblem{Problem: streamgauge.NewProblem(status, detail)}
	problem.Instance = r.URL.Path
	if edit != nil {
		problem.YAML, problem.Diff = string(edit.Entry.Text), edit.Diff
		problem.Errors = edit.Entry.Errors
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, "application/problem+json", problem)
}

func (a *api) explainDashboard(name string, err error) (status int, detail string) {
	var (
		why   *refusal
		wrong dashboard.Errors
		patch *dashboard.PatchError
	)
	switch {
	case errors.As(err, &why):
		return why.status, why.detail
	case errors.As(err, &wrong):
		return http.StatusUnprocessableEntity, fmt.Sprintf("the dashboard would be wrong, so nothing was changed: %s%s", wrong[0].Error(), andMore(len(wrong)-1))
	case errors.As(err, &patch):
		return http.StatusConflict, fmt.Sprintf("the patch does not fit the dashboard, so nothing was changed: %v", patch)
	case errors.Is(err, dashboard.ErrNotFound):
		if near := a.dashboards.Nearest(name); near != "" {
			return http.StatusNotFound, fmt.Sprintf("there is no dashboard %q (did you mean %s?); GET /v1/dashboards lists those that there are", name, near)
		}
		return http.StatusNotFound, "there is no such dashboard; GET /v1/dashboards lists those that there are"
	case errors.Is(err, dashboard.ErrName):
		return http.StatusBadRequest, "this can't be a dashboard's name: it has lower-case letters, digits and dashes, does not begin with a dash, and has at most 64 characters"
	case errors.Is(err, dashboard.ErrExists):
		return http.StatusPreconditionFailed, fmt.Sprintf("there is a dashboard %q already; choose another name, or send its version as If-Match to change it", name)
	case errors.Is(err, dashboard.ErrVersion):
		return http.StatusPreconditionFailed, "the dashboard was changed meanwhile, so nothing was changed now; GET it again and make the change to that"
	case errors.Is(err, dashboard.ErrBuiltin):
		return http.StatusConflict, "the dashboard is built in and has no file that could be deleted"
	case errors.Is(err, dashboard.ErrReadOnly):
		return http.StatusForbidden, "the folder of dashboards can't be written to; nothing was changed. Copy the text (yaml) or the change (diff) to where the file comes from"
	}
	a.logger.Error("dashboard can't be saved", "dashboard", name, "error", err)
	return http.StatusInternalServerError, "the server failed; nothing was changed, and what went wrong is in its log"
}

func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more, see errors)", n)
}

// announceDashboard returns what publishes changes of dashboards.
func announceDashboard(ctx context.Context, hub *streamgauge.Hub, logger *slog.Logger) func(dashboard.Change) {
	return func(c dashboard.Change) {
		if c.Entry == nil {
			hub.Expel() // whoever has a link to it
		}
		data := struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			Title   string `json:"title"`
			OK      bool   `json:"ok"`
			Deleted bool   `json:"deleted,omitempty"`
		}{Name: c.Name, Deleted: c.Entry == nil}
		if c.Entry != nil {
			data.Version, data.Title, data.OK = c.Entry.Version, c.Entry.Title(), c.Entry.Errors == nil
		}
		text, err := json.Marshal(data)
		if err == nil {
			_, err = hub.PublishOwn(ctx, streamgauge.Event{Stream: DashboardsStream, Key: c.Name, Data: text})
		}
		if err != nil && ctx.Err() == nil {
			logger.Warn("change of a dashboard can't be told", "dashboard", c.Name, "error", err)
		}
	}
}
