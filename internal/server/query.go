package server

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// parseQuery returns the request's parameters, nil if there are none. One that
// isn't known, or comes twice, is refused: a misspelled parameter that does
// nothing is found much later.
func parseQuery(r *http.Request, known ...string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the query string can't be read: %v", err)
	}
	for name, values := range params {
		switch {
		case !slices.Contains(known, name):
			hint := ""
			if near := yamlfile.Nearest(name, known); near != "" {
				hint = " (did you mean " + near + "?)"
			}
			return nil, refuse(http.StatusBadRequest, "there is no parameter %q here%s", name, hint)
		case len(values) > 1:
			return nil, refuse(http.StatusBadRequest, "the parameter %s comes %d times", name, len(values))
		}
	}
	return params, nil
}
