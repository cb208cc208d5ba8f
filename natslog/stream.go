package natslog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge"
)

const metaEpoch = "streamgauge-epoch" // in the metadata of the log's stream

// checkVersion says whether a server will do: from 2.12 on it can store a batch as a whole.
func checkVersion(version string) error {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if err != nil || err2 != nil || a < 2 || a == 2 && b < 12 {
		return fmt.Errorf("this is NATS %s; it takes 2.12 or newer, which has atomic batches", version)
	}
	return nil
}

// continuity is how what is in NATS goes with what is known here.
type continuity int

const (
	continues continuity = iota
	elsewhere            // it is another log
	changed              // what is known here was lost there, or is another
	missing              // there is none
)

// look asks where the log stands.
func (l *Log) look(ctx context.Context) (*jetstream.StreamInfo, continuity, error) {
	l.mu.Lock()
	epoch, last, proof := l.epoch, l.last, l.proof
	l.mu.Unlock()
	stream, err := l.js.Stream(ctx, l.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, missing, nil
	}
	if err != nil {
		return nil, 0, err
	}
	info := stream.CachedInfo()
	switch now, _ := parseEpoch(info.Config.Metadata[metaEpoch]); {
	case now != epoch:
		return info, elsewhere, nil
	case info.State.LastSeq < last.seq:
		return info, changed, nil
	}
	if !info.TimeStamp.IsZero() {
		l.ahead.Store(int64(time.Until(info.TimeStamp)))
	}
	if proof.seq > 0 {
		m, err := stream.GetMsg(ctx, proof.seq)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			if l.replica.Keeps(proof.seq) {
				return info, changed, nil // somebody has purged it
			}
		case err != nil:
			return nil, 0, err
		case !m.Time.Equal(proof.stored):
			return info, changed, nil
		}
	}
	l.mu.Lock()
	if l.epoch == epoch {
		l.proof = last
	}
	l.mu.Unlock()
	l.health.read.Store(time.Now().UnixNano())
	return info, continues, nil
}

func (l *Log) controlConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: l.name + controlSuffix, Description: "Control records of Streamgauge's log " + l.name,
		Subjects: []string{l.controlSubject(">")}, Replicas: l.replicas, Storage: jetstream.FileStorage, AllowMsgTTL: true,
	}
}

// ensure begins the log if there is none, or gives it its first epoch.
func (l *Log) ensure(ctx context.Context) (*jetstream.StreamInfo, error) {
	records, err := l.stream(ctx, l.controlConfig())
	if err != nil {
		return nil, err
	}
	epoch := formatEpoch(streamgauge.NewEpoch())
	info, err := l.stream(ctx, jetstream.StreamConfig{
		Name: l.name, Description: "Streamgauge's log " + l.name,
		Subjects: []string{l.eventPrefix() + ">"}, Replicas: l.replicas, Storage: jetstream.FileStorage,
		AllowAtomicPublish: true, Metadata: map[string]string{metaEpoch: epoch},
	})
	if err != nil {
		return nil, err
	}
	if info.Config.Metadata[metaEpoch] == epoch {
		l.purgeEpochs(ctx, records.State.LastSeq)
	}
	if err := checkConfig(&info.Config); err != nil {
		return nil, err
	}
	level := streamgauge.LevelOS
	switch {
	case info.Config.Replicas > 1:
		level = streamgauge.LevelReplicated
	case info.Config.Storage == jetstream.MemoryStorage:
		level = streamgauge.LevelMemory
	}
	l.level.Store(level)
	if _, ok := parseEpoch(info.Config.Metadata[metaEpoch]); !ok {
		return l.renew(ctx, info) // somebody has made the stream for us
	}
	return info, nil
}

// stream returns a stream as it is, having made it if there was none.
func (l *Log) stream(ctx context.Context, config jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	s, err := l.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = l.js.CreateStream(ctx, config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another instance was faster
			s, err = l.js.Stream(ctx, config.Name)
		}
	}
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

// checkConfig says whether a stream that somebody else made will do.
func checkConfig(c *jetstream.StreamConfig) error {
	switch {
	case !c.AllowAtomicPublish:
		return fmt.Errorf("the JetStream stream %s does not take atomic batches (allow_atomic)", c.Name)
	case c.Retention != jetstream.LimitsPolicy || c.MaxMsgs > 0 || c.MaxAge > 0 || c.MaxMsgsPerSubject > 0 ||
		c.MaxBytes > 0 && c.Discard != jetstream.DiscardNew:
		return fmt.Errorf("the JetStream stream %s has limits of its own, by which it would lose what the log keeps; "+
			"all it may have is max_bytes with discard new", c.Name)
	}
	return nil
}

// renew gives the log another epoch. If others do so too, the last one prevails.
func (l *Log) renew(ctx context.Context, info *jetstream.StreamInfo) (*jetstream.StreamInfo, error) {
	records, err := l.stream(ctx, l.controlConfig())
	if err != nil {
		return nil, err
	}
	config := info.Config
	config.Metadata = maps.Clone(config.Metadata)
	if config.Metadata == nil {
		config.Metadata = make(map[string]string)
	}
	config.Metadata[metaEpoch] = formatEpoch(streamgauge.NewEpoch())
	s, err := l.js.UpdateStream(ctx, config)
	if err != nil {
		return nil, err
	}
	l.purgeEpochs(ctx, records.State.LastSeq)
	return s.CachedInfo(), nil
}

// purgeEpochs deletes the control records up to a number: they are of epochs that have
// ended. If it fails they are in nobody's way.
func (l *Log) purgeEpochs(ctx context.Context, through uint64) {
	for _, what := range [...]string{"gone", "past", "forget", "keys"} {
		if err := l.purgeControl(ctx, "*", what, through+1); err != nil {
			l.logger.Warn("old control records in NATS can't be deleted", "error", err)
		}
	}
}
