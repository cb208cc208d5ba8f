package dashboard

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the format of dashboards as JSON Schema 2020-12. It refuses
// nothing that [Parse] accepts; what a schema can't say, such as whether a view
// is one, only Parse knows.
func Schema() []byte { return slices.Clone(schema) }
