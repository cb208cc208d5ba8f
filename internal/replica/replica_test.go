package replica_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

// source can't be read until a point in time.
type source struct{ until time.Time }

func (s source) CatchUp(context.Context) error {
	if time.Now().Before(s.until) {
		return errors.New("nobody answers")
	}
	return nil
}

func (s source) Fetch(context.Context, []replica.Place) (map[uint64]streamgauge.Event, error) {
	return nil, s.CatchUp(context.Background())
}

// Who follows would end the whole program with it.
func TestATailOutlivesALogThatCantBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(source{time.Now().Add(time.Minute)}, streamgauge.Rules{}, time.Now, slog.New(slog.DiscardHandler))
		nothing := func(*replica.Index) {}
		r.Replace(1, nothing)
		ended := make(chan error, 1)
		go func() {
			ended <- r.Tail(t.Context(), streamgauge.Position{Epoch: 1}, func([]streamgauge.Event) error { return nil })
		}()
		synctest.Wait()
		r.Replace(2, nothing) // whether that is all there is the log has to say
		began := time.Now()
		if err := <-ended; !errors.Is(err, streamgauge.ErrEpoch) || time.Since(began) < time.Minute {
			t.Errorf("the tail has ended with %v after %v, want ErrEpoch after a minute", err, time.Since(began))
		}
	})
}
