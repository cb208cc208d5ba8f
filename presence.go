package streamgauge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Instance is what one of the hubs that share a log says of itself.
type Instance struct {
	Name    string // tells it apart from the others
	Version string
	Stats   Stats
	// EventsOut is how many events it has written per second of late.
	EventsOut float64
	// Following is what its subscribers select, each selection once: at most the 1,000
	// that have the most subscribers.
	Following []Following `json:",omitempty"`
}

// Following is how many subscribers of an instance have a selection.
type Following struct {
	Select      Selection
	Subscribers int
}

// presence is a log that several hubs share. They tell each other of themselves through
// it; who has not done so for a few seconds is not there any more.
type presence interface {
	// Announce says what the hub of this name is doing.
	Announce(ctx context.Context, name string, said []byte) error
	// Announced returns what has been said of late, by name.
	Announced(ctx context.Context) (map[string][]byte, error)
}

const (
	announceEvery = time.Second
	maxFollowing  = 1000 // selections that an instance tells the others of
)

// others is what other hubs have said of themselves, and the pace of this one.
type others struct {
	instances []Instance // by name
	following []audience
	eventsOut float64
}

// Name is what tells this hub apart from others that share its log.
func (h *Hub) Name() string { return h.opts.Name }

// Shared reports whether the log is one that several hubs share.
func (h *Hub) Shared() bool {
	_, ok := h.log.(presence)
	return ok
}

// Instances returns all hubs that share the log, this one first and the others by name.
// What they say is a second or two old.
func (h *Hub) Instances() []Instance {
	return append([]Instance{h.instance()}, h.otherHubs().instances...)
}

func (h *Hub) otherHubs() *others {
	if o := h.others.Load(); o != nil {
		return o
	}
	return &others{}
}

func (h *Hub) instance() Instance {
	i := Instance{Name: h.opts.Name, Version: h.opts.Version, Stats: h.Stats(), EventsOut: h.otherHubs().eventsOut}
	bySelection := make(map[string]*Following)
	h.mu.Lock()
	for _, f := range h.feeds {
		same := bySelection[f.key.selection]
		if same == nil {
			same = &Following{}
			for _, name := range f.names {
				same.Select = append(same.Select, Selector(name))
			}
			same.Select = append(same.Select, f.patterns...)
			bySelection[f.key.selection] = same
		}
		same.Subscribers += f.subscribers
	}
	h.mu.Unlock()
	for _, f := range bySelection {
		i.Following = append(i.Following, *f)
	}
	slices.SortFunc(i.Following, func(a, b Following) int { return cmp.Compare(b.Subscribers, a.Subscribers) })
	i.Following = i.Following[:min(len(i.Following), maxFollowing)]
	return i
}

// announce tells the other hubs of this one and hears of them until the context ends.
func (h *Hub) announce(ctx context.Context) {
	log, ok := h.log.(presence)
	if !ok {
		return
	}
	ticker := time.NewTicker(announceEvery)
	defer ticker.Stop()
	failing := false
	var pace pace
	for ctx.Err() == nil {
		err := h.exchange(ctx, log, pace.of(h.stats.eventsOut.Load(), time.Now()))
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			if failing = failed; failing {
				h.opts.Logger.Warn("other instances are not heard of", "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// pace is how fast a count rises.
type pace struct {
	count uint64
	at    time.Time
}

// of returns by how much the count has risen per second since the last call.
func (p *pace) of(count uint64, now time.Time) (perSecond float64) {
	if !p.at.IsZero() {
		perSecond = float64(count-p.count) / max(now.Sub(p.at).Seconds(), 1e-3)
	}
	p.count, p.at = count, now
	return perSecond
}

func (h *Hub) exchange(ctx context.Context, log presence, eventsOut float64) error {
	ctx, cancel := context.WithTimeout(ctx, 2*announceEvery)
	defer cancel()
	self := h.instance()
	self.EventsOut = eventsOut
	said, err := json.Marshal(self)
	if err != nil {
		return fmt.Errorf("say what this instance does: %w", err)
	}
	if err := log.Announce(ctx, h.opts.Name, said); err != nil {
		return err
	}
	all, err := log.Announced(ctx)
	if err != nil {
		return err
	}
	o := &others{eventsOut: eventsOut}
	for name, said := range all {
		var i Instance
		// One of another version may say what this one doesn't understand.
		if name == h.opts.Name || json.Unmarshal(said, &i) != nil || i.Name != name {
			continue
		}
		o.instances = append(o.instances, i)
		for _, f := range i.Following {
			o.following = append(o.following, audienceOf(f))
		}
	}
	slices.SortFunc(o.instances, func(a, b Instance) int { return cmp.Compare(a.Name, b.Name) })
	h.others.Store(o)
	return nil
}

// audienceOf makes a feed that is followed elsewhere one to count by.
func audienceOf(f Following) audience {
	text := ""
	for _, s := range f.Select {
		text += string(s) + "\x00"
	}
	feed := &feed{key: feedKey{selection: text}}
	feed.names, feed.patterns = f.Select.split()
	return audience{feed, f.Subscribers}
}
