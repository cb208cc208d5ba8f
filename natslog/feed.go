package natslog

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	heartbeat    = time.Second // of a feed that has nothing to bring
	feedMessages = 4096        // that NATS may send ahead
	feedBytes    = 16 << 20
)

// A feed brings the messages of a JetStream stream in order, none left out but those that
// are deleted.
type feed struct {
	consumer jetstream.Consumer
	pending  uint64             // how many there were when it began
	messages chan jetstream.Msg // closed when it ends
	err      error              // why it has ended
	iterator jetstream.MessagesContext
	stop     context.CancelFunc
}

// openFeed begins a feed at a sequence number, of these subjects if there are any.
func (l *Log) openFeed(ctx context.Context, stream string, start uint64, subjects ...string) (*feed, error) {
	consumer, err := l.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: start, FilterSubjects: subjects,
		AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, MemoryStorage: true, Replicas: 1, InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	f := &feed{consumer: consumer, pending: consumer.CachedInfo().NumPending, messages: make(chan jetstream.Msg, 256)}
	f.iterator, err = consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(feedMessages, feedBytes),
		jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return nil, err
	}
	ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(f.messages)
		f.err = f.pump(ctx)
	}()
	return f, nil
}

// pump hands the messages on. It ends when one is missing, as it ends when NATS falls
// silent: whoever follows begins another feed then.
func (f *feed) pump(ctx context.Context) error {
	for n := uint64(1); ; n++ {
		m, err := f.iterator.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != n {
			return errMissed
		}
		select {
		case f.messages <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close ends the feed and waits until it has.
func (f *feed) close() {
	f.stop()
	f.iterator.Stop()
	for range f.messages {
	}
}
