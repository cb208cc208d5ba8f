// Package filelog is Streamgauge's log in a directory of files: append-only
// segments with a checksum on every record, written by group commit.
//
// # Guarantees
//
// An event that was acknowledged at a level is there at that level: at
// [streamgauge.LevelOS] it survives the end of the process in whatever way, at
// [streamgauge.LevelFsync] that of the machine. Nobody sees an event before it
// is at the log's level. A batch survives whole or not at all. Sequence numbers
// are never used twice: a log that may have lost its tail, because the machine
// stopped, a file is damaged, or the directory is a copy such as a restored
// backup, keeps what is valid, goes on 2^32 numbers
// later, and reports the hole to whoever's position is before or in it.
// Damaged files and parts of files are set aside in the directory under names
// that end in ".damaged", never deleted.
//
// # Space
//
// Retention takes effect at once for readers; disk space follows in the
// background, by rewriting segments that are mostly trimmed. Besides a few
// segments, the directory is at most about twice as large as what is kept.
//
// # The directory
//
// A directory that is removed, replaced or moved while the log is open is
// noticed within a second: appends are refused from then on, and whatever is
// there in its place is left alone. What was acknowledged in that second is lost
// with it.
//
// On Windows a segment can't be replaced while somebody reads it, so space may be
// reclaimed later, and entries of directories are not synced, so that level fsync
// is as good as the file system's journal.
package filelog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
)

// ErrLocked is wrapped by the error of [Open] when another process, or another
// Log of this one, has the directory open.
var ErrLocked = errors.New("filelog: data directory is in use")

// Options says how a log is opened. The zero value is ready.
type Options struct {
	// Rules say what is kept. They may change from one opening to the next.
	Rules streamgauge.Rules

	// Level is memory, os or fsync. Empty is os.
	Level streamgauge.Level

	// SegmentBytes is the size at which a new segment file is begun: 0 is
	// 64 MiB, the most is 1 GiB. Space is reclaimed by segments.
	SegmentBytes int64

	// Logger is told of damage, of lost events and of failing disks. Nil is
	// silence.
	Logger *slog.Logger

	// Now is the wall clock, for tests. Nil is [time.Now].
	Now func() time.Time
}

const (
	defaultSegmentBytes = 64 << 20
	maxSegmentBytes     = 1 << 30
	skipAfterLoss       = 1 << 32
)

// Log is a [streamgauge.Log] in a directory. Its methods may be called from any
// number of goroutines at once.
type Log struct {
	dir          string
	epoch        streamgauge.Epoch
	level        streamgauge.Level
	segmentBytes int64
	logger       *slog.Logger
	now          func() time.Time
	fs           filesystem
	boot         string
	place        uint64
	lock         *os.File
	recent       *streamgauge.Recent

	// The leader of a commit alone writes to the active segment and uses
	// these; see commit.
	buf      []byte
	sizes    []uint32
	failing  bool      // the last write
	unopened bool      // the meta file does not say yet that the log is open
	checked  time.Time // when the directory was seen in its place

	mu         sync.Mutex // guards all that follows
	index      *streamgauge.Index[loc]
	keys       streamgauge.Keys
	segments   []*segment          // by number; all but active are sealed
	byNumber   map[uint32]*segment // the same
	active     *segment            // nil until the first append
	sealed     []*segment          // waiting for their sidecars to be written
	lastNumber uint32              // the highest number of a segment ever
	opened     int                 // sealed segments' files that are open
	uses       uint64
	freed      int64 // bytes of trimmed events since the last look for work
	unsynced   bool  // a sealed segment could not be synced
	closed     bool

	queue   []*request // waiting for a leader
	group   []*request // being committed
	leading bool       // a commit is under way
	idle    *sync.Cond // on mu: signalled when leading becomes false
	shared  bool       // the last commit was of several requests
	commits uint       // that were led, see letOthers

	flushing sync.Mutex // held while pending is written; before mu
	flushErr error      // of the last flush, guarded by mu

	cleaning sync.Mutex // held by who does the janitor's work; before mu

	// The janitor and, at level memory, the flusher run until stop is closed.
	stop       chan struct{}
	work       chan struct{} // capacity 1: there may be something to clean
	unwritten  chan struct{} // capacity 1: there is something to flush
	background sync.WaitGroup
}

var _ streamgauge.Log = (*Log)(nil)

// Open opens the log in the directory, which it creates when missing, readable
// by its owner only. It repairs what the last run left behind. Options may be
// nil. Only one Log at a time can have the directory open: see [ErrLocked].
// Where there is a log but no room to write anything, it is opened all the same,
// and appends are refused until there is.
func Open(dir string, options *Options) (*Log, error) {
	return open(dir, options, osFS{}, bootID())
}

func open(dir string, options *Options, fs filesystem, boot string) (*Log, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := makeDir(fs, dir, o.Level == streamgauge.LevelFsync); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{
		dir: dir, level: o.Level, segmentBytes: o.SegmentBytes, logger: o.Logger, now: o.Now,
		fs: fs, boot: boot, place: fs.place(lock), lock: lock,
		stop: make(chan struct{}), work: make(chan struct{}, 1), unwritten: make(chan struct{}, 1),
	}
	l.idle = sync.NewCond(&l.mu)
	if err := l.recover(o.Rules); err != nil {
		for _, s := range l.segments {
			l.closeFile(s)
		}
		lock.Close()
		return nil, fmt.Errorf("open log: %w", err)
	}
	l.recent = streamgauge.NewRecent(l.index.Head())
	l.background.Go(l.clean)
	if l.level == streamgauge.LevelMemory {
		l.background.Go(l.flusher)
	}
	return l, nil
}

func (o *Options) complete() error {
	switch o.Level {
	case "":
		o.Level = streamgauge.LevelOS
	case streamgauge.LevelMemory, streamgauge.LevelOS, streamgauge.LevelFsync:
	default:
		return fmt.Errorf("open log: level is %q, a file log knows %q, %q and %q",
			o.Level, streamgauge.LevelMemory, streamgauge.LevelOS, streamgauge.LevelFsync)
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	o.SegmentBytes = min(o.SegmentBytes, maxSegmentBytes)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Head implements [streamgauge.Log].
func (l *Log) Head(ctx context.Context) (head streamgauge.Position, err error) {
	err = l.locked(ctx, func() { head = l.index.Head() })
	return head, err
}

// Streams implements [streamgauge.Log].
func (l *Log) Streams(ctx context.Context) (all []streamgauge.StreamInfo, err error) {
	err = l.locked(ctx, func() { all = l.index.Streams(l.now()) })
	return all, err
}

// Tail implements [streamgauge.Log].
func (l *Log) Tail(ctx context.Context, after streamgauge.Position, deliver func([]streamgauge.Event) error) error {
	return l.recent.Tail(ctx, after, deliver, l.Read)
}

// Stats is what a log takes up.
type Stats struct {
	Bytes    int64                // of segment files
	Segments int                  // how many files these are
	Events   int                  // kept
	Head     streamgauge.Position // the newest position
}

// Stats returns what the log takes up.
func (l *Log) Stats(ctx context.Context) (s Stats, err error) {
	err = l.locked(ctx, func() {
		for _, info := range l.index.Streams(l.now()) {
			s.Events += info.Events
		}
		for _, seg := range l.segments {
			s.Bytes += seg.size
		}
		s.Segments, s.Head = len(l.segments), l.index.Head()
	})
	return s, err
}

// locked calls f under the lock if the context has not ended and the log is not
// closed.
func (l *Log) locked(ctx context.Context, f func()) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return streamgauge.ErrClosed
	}
	f()
	return nil
}

// Close implements [streamgauge.Log]. It writes and syncs what is not on the
// disk yet; its error says what could not be.
func (l *Log) Close() error {
	if !l.shut() {
		return nil
	}
	defer l.lock.Close()
	err := l.flush()
	if err == nil {
		err = l.checkPlace()
	}
	if err == nil && !l.unopened { // else nothing was appended
		if l.active != nil {
			l.sealed = append(l.sealed, l.active)
		}
		for _, s := range l.sealed {
			l.seal(s)
		}
		err = l.writeMeta(!l.unsynced)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releaseFiles()
	if err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}

// shut ends what is under way and reports whether the log was open.
func (l *Log) shut() bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.closed = true
	for l.leading {
		l.idle.Wait()
	}
	l.mu.Unlock()
	l.recent.Close()
	close(l.stop)
	l.background.Wait()
	return true
}

func (l *Log) releaseFiles() {
	for _, s := range l.segments {
		l.retire(s)
	}
}
