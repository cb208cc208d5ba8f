package server

import (
	"net/http"
	"sync"

	"github.com/streamgauge/streamgauge/internal/config"
)

// room bounds what bodies take together, from when they arrive until they are
// stored: a few kilobytes unpack to megabytes, for which the rest can be awaited as
// long as limits.body_timeout allows. One publisher has half of it at most.
type room struct {
	all, each int64

	mu    sync.Mutex // protects following
	taken int64
	by    map[string]int64 // taken, by publisher
}

func newRoom(l config.Limits) *room {
	// What one request may have fits in any case.
	return &room{all: max(l.PublishingBytes, l.RequestBytes+1), each: max(l.PublishingBytes/2, l.RequestBytes+1), by: map[string]int64{}}
}

// place is what one request has of the room.
type place struct {
	room      *room
	publisher string
	size      int64
}

// hold makes the place as large as a body, or reports that there is no room. A small
// body needs none, so that there is always room for those.
func (p *place) hold(r *http.Request, body int) bool {
	size := int64(body)
	if size <= smallBody+1 || size <= p.size {
		return true
	}
	if p.size == 0 {
		p.publisher = publisherKey(r)
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	more := size - p.size
	if p.room.taken+more > p.room.all || p.publisher != "" && p.room.by[p.publisher]+more > p.room.each {
		return false
	}
	p.size = size
	p.room.taken += more
	p.room.by[p.publisher] += more
	return true
}

// leave gives the place back.
func (p *place) leave() {
	if p.size == 0 {
		return
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.room.taken -= p.size
	if p.room.by[p.publisher] -= p.size; p.room.by[p.publisher] == 0 {
		delete(p.room.by, p.publisher)
	}
	p.size = 0
}
