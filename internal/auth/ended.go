package auth

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/streamgauge/streamgauge"
)

// sessions are some of one person, by ID, that were ended, each with when it would have.
type sessions map[string]time.Time

// maxEnded is how many are known of one person. Whoever ends more makes their own oldest ones
// valid again, and nobody else's.
const maxEnded = 30

// and returns both, as far as they still matter.
func (s sessions) and(more sessions) sessions {
	all := sessions{}
	maps.Copy(all, s)
	maps.Copy(all, more)
	now := time.Now()
	maps.DeleteFunc(all, func(_ string, until time.Time) bool { return now.After(until) })
	for len(all) > maxEnded {
		first := ""
		for id, until := range all {
			if first == "" || until.Before(all[first]) {
				first = id
			}
		}
		delete(all, first)
	}
	return all
}

// end ends a session, which would otherwise go on until then. It has not ended unless the log
// has taken that.
func (s *store) end(ctx context.Context, whose, id string, until time.Time) error {
	s.ending.Lock() // each is written down with those before
	defer s.ending.Unlock()
	if _, err := s.poll(ctx); err != nil { // what others have ended of theirs goes with it
		return err
	}
	s.mu.RLock()
	all := s.ended[whose].and(sessions{id: until.UTC()})
	s.mu.RUnlock()
	data, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if _, err := s.append(ctx, streamgauge.Event{Stream: EndedStream, Type: typeEnd, Key: whose, Data: data}, ""); err != nil {
		return err
	}
	s.noteEnded(whose, all)
	return nil
}

// noteEnded remembers that sessions of a person were ended.
func (s *store) noteEnded(whose string, more sessions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all := s.ended[whose].and(more); len(all) > 0 {
		s.ended[whose] = all
	} else {
		delete(s.ended, whose)
	}
}

// hasEnded reports whether a session was ended.
func (s *store) hasEnded(whose, id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, yes := s.ended[whose][id]
	return yes
}
