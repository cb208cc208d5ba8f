package streamgauge_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
)

// replaceable is a log that is replaced by an empty one while it is open, as one that
// others share may be.
type replaceable struct {
	mu  sync.Mutex
	log *streamgauge.MemoryLog
}

func (l *replaceable) now() *streamgauge.MemoryLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log
}

func (l *replaceable) replace() {
	l.mu.Lock()
	old := l.log
	l.log = streamgauge.NewMemoryLog(streamgauge.DefaultRules())
	l.mu.Unlock()
	old.Close()
}

func (l *replaceable) Append(ctx context.Context, b streamgauge.Batch) (streamgauge.Receipt, error) {
	return l.now().Append(ctx, b)
}

func (l *replaceable) Head(ctx context.Context) (streamgauge.Position, error) {
	return l.now().Head(ctx)
}

func (l *replaceable) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	return l.now().Read(ctx, q)
}

func (l *replaceable) Tail(ctx context.Context, after streamgauge.Position, deliver func([]streamgauge.Event) error) error {
	log := l.now()
	err := log.Tail(ctx, after, deliver)
	if errors.Is(err, streamgauge.ErrClosed) && log != l.now() {
		return streamgauge.ErrEpoch
	}
	return err
}

func (l *replaceable) Streams(ctx context.Context) ([]streamgauge.StreamInfo, error) {
	return l.now().Streams(ctx)
}

func (l *replaceable) Forget(ctx context.Context, stream string) error {
	return l.now().Forget(ctx, stream)
}

func (l *replaceable) Close() error { return l.now().Close() }

func TestWhenTheLogIsReplacedEverybodyIsTold(t *testing.T) {
	log := &replaceable{log: streamgauge.NewMemoryLog(streamgauge.DefaultRules())}
	bubble(t, &streamgauge.Options{Log: log}, func(s *simulation) {
		for range 5 {
			s.publish("x", `{"n":1}`)
		}
		wants := map[string]streamgauge.Subscription{
			"a stream":       {Select: streamgauge.Selection{"x"}},
			"a slow one":     {Select: streamgauge.Selection{"x"}, Rate: 1},
			"a view":         {Views: []string{"sum(x /n) every 1s"}},
			"a view, stream": {Select: streamgauge.Selection{"x"}, Views: []string{"sum(x /n) every 1s"}},
		}
		viewers := make(map[string]*viewer)
		for name, want := range wants {
			viewers[name] = s.subscribe(want)
		}
		s.pass(2 * time.Second)
		for _, v := range viewers {
			v.events()
			v.woken.Store(0)
		}
		log.replace()
		synctest.Wait()
		for name, v := range viewers {
			if v.woken.Load() == 0 {
				t.Errorf("%s: nobody was woken", name)
			}
			p, err := v.Next(s.Context())
			for err == nil && !strings.Contains(string(p), "hub.bye") {
				p, err = v.Next(s.Context())
			}
			if err != nil || !strings.Contains(string(p), `"reason":"epoch"`) {
				t.Errorf("%s: got %q, %v, want a goodbye", name, p, err)
			}
			if _, err := v.Next(s.Context()); err != io.EOF {
				t.Errorf("%s: got %v after the goodbye", name, err)
			}
			cursor := v.Position()
			v.Close()
			want := wants[name]
			want.Cursor = cursor.String()
			again := s.subscribe(want)
			first, err := again.Next(s.Context())
			if err != nil || !strings.Contains(string(first), "hub.gap") || !strings.Contains(string(first), `"reason":"epoch"`) {
				t.Errorf("%s: coming back it got %q, %v, want a gap", name, first, err)
			}
			viewers[name] = again
		}
		if err := s.hub.Ready(s.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		s.publish("x", `{"n":7}`)
		s.pass(3 * time.Second)
		for name, v := range viewers {
			var got strings.Builder
			for {
				p, err := v.Next(s.Context())
				if err != nil || p == nil {
					break
				}
				got.Write(p)
			}
			if !strings.Contains(got.String(), "7") {
				t.Errorf("%s: got %q of the new log", name, got.String())
			}
			v.Close()
		}
		if stats := s.hub.Stats(); stats.Feeds != 0 || stats.Subscribers != 0 {
			t.Errorf("%d feeds and %d subscribers are left", stats.Feeds, stats.Subscribers)
		}
	})
}
