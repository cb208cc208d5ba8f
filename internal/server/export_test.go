package server

// Routes returns "METHOD path" of everything that the API can do.
func Routes() (out []string) {
	for _, r := range (&api{publish: &publisher{}}).routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}
