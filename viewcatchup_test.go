package streamgauge

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crowdedLog counts how many read it at once.
type crowdedLog struct {
	Log
	reading, most atomic.Int64
}

func (l *crowdedLog) Read(ctx context.Context, q Query) (Page, error) {
	n := l.reading.Add(1)
	defer l.reading.Add(-1)
	for most := l.most.Load(); n > most && !l.most.CompareAndSwap(most, n); most = l.most.Load() {
	}
	runtime.Gosched()
	return l.Log.Read(ctx, q)
}

// A page may ask for many views at once that nobody has watched before. If all of
// them read the log at the same time, nobody else would get anything done.
func TestManyNewViewsReadAFewAtATime(t *testing.T) {
	const events, views, bound = 20_000, 64, 3
	log := &crowdedLog{Log: NewMemoryLog(keepMuch)}
	at := time.Now()
	for i := 0; i < events; {
		batch := make([]Event, 1000)
		for j := range batch {
			batch[j] = Event{Stream: "s", Time: at, Data: fmt.Appendf(nil, `"%06d"`, i)}
			i++
		}
		if _, err := log.Append(t.Context(), Batch{Events: batch}); err != nil {
			t.Fatal(err)
		}
	}
	hub := instance(t, log)
	if got, want := cap(hub.views.catching), max(1, runtime.GOMAXPROCS(0)/2); got != want {
		t.Errorf("%d may read at once, want %d", got, want)
	}
	hub.views.catching = make(chan struct{}, bound)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	defer running.Wait()
	defer cancel()
	var viewers sync.WaitGroup
	var have sync.WaitGroup
	have.Add(views)
	leave := make(chan struct{})
	for i := range views {
		viewers.Go(func() {
			more := make(chan struct{}, 1)
			s := liveSubscriber(t, hub, Subscription{Views: []string{fmt.Sprintf(`count(s) every 24h where "%06d"`, i*100)}}, more)
			defer s.Close()
			awaitBlock(t, s, more) // hub.hello
			row := awaitBlock(t, s, more)
			if want := fmt.Sprintf(`"data":{"count":%d}}`, events-i*100); !strings.Contains(row, want) {
				t.Errorf("view %d: got %s, want %s", i, row, want)
			}
			have.Done()
			<-leave
		})
	}
	have.Wait()
	most := log.most.Load()
	close(leave) // then folds look whether there is more
	viewers.Wait()
	if most > bound || most == 0 {
		t.Errorf("%d read at once, at most %d may", most, bound)
	}
}

// gatedLog lets nobody read slow streams before the gate is open, and knows who
// has begun to.
type gatedLog struct {
	Log
	gate chan struct{}

	mu    sync.Mutex
	begun []string
}

func (l *gatedLog) Read(ctx context.Context, q Query) (Page, error) {
	if stream := string(q.Select[0]); strings.HasPrefix(stream, "slow") {
		l.mu.Lock()
		if !slices.Contains(l.begun, stream) {
			l.begun = append(l.begun, stream)
		}
		l.mu.Unlock()
		select {
		case <-l.gate:
		case <-ctx.Done():
			return Page{}, context.Cause(ctx)
		}
	}
	return l.Log.Read(ctx, q)
}

func TestViewsCatchUpInTurnAndLiveOnesDontWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &gatedLog{Log: NewMemoryLog(keepMuch), gate: make(chan struct{})}
		hub := instance(t, log)
		hub.views.catching = make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		go hub.Run(ctx)
		rows := make(map[string]int)
		var mu sync.Mutex
		watch := func(stream string) *Subscriber {
			s, err := hub.Subscribe(ctx, Subscription{Views: []string{"count(" + stream + ")"}}, func() {
				mu.Lock()
				defer mu.Unlock()
				rows[stream]++
			}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if stream != "slow.b" {
					s.Close()
				}
			})
			for p := []byte("?"); p != nil; {
				if p, err = s.Next(ctx); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait() // it has a place in the queue
			return s
		}
		woken := func(stream string) int {
			<-time.After(time.Second)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			n := rows[stream]
			rows[stream] = 0
			return n
		}
		live := watch("live")
		woken("live")
		live.Next(ctx)
		watch("slow.a")
		gone := watch("slow.b")
		watch("slow.c")
		watch("slow.d")
		for i := range 3 {
			if _, err := hub.Publish(ctx, Event{Stream: "live", Data: []byte("1")}); err != nil {
				t.Fatal(err)
			}
			if woken("live") == 0 {
				t.Fatalf("event %d: a view that had caught up waits for those that catch up", i)
			}
			for p, err := live.Next(ctx); p != nil; p, err = live.Next(ctx) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		gone.Close()
		synctest.Wait()
		if n := hub.Stats().Views; n != 4 || hub.views.folds["count(slow.b) every 10s"] != nil {
			t.Errorf("there are %d views, want 4: who waited and is gone has left something", n)
		}
		if !slices.Equal(log.begun, []string{"slow.a"}) {
			t.Errorf("%v read at once", log.begun)
		}
		close(log.gate)
		synctest.Wait()
		if !slices.Equal(log.begun, []string{"slow.a", "slow.c", "slow.d"}) {
			t.Errorf("they came in the order %v", log.begun)
		}
		if n := len(hub.views.catching); n != 0 {
			t.Errorf("%d are said to catch up", n)
		}
	})
}

func TestAViewThatNobodyWatchesStopsCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := NewMemoryLog(keepMuch)
		fillWithRequests(t, log, 10*scanEvents)
		hub := instance(t, slowLog{log})
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		go hub.Run(ctx)
		s, err := hub.Subscribe(ctx, Subscription{Views: []string{"count(s)"}}, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(25 * time.Second) // two reads of ten seconds each
		s.Close()
		<-time.After(foldLinger - time.Second)
		if n := hub.Stats().Views; n != 1 {
			t.Errorf("there are %d views while somebody could come back", n)
		}
		<-time.After(12 * time.Second)
		synctest.Wait()
		if n := hub.Stats().Views; n != 0 || len(hub.views.catching) != 0 || len(hub.views.idle) != 0 {
			t.Errorf("%d views, %d catch up, %d wait", n, len(hub.views.catching), len(hub.views.idle))
		}
	})
}

// failingLog fails the first reads.
type failingLog struct {
	Log
	fails atomic.Int64
}

func (l *failingLog) Read(ctx context.Context, q Query) (Page, error) {
	if l.fails.Add(-1) >= 0 {
		return Page{}, errors.New("the disk is busy")
	}
	return l.Log.Read(ctx, q)
}

// Nothing need be published for a view to try again.
func TestAViewTriesAgainWhenTheLogCouldNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &failingLog{Log: NewMemoryLog(keepMuch)}
		log.fails.Store(2)
		fillWithRequests(t, log, 10)
		hub := instance(t, log)
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		go hub.Run(ctx)
		s, err := hub.Subscribe(ctx, Subscription{Views: []string{"count(s) every 1h"}}, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		<-time.After(2*foldRetry + flushPause)
		synctest.Wait()
		if n := hub.Stats().ViewRows; n != 1 {
			t.Errorf("there are %d rows, want 1", n)
		}
	})
}
