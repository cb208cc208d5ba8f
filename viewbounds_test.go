package streamgauge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A view begins with all that the log has, which may be much more than it keeps.
func TestAViewHoldsNoMoreThanItKeepsWhileItReadsHistory(t *testing.T) {
	v, err := ParseView("p50(s) by key every 1s")
	if err != nil {
		t.Fatal(err)
	}
	tally := newTally(&v, nil)
	tally.mostRows = 100
	now := time.Now()
	e := Event{Stream: "s", Data: []byte("1"), ID: Position{1, 1}}
	for i := range 4000 {
		e.Key, e.Time, e.Appended = fmt.Sprint(i%50), now.Add(time.Duration(i/50)*time.Second), now.Add(time.Duration(i/50)*time.Second)
		tally.add(&e)
		if i%50 == 49 {
			tally.trim()
		}
	}
	held := make(map[*cell]bool)
	for _, panes := range [][]*pane{tally.dirty, slices.Collect(maps.Values(tally.panes))} {
		for _, p := range panes {
			for _, c := range p.cells {
				held[c] = true
			}
		}
	}
	if len(held) > 150 {
		t.Errorf("it holds %d cells to keep %d rows", len(held), tally.mostRows)
	}
	keys := tally.changed(e.Time)
	if len(keys) < 50 || len(keys) > 100 {
		t.Errorf("%d rows have changed", len(keys))
	}
	for _, key := range keys {
		if got := string(tally.sum(key).appendData(nil, &v)); got != `{"p50":1}` {
			t.Errorf("%v is %s", key, got)
		}
	}
}

// All views together have bounds too, or many of them would take all there is.
func TestManyViewsKeepLessEach(t *testing.T) {
	hub := instance(t, NewMemoryLog(nil))
	subscribe := func(from, to int) {
		for i := from; i < to; i++ {
			s, err := hub.Subscribe(t.Context(), Subscription{Views: []string{fmt.Sprintf("count(s) every %ds", i+1)}}, func() {}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
		}
	}
	subscribe(0, 8)
	if rows, buckets := hub.views.share(); rows != maxViewRows || hub.views.crowd() > 8 || buckets*8 > allViewBuckets {
		t.Errorf("each of a few has %d rows and %d buckets and pauses %d times longer", rows, buckets, hub.views.crowd())
	}
	few := hub.views.crowd()
	subscribe(8, 400)
	if rows, buckets := hub.views.share(); rows*400 > allViewRows || buckets*400 > allViewBuckets || rows <= maxViewGroups || hub.views.crowd() <= few {
		t.Errorf("each of many has %d rows and %d buckets and pauses %d times longer", rows, buckets, hub.views.crowd())
	}
	for _, f := range hub.views.folds {
		f.mustStep(t)
		if f.tally.mostRows > allViewRows/400 {
			t.Fatalf("a view may keep %d rows", f.tally.mostRows)
		}
	}
}

// A view that has been retired must go, also where nothing is published any more.
func TestARetiredViewIsForgottenWhereNothingMoves(t *testing.T) {
	hub := instance(t, NewMemoryLog(nil))
	s, err := hub.Subscribe(t.Context(), Subscription{Views: []string{"count(s)"}}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	f := hub.views.folds["count(s) every 10s"]
	hub.views.await(f)
	s.Close()
	if !hub.views.retire(f, time.Now().Add(foldLinger+time.Second)) {
		t.Fatal("it stays")
	}
	if n := len(hub.views.idle); n != 0 || hub.views.count.Load() != 0 {
		t.Errorf("%d are told when the head moves, and %d counted, of none", n, hub.views.count.Load())
	}
}

// What a view begins with may take long to compute. A server that ends does not
// wait for it.
func TestAViewThatBeginsEndsWithItsContext(t *testing.T) {
	log := NewMemoryLog(keepMuch)
	if _, err := log.Append(t.Context(), Batch{Events: []Event{{Stream: "s", Data: []byte("1")}}}); err != nil {
		t.Fatal(err)
	}
	f := foldOf(t, log, "count(s)")
	f.mustStep(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.tally.dirty = append(f.tally.dirty, f.tally.current)
	f.tally.current.dirty = append(f.tally.current.dirty, "")
	if err := f.flush(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// slowLog takes a while for each page.
type slowLog struct{ Log }

func (l slowLog) Read(ctx context.Context, q Query) (Page, error) {
	<-time.After(10 * time.Second)
	return l.Log.Read(ctx, q)
}

func TestAViewWhoseHistoryTookLongIsLiveSoonAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := NewMemoryLog(keepMuch)
		hub := instance(t, slowLog{log})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		defer func() { cancel(); <-ended }() // it waits for a read, and time passes only while it is waited for
		go func() {
			defer close(ended)
			hub.Run(ctx)
		}()
		synctest.Wait()
		s, err := hub.Subscribe(ctx, Subscription{Views: []string{"count(s)"}}, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		f := hub.views.folds["count(s) every 10s"]
		began := func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.ready
		}
		for !began() {
			<-time.After(time.Second)
			synctest.Wait()
		}
		if _, err := hub.Publish(ctx, Event{Stream: "s", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		<-time.After(foldPause + 11*time.Second) // a read takes ten of it
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.table.rows != 1 {
			t.Error("the row is not there yet")
		}
	})
}

// A page may be asked for of a view that has far more rows, and long names of
// streams for each: it takes no more memory than it has itself.
func TestAPageOfAViewTakesNoMoreThanItsOwnRows(t *testing.T) {
	log := NewMemoryLog(keepMuch)
	hub := instance(t, log)
	now := time.Now()
	events := make([]Event, 20_000)
	for i := range events {
		events[i] = Event{Stream: "s", Data: []byte("1"), Time: now.Add(-time.Duration(i/20) * time.Second), Key: fmt.Sprint(i % 20)}
	}
	if _, err := log.Append(t.Context(), Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
	text := "count(s) by key every" + strings.Repeat(" ", 4000) + "1s"
	watch := func() *viewCursor {
		cursors, err := hub.watch(&Subscription{Encoding: EncodeNDJSON, Last: 5000, views: []namedView{{label: text, View: mustView(t, text), reads: Selection{"s"}}}}, start{}, 0, func() {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { leaveViews(cursors) })
		return cursors[0]
	}
	c := watch()
	c.feed.fold.mustStep(t)
	lines, cut, err := c.newestLines(t.Context(), 30, &answer{all: &hub.answers}, nil)
	if rows := strings.Split(strings.TrimSpace(string(lines)), "\n"); err != nil || !cut || len(rows) != 30 || !strings.Contains(rows[29], `"key":"9"`) {
		t.Fatalf("got %d rows, more %v, error %v", len(rows), cut, err)
	}
	if size := cap(lines); size > 4<<20 {
		t.Errorf("it took %d bytes for 30 rows", size)
	}
	if _, _, err := watch().newestLines(t.Context(), 10_000, &answer{all: &hub.answers}, nil); !errors.Is(err, ErrSubscription) {
		t.Errorf("40 MB of rows: got %v", err)
	}
	few := watch()
	few.last = 1
	if lines, cut, err := few.newestLines(t.Context(), 20, &answer{all: &hub.answers}, nil); err != nil || cut || strings.Count(string(lines), "\n") != 20 {
		t.Errorf("what fits: %d bytes, more %v, error %v", len(lines), cut, err)
	}
}

func mustView(t *testing.T, text string) View {
	t.Helper()
	v, err := ParseView(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A condition may take long to compile; whoever opens or leaves another view must
// not wait for that.
func TestACompileThatBlocksStallsNoOtherView(t *testing.T) {
	var calls atomic.Int64
	gate := make(chan struct{})
	hub, err := New(&Options{CompileFilter: func(source string) (Filter, error) {
		if calls.Add(1) > 1 {
			<-gate
		}
		return minimum{source}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	watch := func(view string) chan error {
		done := make(chan error, 1)
		go func() {
			s, err := hub.Subscribe(context.Background(), Subscription{Views: []string{view}}, func() {}, func() {})
			if err == nil {
				t.Cleanup(s.Close)
			}
			done <- err
		}()
		return done
	}
	soon := func(view string, done chan error) {
		t.Helper()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", view, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s waits", view)
		}
	}
	watched := watch("count(s) where 1")
	for calls.Load() < 1 {
		runtime.Gosched()
	}
	first, second := watch("count(s) where 2"), watch("count(s) where 2")
	for calls.Load() < 3 {
		runtime.Gosched()
	}
	soon("a view of another condition", watched)
	soon("a view without one", watch("count(s)"))
	close(gate)
	soon("the first", first)
	soon("the second", second)
	if n := hub.Stats().Views; n != 3 {
		t.Errorf("there are %d views, want 3", n)
	}
}

func TestANamedViewThatIsNoneIsRefused(t *testing.T) {
	hub, err := New(&Options{NamedView: func(string) (View, bool) {
		return View{Functions: []string{"count"}, Select: "s"}, true // every is missing
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Subscribe(t.Context(), Subscription{Views: []string{"named"}}, func() {}, func() {}); !errors.Is(err, ErrSubscription) {
		t.Errorf("got %v", err)
	}
}
