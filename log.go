package streamgauge

import (
	"context"
	"errors"
	"hash/fnv"
	"time"
)

// Log is an append-only record of events in one total order. It decides order
// and durability, and nothing else does. All methods may be called from any
// number of goroutines at once. The package logtest holds the conformance suite
// that every engine must pass.
type Log interface {
	// Append stores the batch's events one after the other, all or none, and
	// returns when they are at the log's acknowledgement level. It validates
	// every event and copies what it keeps. An empty batch is invalid. After an
	// error nothing of the batch is, or ever becomes, visible, except that the
	// outcome is unknown when the context ended during the call.
	//
	// Errors: [ErrInvalid], [ErrKeyReused], [ErrClosed], [ErrUnavailable].
	Append(ctx context.Context, batch Batch) (Receipt, error)

	// Head returns the newest position: that of the last event that Append has
	// acknowledged, or one with sequence number 0 in an empty log.
	Head(ctx context.Context) (Position, error)

	// Read returns one page of what is stored. See [Query] and [Page].
	//
	// Errors: [ErrEpoch] if After is of another epoch, [ErrAhead] if it is
	// beyond the head, [ErrClosed], [ErrUnavailable].
	Read(ctx context.Context, q Query) (Page, error)

	// Tail calls deliver with every event appended after the position, in
	// order, none twice, in slices that deliver must not keep or change, as
	// soon as they are at their level. It runs on the caller's goroutine until
	// the context ends, the log is closed, or deliver fails, and returns that
	// error; a context's end is returned as its cause. Events that were trimmed
	// before they could be delivered end it with [ErrTrimmed]. A log that others
	// share may be replaced while it is open: that ends it with [ErrEpoch], and
	// the head has another epoch from then on.
	Tail(ctx context.Context, after Position, deliver func([]Event) error) error

	// Streams returns what the log knows of every stream of which it keeps
	// something, sorted by name.
	Streams(ctx context.Context) ([]StreamInfo, error)

	// Forget removes the stream's events, as if retention had trimmed them.
	// Forgetting an unknown stream does nothing. Later events begin it anew.
	Forget(ctx context.Context, stream string) error

	// Close releases what the log holds. Calls under way and later calls
	// return [ErrClosed]. Closing twice is fine.
	Close() error
}

// Errors that logs return, possibly wrapped.
var (
	ErrClosed      = errors.New("streamgauge: log is closed")
	ErrEpoch       = errors.New("streamgauge: position is of another epoch of the log")
	ErrAhead       = errors.New("streamgauge: position is ahead of the log")
	ErrTrimmed     = errors.New("streamgauge: events were trimmed before they were delivered")
	ErrUnavailable = errors.New("streamgauge: log can't take events now")
	ErrKeyReused   = errors.New("streamgauge: idempotency key was used for other events")
)

// Level is what an acknowledgement promises.
type Level string

const (
	LevelMemory     Level = "memory"     // in this process's memory
	LevelOS         Level = "os"         // handed to the operating system: survives kill -9
	LevelFsync      Level = "fsync"      // on the disk: survives power loss
	LevelReplicated Level = "replicated" // on several machines
)

// Batch is what one Append stores.
type Batch struct {
	Events []Event

	// Key makes a retry harmless: while the log remembers it (10 minutes and
	// 100,000 keys, whichever ends first; across restarts where the log
	// survives them), a batch with the same key is not stored again but
	// answered with the receipt of the first, marked Duplicate. The same key
	// with other events is [ErrKeyReused]. Empty is no key. At most
	// [MaxIdempotencyKeyBytes] bytes.
	Key string
}

// What a log remembers of idempotency keys.
const (
	MaxIdempotencyKeyBytes = 512
	IdempotencyKeys        = 100_000
	IdempotencyAge         = 10 * time.Minute
)

// Validate checks every event and the key, as [Event.Validate] does. An error
// about an event of several says which one.
func (b *Batch) Validate() error {
	if len(b.Events) == 0 {
		return invalid("events", "are none: an empty batch can't be published")
	}
	if len(b.Key) > MaxIdempotencyKeyBytes {
		return invalid("idempotency key", "is %d bytes long, at most %d are allowed", len(b.Key), MaxIdempotencyKeyBytes)
	}
	for i := range b.Events {
		if err := b.Events[i].Validate(); err != nil {
			if len(b.Events) > 1 {
				return &BatchError{Index: i, Err: err}
			}
			return err
		}
	}
	return nil
}

// Fingerprint returns a hash of what the publisher gave (streams, types, given
// times, keys, data), by which a log tells a retry from another batch under the
// same key.
func (b *Batch) Fingerprint() uint64 {
	h := fnv.New64a()
	field := func(p []byte) {
		n := len(p)
		h.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
		h.Write(p)
	}
	for i := range b.Events {
		e := &b.Events[i]
		field([]byte(e.Stream))
		field([]byte(e.Type))
		field([]byte(e.Key))
		field(e.Data)
		if e.Time.IsZero() {
			field(nil)
		} else {
			field(e.Time.UTC().AppendFormat(nil, time.RFC3339Nano))
		}
	}
	return h.Sum64()
}

// Receipt is the answer to an Append.
type Receipt struct {
	Position  Position // of the batch's last event
	Count     int      // of events in the batch
	Level     Level    // what the acknowledgement promises
	Duplicate bool     // nothing was stored: the batch's key was known
}

// Query asks for one page of stored events. Where the page begins is said by
// After, or, if After is zero, by Last, or else by Since; if all are zero it
// begins with the oldest event kept.
type Query struct {
	// Select says which streams. Nil selects none.
	Select Selection
	// After is the position after which to read.
	After Position
	// Last begins so many selected events before the head.
	Last int
	// Since begins with the first selected event appended at or after it.
	Since time.Time
	// Limit is the most events to return; 0 and less means an engine's own
	// choice. Bytes likewise bounds the sum of their data's sizes, but a page
	// has at least one event if there is one.
	Limit int
	Bytes int
	// Told holds, by stream, the sequence number through which trimmed events
	// are known to the asker already: they are in no gap of this page.
	Told map[string]uint64
}

// Page is an answer to a [Query].
type Page struct {
	// Start is the position after which the page was read: After, or what Last
	// or Since came to.
	Start Position
	// Gaps are what lay in the selection after Start and is gone: at most one
	// per stream, in order of name, then the holes of the log.
	Gaps []Gap
	// Events are in order. The asker must not change them.
	Events []Event
	// Next is where to continue: every selected event kept between Start and
	// Next is in Events.
	Next Position
	// Head is the log's head as the page was read. When Next is Head, there
	// was no more.
	Head Position
}

// Reason says why there is a gap.
type Reason string

const (
	ReasonEvicted  Reason = "evicted"  // retention trimmed it while the subscriber was away
	ReasonOverflow Reason = "overflow" // retention trimmed it while the subscriber was too slow
	ReasonEpoch    Reason = "epoch"    // the cursor is of another log, or of another life of this one
	ReasonUnknown  Reason = "unknown"  // the cursor is not one that this log ever gave
	ReasonBackend  Reason = "backend"  // the log itself lost it
)

// Gap is events that a subscriber was entitled to and cannot get.
type Gap struct {
	Stream string   // empty if it is not of one stream
	From   Position // the last position before it, or zero
	To     Position // the next position after it, or zero if there is none yet
	Lost   int64    // how many events; less than 0 if that is not known any more
	Reason Reason   // a log says evicted or backend
	// Newest says that among them are events that no newer one of the same key
	// has superseded: of a stream whose rule is latest this alone is a loss.
	Newest bool
	// Through is the last sequence number that is gone: what [Query.Told] wants
	// to know of this gap when reading on.
	Through uint64
}

// StreamInfo is what a log knows of a stream.
type StreamInfo struct {
	Name   string
	Events int       // kept; at least 1
	Bytes  int64     // of data, kept
	First  Position  // the oldest kept
	Last   Position  // the newest ever appended
	Time   time.Time // when Last was appended
}
