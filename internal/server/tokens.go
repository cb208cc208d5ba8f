package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// answer writes JSON that nobody may keep.
func answer(w http.ResponseWriter, status int, v any) {
	header := w.Header()
	header["Content-Type"] = jsonContentType
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // fails only if the client has gone
}

const maxJSONBody = 64 << 10

// readJSON reads a request's body strictly. If that fails it has answered, and returns false.
func (a *api) readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	fail := func(status int, format string, args ...any) bool {
		streamgauge.NewProblem(status, fmt.Sprintf(format, args...)).ServeHTTP(w, r)
		return false
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fail(http.StatusUnsupportedMediaType, "Send JSON, with Content-Type: application/json.")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.bodyTimeout)) // where there is none, nothing is slow
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSONBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	var tooLarge *http.MaxBytesError
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return fail(http.StatusRequestEntityTooLarge, "The body is longer than %d bytes.", maxJSONBody)
	case errors.As(err, &other) && other.Field == "":
		return fail(http.StatusBadRequest, "The body has to be an object, it is of type %s.", other.Value)
	case errors.As(err, &other):
		return fail(http.StatusBadRequest, "The body makes no sense: %s can't be of type %s.", other.Field, other.Value)
	case err != nil:
		return fail(http.StatusBadRequest, "The body makes no sense: %v.", err)
	}
	return true
}

// noAuth answers where there are no tokens, and reports whether it has.
func (a *api) noAuth(w http.ResponseWriter, r *http.Request) bool {
	if a.auth == nil {
		streamgauge.NewProblem(http.StatusConflict, "This server is open: nobody needs a token. auth.require: always changes that.").ServeHTTP(w, r)
	}
	return a.auth == nil
}

// listTokens serves GET /v1/tokens.
func (a *api) listTokens(w http.ResponseWriter, r *http.Request) {
	if !a.noAuth(w, r) {
		answer(w, http.StatusOK, struct {
			Tokens []auth.Token `json:"tokens"`
		}{a.auth.Tokens()})
	}
}

// createToken serves POST /v1/tokens.
func (a *api) createToken(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name      string   `json:"name"`
		Read      []string `json:"read"`
		Where     string   `json:"where"`
		Write     []string `json:"write"`
		Admin     bool     `json:"admin"`
		ExpiresIn string   `json:"expires_in"`
	}
	if a.noAuth(w, r) || !a.readJSON(w, r, &body) {
		return
	}
	want := auth.TokenRequest{Name: body.Name, Read: body.Read, Where: body.Where, Write: body.Write, Admin: body.Admin, By: callerOf(r).Name}
	var err error
	if want.Expires, err = expiry(body.ExpiresIn); err != nil {
		a.refuseToken(w, r, err)
		return
	}
	secret, made, err := a.auth.CreateToken(r.Context(), want)
	if err != nil {
		a.refuseToken(w, r, err)
		return
	}
	a.audit.did(r, "token", "created the token", made.ID+" ("+made.Name+")")
	answer(w, http.StatusCreated, struct {
		auth.Token
		Secret string `json:"token"`
	}{made, secret})
}

// revokeToken serves DELETE /v1/tokens/{id}.
func (a *api) revokeToken(w http.ResponseWriter, r *http.Request) {
	if a.noAuth(w, r) {
		return
	}
	revoked, err := a.auth.RevokeToken(r.Context(), r.PathValue("id"))
	if err != nil {
		a.refuseToken(w, r, err)
		return
	}
	a.audit.did(r, "token", "revoked the token", revoked.ID+" ("+revoked.Name+")")
	a.hub.Expel()
	w.WriteHeader(http.StatusNoContent)
}

// createTicket serves POST /v1/tickets.
func (a *api) createTicket(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Read   []string `json:"read"`
		Where  string   `json:"where"`
		Origin string   `json:"origin"`
	}
	if a.noAuth(w, r) || !a.readJSON(w, r, &body) {
		return
	}
	ticket, expires, err := a.auth.Ticket(r.Context(), callerOf(r), auth.TicketRequest{Read: body.Read, Where: body.Where, Origin: body.Origin})
	if err != nil {
		a.refuseToken(w, r, err)
		return
	}
	answer(w, http.StatusCreated, struct {
		Ticket  string    `json:"ticket"`
		Expires time.Time `json:"expires"`
	}{ticket, expires.UTC()})
}

// expiry reads a duration from now; none is never.
func expiry(in string) (at time.Time, err error) {
	if in == "" {
		return at, nil
	}
	d, err := time.ParseDuration(in)
	if err != nil || d <= 0 {
		return at, &auth.Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf("expires_in is %.40q, it must be a duration such as 720h.", in)}
	}
	return time.Now().Add(d), nil
}

// refuseToken answers what can't be made or revoked.
func (a *api) refuseToken(w http.ResponseWriter, r *http.Request, err error) {
	var refused *auth.Refusal
	switch {
	case errors.Is(err, auth.ErrNotFound):
		streamgauge.NewProblem(http.StatusNotFound, "There is none with this id; GET "+path.Dir(r.URL.Path)+" lists those that there are.").ServeHTTP(w, r)
	case errors.As(err, &refused):
		streamgauge.NewProblem(refused.Status, refused.Detail).ServeHTTP(w, r)
	default:
		a.logger.Error("a token can't be written down", "error", err)
		w.Header().Set("Retry-After", "5")
		streamgauge.NewProblem(http.StatusServiceUnavailable, "The log can't take it now; try again.").ServeHTTP(w, r)
	}
}
