package server

import (
	"fmt"
	"net/http"

	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// listShares serves GET /v1/shares.
func (a *api) listShares(w http.ResponseWriter, r *http.Request) {
	if !a.noAuth(w, r) {
		answer(w, http.StatusOK, struct {
			Shares []auth.Share `json:"shares"`
		}{a.auth.Shares()})
	}
}

// createShare serves POST /v1/shares: a link that shows one dashboard as it is now to whoever
// has it.
func (a *api) createShare(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name      string `json:"name"`
		Dashboard string `json:"dashboard"`
		Where     string `json:"where"`
		ExpiresIn string `json:"expires_in"`
	}
	if a.noAuth(w, r) || !a.readJSON(w, r, &body) {
		return
	}
	e := a.dashboards.Get(body.Dashboard)
	if e == nil || e.Last == nil {
		a.refuseDashboard(w, r, nil, fmt.Errorf("%w: %q", dashboard.ErrNotFound, body.Dashboard))
		return
	}
	expires, err := expiry(body.ExpiresIn)
	if err != nil {
		a.refuseToken(w, r, err)
		return
	}
	if body.Name == "" {
		body.Name = e.Title()
	}
	secret, made, err := a.auth.CreateShare(r.Context(), auth.ShareRequest{
		Name: body.Name, Dashboard: e.Name, Read: e.Last.Streams().Strings(), Where: body.Where,
		Expires: expires, By: callerOf(r).Name,
	})
	if err != nil {
		a.refuseToken(w, r, err)
		return
	}
	a.audit.did(r, "share", "shared the dashboard", e.Name+" as "+made.ID+" ("+made.Name+")")
	answer(w, http.StatusCreated, struct {
		auth.Share
		Secret string `json:"token"`
		Path   string `json:"path"`
	}{made, secret, "/" + e.Name + "#share=" + secret})
}

// revokeShare serves DELETE /v1/shares/{id}.
func (a *api) revokeShare(w http.ResponseWriter, r *http.Request) {
	if a.noAuth(w, r) {
		return
	}
	revoked, err := a.auth.RevokeShare(r.Context(), r.PathValue("id"))
	if err != nil {
		a.refuseToken(w, r, err)
		return
	}
	a.audit.did(r, "share", "revoked the share link", revoked.ID+" ("+revoked.Name+")")
	a.hub.Expel()
	w.WriteHeader(http.StatusNoContent)
}
