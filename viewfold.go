package streamgauge

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// A fold computes one view for everybody who watches it. It follows the log on a
// goroutine of its own: it reads from where its oldest window begins to the head,
// and then whenever the head has moved, so that history and live are one path.
// Each time, the rows that have changed get the table's next version.
type fold struct {
	views *views
	view  View
	reads Selection
	text  string // see [namedView]
	maker client // who was the first to watch it

	// Only its goroutine uses these.
	tally *tally
	at    Position          // read through
	reach int64             // what was appended before, in Unix milliseconds, is not read
	told  map[string]uint64 // see [Query.Told]
	retry bool              // the last step failed
	wakes []*viewCursor     // scratch, as the next two
	data  []byte
	rows  []foldedRow

	moved  chan struct{} // the head has, or someone has left; holds one
	awaits bool          // that the head moves; the views' mutex protects it

	mu    sync.Mutex // protects following
	table viewTable
	ready bool // the table has been computed
	feeds map[viewFeedKey]*viewFeed
	left  time.Time // when the last one left
}

// A foldedRow is what the tally says of a row, its data in a buffer.
type foldedRow struct {
	seq      uint64
	appended int64
	end      int // of its data
}

func newFold(vs *views, v namedView) *fold {
	return &fold{
		views: vs, view: v.View, reads: v.reads, text: v.text, tally: newTally(&v.View, v.filter),
		told: make(map[string]uint64), moved: make(chan struct{}, 1),
		table: newViewTable(v.Every.Milliseconds()), feeds: make(map[viewFeedKey]*viewFeed),
	}
}

const (
	flushPause = 100 * time.Millisecond // between flushes, at least
	foldShare  = 9                      // and so many times as long as the last one took,
	foldPause  = 2 * time.Second        // but at most, unless there are many views
	foldRetry  = time.Second            // after an error of the log
	foldLinger = 30 * time.Second       // a fold stays so long when nobody watches it
)

// run computes until the context ends or nobody has watched for a while.
func (f *fold) run(ctx context.Context) {
	var failed string
	for {
		first := !f.ready
		if first && !f.views.catchUp(ctx, f) {
			return
		}
		f.views.await(f) // before it reads, or it could miss that the head moves
		began := time.Now()
		err := f.step(ctx)
		pause := max(flushPause, min(foldShare*time.Since(began), foldPause)*f.views.crowd())
		if first {
			f.views.caughtUp()
			pause = flushPause // it has been paced
		}
		f.retry = err != nil
		switch {
		case ctx.Err() != nil, errors.Is(err, ErrClosed), errors.Is(err, ErrEpoch), errors.Is(err, errLeft):
			return
		case err == nil:
			failed = ""
		case err.Error() != failed:
			failed, pause = err.Error(), foldRetry
			f.views.hub.opts.Logger.Error("view waits: can't read the log", "view", f.text, "error", err)
		default:
			pause = foldRetry
		}
		if !f.rest(ctx, pause) {
			return
		}
	}
}

// errLeft says that a fold was retired while it caught up.
var errLeft = errors.New("nobody watches any more")

// rest waits for the pause and then until there is something to do. It returns
// false when there won't be any more.
func (f *fold) rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	for {
		now := time.Now()
		due := f.due(now)
		if !due.After(now) {
			return !f.views.retire(f, now)
		}
		timer.Reset(due.Sub(now))
		select {
		case <-ctx.Done():
			return false
		case <-f.moved:
			return true
		case <-timer.C:
		}
	}
}

// due is when there is something to do even if the head doesn't move.
func (f *fold) due(now time.Time) time.Time {
	if f.retry {
		return now
	}
	due := now.Add(time.Hour)
	earlier := func(t time.Time) {
		if t.Before(due) {
			due = t
		}
	}
	if at, ok := f.tally.nextWindow(); ok {
		earlier(time.UnixMilli(at))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.feeds) == 0 {
		earlier(f.left.Add(foldLinger))
	}
	for _, feed := range f.feeds {
		if feed.shown < f.table.version {
			earlier(feed.due)
		}
	}
	return due
}

// nextWindow returns when the next window begins that already has events.
func (t *tally) nextWindow() (int64, bool) {
	at := t.front + t.every
	return at, len(t.panes) > 0 && t.front != math.MinInt64 && at <= t.newest+t.over-t.every
}

// step reads to the head and flushes.
func (f *fold) step(ctx context.Context) error {
	head, err := f.views.hub.log.Head(ctx)
	if err != nil {
		return err
	}
	q := Query{Select: f.reads, After: f.at, Limit: scanEvents, Told: f.told}
	for begin := f.at.IsZero(); ; begin = false {
		if !begin && !f.ready && f.views.retire(f, time.Now()) {
			return errLeft // others wait to catch up
		}
		if begin {
			if err := f.begin(ctx, head, &q); err != nil {
				return err
			}
		}
		page, err := f.views.hub.read(ctx, client{}, q)
		if err != nil {
			return err
		}
		gaps := page.Gaps
		if begin {
			// All that is gone, also what is no gap to one who begins here.
			if gaps, err = f.goneBefore(ctx, head); err != nil {
				return err
			}
		}
		if err := f.leaveOut(ctx, gaps); err != nil {
			return err
		}
		for i := range page.Events {
			f.tally.add(&page.Events[i])
		}
		f.tally.mostRows, f.tally.mostBuckets = f.views.share() // others may have come meanwhile
		f.tally.trim()
		f.at, q.After = page.Next, page.Next
		if page.Next == page.Head || page.Next.Seq >= head.Seq {
			break
		}
	}
	return f.flush(ctx, time.Now())
}

// begin has the query begin where the log begins to matter: with what was
// appended earlier, no window that is kept has anything to do.
func (f *fold) begin(ctx context.Context, head Position, q *Query) error {
	page, err := f.views.hub.read(ctx, client{}, Query{Select: q.Select, Last: 1, Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Events) == 0 {
		q.After = head
		return nil
	}
	t := f.tally
	t.clock = page.Events[0].Appended.UnixMilli()
	t.floor = t.oldest()
	f.reach = t.firstPane() - maxAhead.Milliseconds()
	q.Since = time.UnixMilli(max(f.reach, 0))
	return nil
}

// goneBefore returns everything that is gone from the log.
func (f *fold) goneBefore(ctx context.Context, head Position) ([]Gap, error) {
	page, err := f.views.hub.read(ctx, client{}, Query{Select: f.reads, After: Position{head.Epoch, 0}, Limit: 1})
	return page.Gaps, err
}

// leaveOut leaves out the windows of which the log has trimmed something: those
// that begin before the oldest event of the stream that came after it and is
// kept. What the log itself lost has no time, and is ignored.
func (f *fold) leaveOut(ctx context.Context, gaps []Gap) error {
	var others uint64 // what is gone of streams of which nothing has come since
	for _, g := range gaps {
		if g.Reason != ReasonEvicted || f.told[g.Stream] >= g.Through {
			continue
		}
		if g.To.IsZero() || g.Stream == "" {
			others = max(others, g.Through)
		} else if err := f.leaveOutBefore(ctx, Selection{Selector(g.Stream)}, g.To.Seq-1); err != nil {
			return err
		}
	}
	if others > 0 {
		if err := f.leaveOutBefore(ctx, f.reads, others); err != nil {
			return err
		}
	}
	for _, g := range gaps {
		if g.Reason == ReasonEvicted {
			f.told[g.Stream] = max(f.told[g.Stream], g.Through)
		}
	}
	return nil
}

// leaveOutBefore leaves out the windows that begin before the first selected
// event after the sequence number.
func (f *fold) leaveOutBefore(ctx context.Context, sel Selection, seq uint64) error {
	page, err := f.views.hub.read(ctx, client{}, Query{Select: sel, After: Position{f.views.hub.life(), seq}, Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Events) == 0 {
		f.tally.leaveOut(f.tally.clock + 1)
		return nil
	}
	if e := &page.Events[0]; e.Appended.UnixMilli() >= f.reach {
		f.tally.leaveOut(e.Time.UnixMilli())
	}
	return nil
}

// flush brings the table up to what has been read, and shows it.
func (f *fold) flush(ctx context.Context, now time.Time) error {
	keys := f.tally.changed(now)
	f.data, f.rows = f.data[:0], f.rows[:0]
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err // history can be long, and nobody waits for it any more
		}
		c := f.tally.sum(key)
		f.data = c.appendData(f.data, &f.view)
		f.rows = append(f.rows, foldedRow{c.seq, c.appended, len(f.data)})
	}
	f.commit(keys, now)
	for i, c := range f.wakes {
		c.wake()
		f.wakes[i] = nil
	}
	f.wakes = f.wakes[:0]
	return nil
}

// commit is the part of flush for which those who watch have to wait.
func (f *fold) commit(keys []rowKey, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &f.table
	version, start := t.version+1, 0
	for i, r := range f.rows {
		if t.set(keys[i], f.data[start:r.end], r, version) {
			t.version = version
		}
		start = r.end
	}
	f.tally.floor = t.drop(f.tally.floor, f.tally.mostRows)
	t.folded = f.at.Seq
	f.ready = true
	for _, feed := range f.feeds {
		f.wakes = feed.show(now, f.wakes)
	}
}
