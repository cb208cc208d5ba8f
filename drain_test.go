package streamgauge_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Whoever takes over the subscribers of a hub that is drained gets them bit by bit.
func TestManySubscribersAreSentAwayOneAfterTheOther(t *testing.T) {
	const subscribers = 4000
	bubble(t, nil, func(s *simulation) {
		viewers := make([]*viewer, subscribers)
		for i := range viewers {
			viewers[i] = s.subscribe(streamgauge.Subscription{Select: streamgauge.Selection{"x"}})
			viewers[i].events()
			viewers[i].woken.Store(0)
		}
		ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.hub.Drain(ctx) }()
		most, gone := 0, 0
		for gone < subscribers {
			now := 0
			synctest.Wait()
			for i, v := range viewers {
				if v == nil || v.woken.Load() == 0 {
					continue
				}
				p, err := v.Next(s.Context())
				if err != nil || !strings.Contains(string(p), `"reason":"drain"`) {
					s.Fatalf("got %q, %v", p, err)
				}
				v.Close()
				viewers[i] = nil
				now++
			}
			gone += now
			most = max(most, now)
			if gone < subscribers {
				s.pass(50 * time.Millisecond)
			}
		}
		if err := <-done; err != nil {
			s.Errorf("Drain: %v", err)
		}
		took := time.Since(began)
		if took < 3*time.Second || took > 5*time.Second {
			s.Errorf("%d were sent away within %v, want a thousand a second", subscribers, took)
		}
		if most > 3*50 { // three times its share of a step
			s.Errorf("%d were sent away at once", most)
		}
	})
}

func TestFewSubscribersAreSentAwayAtOnce(t *testing.T) {
	bubble(t, nil, func(s *simulation) {
		v := s.subscribe(streamgauge.Subscription{Select: streamgauge.Selection{"x"}})
		v.events()
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.hub.Drain(s.Context()) }()
		synctest.Wait()
		if p, err := v.Next(s.Context()); err != nil || !strings.Contains(string(p), "hub.bye") {
			s.Errorf("got %q, %v", p, err)
		}
		v.Close()
		if err := <-done; err != nil || time.Since(began) != 0 {
			s.Errorf("Drain: %v after %v", err, time.Since(began))
		}
	})
}
