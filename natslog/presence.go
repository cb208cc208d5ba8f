package natslog

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// presentFor is how long an instance counts as there after what it has said last.
const presentFor = 5 * time.Second

// presence is what instances have said of themselves. It goes by plain messages, which no
// stream keeps.
type presence struct {
	mu   sync.Mutex // protects following
	said map[string]said
}

type said struct {
	text []byte
	at   time.Time
}

func (p *presence) hear(name string, text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said == nil {
		p.said = make(map[string]said)
	}
	p.said[name] = said{text, time.Now()}
}

func (l *Log) presenceSubject(name string) string { return l.name + "-presence." + name }

// listen hears what instances say of themselves, until the connection is closed.
func (l *Log) listen() error {
	prefix := len(l.presenceSubject(""))
	_, err := l.conn.Subscribe(l.presenceSubject("*"), func(m *nats.Msg) { l.presence.hear(m.Subject[prefix:], m.Data) })
	if err != nil {
		return err
	}
	return l.conn.FlushTimeout(commandTimeout) // from here on nothing is missed
}

// Announce tells the other instances what the hub of this name is doing.
func (l *Log) Announce(_ context.Context, name string, said []byte) error {
	return l.conn.Publish(l.presenceSubject(name), said)
}

// Announced returns what instances have said in the last five seconds, by name.
func (l *Log) Announced(context.Context) (map[string][]byte, error) {
	l.presence.mu.Lock()
	defer l.presence.mu.Unlock()
	all := make(map[string][]byte)
	for name, s := range l.presence.said {
		if time.Since(s.at) > presentFor {
			delete(l.presence.said, name)
		} else {
			all[name] = s.text
		}
	}
	return all, nil
}
