// Package web is the page that shows what a hub has. The front end is built by
// Vite into dist, which is committed, so that building the server needs no Node.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// policy lets the page load nothing but its own files and talk to nobody but its
// own server. It has no inline script or style.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'self'"

// file is one file of the page as it goes over the wire.
type file struct {
	contentType string
	plain, gzip content
}

// content is one encoding of a file. The tag is strong, so it differs by encoding.
type content struct {
	bytes []byte
	etag  string
}

// Handler serves the page: its files by their names, index.html at "/", and
// index.html too where a browser navigates to any other name, so that such a name
// can be a view of the page. It answers GET and HEAD only. All files are
// compressed once, here; they are revalidated by each use, as their names never
// change. To mount it elsewhere than on "/", strip the prefix; the page finds the
// API beside itself.
//
// Pages of the frame ancestors, which are origins, may show it in a frame, as its own may.
//
// The handler is for use by any number of goroutines.
func Handler(frameAncestors ...string) http.Handler {
	policy := strings.Join(append([]string{policy}, frameAncestors...), " ")
	files, err := load(dist)
	if err != nil {
		panic("web: embedded files: " + err.Error()) // the binary itself is broken
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "The page can only be read: use GET or HEAD.", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" || files[name] == nil && isView(r, name) {
			name = "index.html"
		}
		f := files[name]
		if f == nil {
			http.Error(w, fmt.Sprintf("There is nothing at %q. The page is at the root.", r.URL.Path), http.StatusNotFound)
			return
		}
		f.serve(w, r, policy)
	})
}

// isView reports whether the request is a browser's navigation to a view of the
// page. Views are one level deep, for index.html names its files relative to
// itself.
func isView(r *http.Request, name string) bool {
	return !strings.Contains(name, "/") && path.Ext(name) == "" &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, policy string) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")

	c := &f.plain
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		c = &f.gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", c.etag)
	if names(r.Header.Get("If-None-Match"), c.etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(c.bytes)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(c.bytes) // who left early needs no answer
	}
}

// acceptsGzip reports whether an Accept-Encoding header names gzip and does not
// refuse it.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, parameter, _ := strings.Cut(part, ";")
		if strings.TrimSpace(coding) != "gzip" {
			continue
		}
		q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !ok || err == nil && weight > 0
	}
	return false
}

// names reports whether an If-None-Match header names the tag.
func names(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/") // as proxies weaken it
		if part == etag || part == "*" {
			return true
		}
	}
	return false
}

// load reads and compresses every file of the build.
func load(fsys fs.FS) (map[string]*file, error) {
	root, err := fs.Sub(fsys, "dist")
	if err != nil {
		return nil, err
	}
	files := map[string]*file{}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		files[name] = newFile(name, plain)
		return nil
	})
	if err == nil && files["index.html"] == nil {
		err = fmt.Errorf("index.html is missing")
	}
	return files, err
}

func newFile(name string, plain []byte) *file {
	var packed bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
	_, _ = zip.Write(plain)                                      // a buffer takes everything
	_ = zip.Close()
	sum := sha256.Sum256(plain)
	tag := hex.EncodeToString(sum[:16])
	return &file{
		contentType: contentType(name),
		plain:       content{plain, `"` + tag + `"`},
		gzip:        content{packed.Bytes(), `"` + tag + `-gzip"`},
	}
}

// contentType does not ask the system's tables first, which differ by machine.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}
