package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Rules are how the log has to keep the streams of this package, whatever else is configured.
// Of the store's the newest record of each slot stays, whatever happens in it. What whoever likes
// can add to has streams of its own: it must drive out neither that nor what was done.
var Rules = []streamgauge.Rule{
	{
		Match: Stream, Delivery: streamgauge.DeliverLatest, Format: streamgauge.FormatJSON,
		Keep: streamgauge.Keep{Events: 10_000, Age: 24 * time.Hour, Bytes: 64 << 20},
	},
	{
		Match: EndedStream, Delivery: streamgauge.DeliverLatest, Format: streamgauge.FormatJSON,
		Keep: streamgauge.Keep{Events: 1000, Age: SessionTime + time.Hour, Bytes: 16 << 20},
	},
	{
		Match: AuditStream, Delivery: streamgauge.DeliverAll, Format: streamgauge.FormatJSON,
		Keep: streamgauge.Keep{Events: 100_000, Age: 366 * 24 * time.Hour, Bytes: 64 << 20},
	},
	{
		Match: RefusedStream, Delivery: streamgauge.DeliverAll, Format: streamgauge.FormatJSON,
		Keep: streamgauge.Keep{Events: 10_000, Age: 30 * 24 * time.Hour, Bytes: 16 << 20},
	},
}

const (
	maxRecords = 1000 // at a time. A log keeps 10,000 keys of a stream, and a slot is a key
	pollEvery  = 500 * time.Millisecond
	pollLimit  = 5 * time.Second
)

// Errors of the store.
var (
	ErrNotFound = errors.New("there is no such token")
	ErrFull     = fmt.Errorf("there are %d tokens, share links and keys already: revoke some", maxRecords)
	errUsed     = errors.New("it was used before")
)

// eventLog is what the store needs of a [streamgauge.Log].
type eventLog interface {
	Append(ctx context.Context, batch streamgauge.Batch) (streamgauge.Receipt, error)
	Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error)
}

// Kind says what a record is.
type Kind string

// The kinds of records.
const (
	KindToken Kind = "token" // of an API
	KindShare Kind = "share" // of a dashboard
	KindLink  Kind = "link"  // signs in once
	kindKey   Kind = "key"   // seals sessions
)

// Record is something that lets somebody in.
type Record struct {
	Kind    Kind      `json:"kind"`
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"` // for people
	Board   string    `json:"dashboard,omitempty"`
	Hash    []byte    `json:"hash,omitempty"` // SHA-256 of the whole token
	Secret  []byte    `json:"secret,omitempty"`
	By      string    `json:"by,omitempty"` // who made it
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
	rightsJSON
	rights Rights
}

func (r *Record) validAt(now time.Time) bool {
	return r.Revoked.IsZero() && (r.Expires.IsZero() || now.Before(r.Expires))
}

// stored is a record in its slot.
type stored struct {
	*Record
	slot string
	seq  uint64
}

// store is what all instances know of records. They have it in common in the log.
type store struct {
	log    eventLog
	check  func(filter string) error
	logger *slog.Logger

	polling sync.Mutex           // held while the log is read; protects at
	at      streamgauge.Position // read through
	ending  sync.Mutex           // held while sessions are ended; taken before polling

	mu    sync.RWMutex // protects following
	epoch streamgauge.Epoch
	slots map[string]*stored
	byID  map[string]*stored
	used  map[string]time.Time // tickets, until when
	sweep int                  // how many there are when those are forgotten that don't matter any more
	ended map[string]sessions  // by whose they were, see [Identity.key]
}

func newStore(log eventLog, check func(string) error, logger *slog.Logger) *store {
	return &store{log: log, check: check, logger: logger, slots: map[string]*stored{}, byID: map[string]*stored{}, used: map[string]time.Time{}, ended: map[string]sessions{}}
}

// run keeps up with the log until the context ends, and calls changed after each change.
func (s *store) run(ctx context.Context, changed func()) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		news, err := s.poll(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			if failing = failed; failing {
				s.logger.Warn("who may do what can't be read now: what was known stays", "error", err)
			}
		}
		if news {
			changed()
		}
	}
}

// poll reads what is new in the log and reports whether there was something.
func (s *store) poll(ctx context.Context) (news bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	s.polling.Lock()
	defer s.polling.Unlock()
	for {
		page, err := s.log.Read(ctx, streamgauge.Query{Select: streamgauge.Selection{Stream, EndedStream}, After: s.at, Limit: 1000})
		if errors.Is(err, streamgauge.ErrEpoch) || errors.Is(err, streamgauge.ErrAhead) {
			// The log was replaced: what it said is void.
			s.at, news = streamgauge.Position{}, true
			continue
		}
		if err != nil {
			return news, err
		}
		s.begin(page.Head.Epoch)
		for i := range page.Events {
			e := &page.Events[i]
			switch e.Type {
			case typeUse:
				var u used
				if json.Unmarshal(e.Data, &u) == nil {
					s.note(u)
				}
				continue
			case typeEnd:
				var more sessions
				if json.Unmarshal(e.Data, &more) == nil {
					s.noteEnded(e.Key, more)
					news = true
				}
				continue
			}
			var r Record
			if err := json.Unmarshal(e.Data, &r); err != nil {
				s.logger.Error("a record of who may do what makes no sense and is left out", "slot", e.Key, "error", err)
				continue
			}
			s.put(e.Key, e.ID, &r)
			news = true
		}
		if s.at = page.Next; page.Next == page.Head {
			return news, nil
		}
	}
}

// begin forgets what another log has said.
func (s *store) begin(epoch streamgauge.Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		clear(s.slots)
		clear(s.byID)
		clear(s.ended) // nobody has the key of their cookies any more
		s.epoch = epoch
	}
}

// put takes a record over, unless a newer one is in its slot.
func (s *store) put(slot string, at streamgauge.Position, r *Record) {
	if r.Kind != kindKey && r.Revoked.IsZero() {
		var err error
		if r.rights, err = r.rightsJSON.rights(s.check); err != nil {
			s.logger.Error("a token has rights that make no sense: it gives none", "id", r.ID, "name", r.Name, "error", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.slots[slot]
	if at.Epoch != s.epoch || before != nil && before.seq >= at.Seq {
		return // it is older, or of a log that was replaced
	}
	if before != nil && s.byID[before.ID] == before {
		delete(s.byID, before.ID)
	}
	one := &stored{r, slot, at.Seq}
	s.slots[slot], s.byID[r.ID] = one, one
}

// find returns a record that is valid.
func (s *store) find(id string) (*stored, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.byID[id]
	return r, ok && r.validAt(time.Now())
}

// all returns what is valid of the kinds, the oldest first.
func (s *store) all(kinds ...Kind) []*stored {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*stored
	for _, r := range s.byID {
		if slices.Contains(kinds, r.Kind) && r.validAt(time.Now()) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *stored) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// prefix begins every token, so that those who search for lost secrets know one.
const prefix = "sg_"

// issue makes a record and its token, which nobody has but the caller.
func (s *store) issue(ctx context.Context, r Record) (token string, made *Record, err error) {
	if r.rights, err = r.rightsJSON.rights(s.check); err != nil {
		return "", nil, err
	}
	r.ID = strings.ToLower(rand.Text()[:10])
	token = prefix + r.ID + "_" + rand.Text()
	sum := sha256.Sum256([]byte(token))
	r.Hash, r.Created = sum[:], time.Now().UTC().Truncate(time.Second)
	if err := s.add(ctx, &r); err != nil {
		return "", nil, err
	}
	return token, &r, nil
}

// byToken returns the record of a token, if it is valid.
func (s *store) byToken(token string) (*stored, bool) {
	id, _, ok := strings.Cut(strings.TrimPrefix(token, prefix), "_")
	if !ok || !strings.HasPrefix(token, prefix) {
		return nil, false
	}
	r, ok := s.find(id)
	if !ok {
		return nil, false
	}
	sum := sha256.Sum256([]byte(token))
	return r, subtle.ConstantTimeCompare(sum[:], r.Hash) == 1
}

// add puts a record into a slot that is free. Two instances may want the same one: the
// log's idempotency key decides.
func (s *store) add(ctx context.Context, r *Record) error {
	if _, err := s.poll(ctx); err != nil {
		return err
	}
	for n := range maxRecords {
		slot := fmt.Sprintf("%04d", n)
		s.mu.RLock()
		taken := s.slots[slot]
		s.mu.RUnlock()
		before := uint64(0)
		if taken != nil {
			if taken.validAt(time.Now()) {
				continue
			}
			before = taken.seq
		}
		err := s.write(ctx, slot, fmt.Sprint("auth ", slot, " after ", before), r)
		if errors.Is(err, errUsed) {
			if _, err := s.poll(ctx); err != nil {
				return err
			}
			continue
		}
		return err
	}
	return ErrFull
}

// revoke ends a record. It is [ErrNotFound] if there is none.
func (s *store) revoke(ctx context.Context, kind Kind, id string) (*Record, error) {
	if _, err := s.poll(ctx); err != nil {
		return nil, err
	}
	r, ok := s.find(id)
	if !ok || r.Kind != kind {
		return nil, ErrNotFound
	}
	end := *r.Record
	end.Hash, end.Secret, end.rightsJSON, end.rights = nil, nil, rightsJSON{}, Rights{}
	end.Revoked = time.Now().UTC().Truncate(time.Second)
	err := s.write(ctx, r.slot, fmt.Sprint("auth ", r.slot, " after ", r.seq), &end)
	if errors.Is(err, errUsed) {
		return nil, ErrNotFound // another has revoked it
	}
	return r.Record, err
}

// The types of events that are no records.
const (
	typeUse = "use" // of what can be used once
	typeEnd = "end" // of sessions
)

// used is what was used, of what can be used once.
type used struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"` // then it is not valid in any case
}

// note remembers what was used.
func (s *store) note(u used) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.used) >= s.sweep {
		now := time.Now()
		maps.DeleteFunc(s.used, func(_ string, until time.Time) bool { return now.After(until) })
		s.sweep = max(64, 2*len(s.used))
	}
	s.used[u.ID] = u.Until
}

// use notes that something was used, and reports whether it is the first time. Of two
// instances at the same time the log's idempotency key decides; later they have heard of it.
func (s *store) use(ctx context.Context, id string, until time.Time) (first bool, err error) {
	u := used{id, until.Add(time.Minute).UTC()}
	data, err := json.Marshal(u)
	if err != nil {
		return false, err
	}
	s.mu.RLock()
	_, again := s.used[id]
	s.mu.RUnlock()
	if again {
		return false, nil
	}
	_, err = s.append(ctx, streamgauge.Event{Stream: Stream, Type: typeUse, Key: "used", Data: data}, "auth use of "+id)
	if errors.Is(err, errUsed) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.note(u)
	return true, nil
}

// write appends a record, once per key: it is errUsed if somebody has used the key.
func (s *store) write(ctx context.Context, slot, key string, r *Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write down a token: %w", err)
	}
	receipt, err := s.append(ctx, streamgauge.Event{Stream: Stream, Type: string(r.Kind), Key: slot, Data: data}, key)
	if err == nil {
		s.put(slot, receipt.Position, r)
	}
	return err
}

// append appends an event, once per key: it is errUsed if somebody has used the key.
func (s *store) append(ctx context.Context, e streamgauge.Event, key string) (streamgauge.Receipt, error) {
	receipt, err := s.log.Append(ctx, streamgauge.Batch{Events: []streamgauge.Event{e}, Key: key})
	switch {
	case errors.Is(err, streamgauge.ErrKeyReused) || receipt.Duplicate:
		return receipt, errUsed
	case err != nil:
		return receipt, fmt.Errorf("write down who may do what: %w", err)
	}
	return receipt, nil
}

// key returns the key of the ID, or the one to seal with if that is empty: the oldest. If
// there is none it is made.
func (s *store) key(ctx context.Context, id string) (*Record, error) {
	for _, r := range s.all(kindKey) {
		if id == "" || r.ID == id {
			return r.Record, nil
		}
	}
	if id != "" {
		return nil, errors.New("it was sealed with another key")
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	r := &Record{Kind: kindKey, ID: strings.ToLower(rand.Text()[:10]), Secret: secret, Created: time.Now().UTC().Truncate(time.Second)}
	err := s.add(ctx, r)
	if err == nil {
		_, err = s.poll(ctx) // another instance may have made one first
	}
	if err != nil {
		return nil, err
	}
	if all := s.all(kindKey); len(all) > 0 {
		return all[0].Record, nil
	}
	return nil, errors.New("the log was replaced meanwhile")
}
