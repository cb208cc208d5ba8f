package streamgauge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors that publishing returns beside those of [Log.Append], possibly
// wrapped.
var (
	ErrTooLarge       = errors.New("streamgauge: too large")
	ErrTooManyStreams = errors.New("streamgauge: too many streams")
	ErrReserved       = errors.New("streamgauge: stream is reserved for the hub")
)

// Publish appends the events to the log as one batch, all or none, and returns
// when they are at the log's acknowledgement level. What a stream's rule says
// about keys is applied to them. The events are not kept or changed.
//
// Errors: [ErrInvalid], [ErrTooLarge], [ErrTooManyStreams], [ErrReserved],
// [ErrForbidden], [ErrUnavailable], [ErrClosed].
func (h *Hub) Publish(ctx context.Context, events ...Event) (Receipt, error) {
	return h.publish(ctx, Batch{Events: events}, false)
}

// PublishBatch is Publish for a batch that may have an idempotency key; see
// [Batch]. It also returns [ErrKeyReused].
func (h *Hub) PublishBatch(ctx context.Context, batch Batch) (Receipt, error) {
	return h.publish(ctx, batch, false)
}

// PublishOwn is Publish for what the program says about itself: streams may
// begin with [ReservedPrefix].
func (h *Hub) PublishOwn(ctx context.Context, events ...Event) (Receipt, error) {
	return h.publish(ctx, Batch{Events: events}, true)
}

func (h *Hub) publish(ctx context.Context, batch Batch, own bool) (Receipt, error) {
	if err := h.checkLimits(AccessOf(ctx), batch.Events, own); err != nil {
		return Receipt{}, err
	}
	added, err := h.prepare(ctx, &batch)
	if err != nil {
		h.names.remove(added)
		return Receipt{}, err
	}
	receipt, err := h.log.Append(ctx, batch)
	if err != nil {
		h.names.remove(added)
	}
	return receipt, err
}

func (h *Hub) checkLimits(access *Access, events []Event, own bool) error {
	limits := &h.opts.Limits
	if len(events) > limits.BatchEvents {
		return fmt.Errorf("%w: %d events in one batch, at most %d are allowed (limits.batch_events)", ErrTooLarge, len(events), limits.BatchEvents)
	}
	size := 0
	for i := range events {
		e := &events[i]
		if len(e.Data) > limits.EventBytes {
			return fmt.Errorf("%w: event %d has %d bytes of data, at most %d are allowed (limits.event_bytes)", ErrTooLarge, i+1, len(e.Data), limits.EventBytes)
		}
		if size += len(e.Data); size > limits.BatchBytes {
			return fmt.Errorf("%w: the batch has more than %d bytes of data (limits.batch_bytes)", ErrTooLarge, limits.BatchBytes)
		}
		if !access.Writes(e.Stream) {
			return fmt.Errorf("%w to publish to %q", ErrForbidden, e.Stream)
		}
		if !own && strings.HasPrefix(e.Stream, ReservedPrefix) {
			return fmt.Errorf("%w: %q begins with %q", ErrReserved, e.Stream, ReservedPrefix)
		}
	}
	return nil
}

// prepare takes the streams' names, and gives the events the keys that the
// rules ask for and data of one line. The caller's events stay as they are. It
// returns the names that are new.
func (h *Hub) prepare(ctx context.Context, batch *Batch) (added []string, err error) {
	own := false
	var (
		stream string
		rule   Rule
	)
	for i := range batch.Events {
		e := &batch.Events[i]
		if i == 0 || e.Stream != stream {
			var isNew bool
			if rule, isNew, err = h.admitName(ctx, e.Stream); err != nil {
				return added, err
			}
			if stream = e.Stream; isNew {
				added = append(added, stream)
			}
		}
		broken := !e.Text && hasLineEnd(e.Data)
		keyed := rule.Key != "" && e.Key == "" && !e.Text
		if !broken && !keyed {
			continue
		}
		if !own {
			batch.Events, own = slices.Clone(batch.Events), true
			e = &batch.Events[i]
		}
		if broken {
			// Only JSON can be made one line; the log refuses the rest.
			var line bytes.Buffer
			if json.Compact(&line, e.Data) == nil {
				e.Data = line.Bytes()
			}
		}
		if keyed {
			e.Key = keyAt(e.Data, rule.Key)
		}
	}
	return added, nil
}

// names are the streams that exist, with their rules, as far as publishers are
// concerned. The hub's own, which are few, don't count.
type names struct {
	limit int

	mu        sync.RWMutex // protects following
	known     map[string]Rule
	own       int // of those, the hub's
	refreshed time.Time
}

// admitName returns a stream's rule, and whether the stream is new. There may
// be only so many.
func (h *Hub) admitName(ctx context.Context, name string) (Rule, bool, error) {
	n := &h.names
	if rule, ok := n.rule(name); ok {
		return rule, false, nil
	}
	if err := CheckStream(name); err != nil {
		return Rule{}, false, err
	}
	if n.wantRefresh() {
		if err := h.refreshNames(ctx); err != nil { // some may have aged away
			return Rule{}, false, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if rule, ok := n.known[name]; ok {
		return rule, false, nil
	}
	own := strings.HasPrefix(name, ReservedPrefix)
	if !own && n.foreign() >= n.limit {
		return Rule{}, false, fmt.Errorf("%w: there are %d and %q would be another (limits.streams); forget one with DELETE /v1/streams/{stream}", ErrTooManyStreams, n.foreign(), name)
	}
	if own {
		n.own++
	}
	rule := h.rules.For(name)
	n.known[strings.Clone(name)] = rule
	return rule, true, nil
}

// foreign returns how many streams are not the hub's own.
func (n *names) foreign() int { return len(n.known) - n.own }

func (n *names) rule(name string) (rule Rule, ok bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	rule, ok = n.known[name]
	return rule, ok
}

// wantRefresh reports whether the names should be read from the log again:
// when there are too many, but not for every one that is refused.
func (n *names) wantRefresh() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.foreign() >= n.limit && time.Since(n.refreshed) > time.Second
}

// reset forgets all names: the log was replaced.
func (n *names) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.known)
	n.own = 0
}

func (n *names) remove(names []string) {
	if len(names) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		if _, ok := n.known[name]; ok && strings.HasPrefix(name, ReservedPrefix) {
			n.own--
		}
		delete(n.known, name)
	}
}

// refreshNames takes over from the log which streams exist.
func (h *Hub) refreshNames(ctx context.Context) error {
	streams, err := h.log.Streams(ctx)
	if err != nil {
		return fmt.Errorf("ask the log for its streams: %w", err)
	}
	known, own := make(map[string]Rule, len(streams)), 0
	for _, s := range streams {
		known[s.Name] = h.rules.For(s.Name)
		if strings.HasPrefix(s.Name, ReservedPrefix) {
			own++
		}
	}
	h.names.mu.Lock()
	h.names.known, h.names.own, h.names.refreshed = known, own, time.Now()
	h.names.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.routes {
		if _, ok := known[name]; !ok {
			delete(h.routes, name)
		}
	}
	return nil
}
