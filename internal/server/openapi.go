package server

import (
	_ "embed" // openapi.yaml
	"encoding/json"
	"net/http"
	"sync"

	yaml "go.yaml.in/yaml/v4"
)

//go:embed openapi.yaml
var openAPI []byte

var openAPIJSON = sync.OnceValues(func() ([]byte, error) {
	var description any
	if err := yaml.Unmarshal(openAPI, &description); err != nil {
		return nil, err
	}
	return json.Marshal(description)
})

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Write(openAPI)
}

func serveOpenAPIJSON(w http.ResponseWriter, r *http.Request) {
	text, err := openAPIJSON()
	if err != nil { // a test shows that it can't be
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header()["Content-Type"] = jsonContentType
	w.Write(text)
}
