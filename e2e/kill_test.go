//go:build linux

package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/check"
)

type killSize struct {
	kills, watchers int
	deliveries      uint64
}

// Whatever happens to connections and to the server, what was acknowledged
// comes once and in order.
func TestNothingIsLostOrRepeatedWhileTheServerIsKilled(t *testing.T) {
	t.Parallel()
	sized(t, killSize{2, 20, 20_000}, killSize{20, 50, 1_000_000}, func(t *testing.T, size killSize) {
		killing(t, size, startServer(t, killSettings))
	})
}

// The same with instances that share a log: clients and publishers turn to another
// with each connection.
func TestNothingIsLostOrRepeatedWhileInstancesAreKilled(t *testing.T) {
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sized(t, killSize{3, 20, 20_000}, killSize{30, 50, 1_000_000}, func(t *testing.T, size killSize) {
				setting, _ := start(t)
				settings := killSettings + setting
				killing(t, size, startServer(t, settings), startServer(t, settings), startServer(t, settings))
			})
		})
	}
}

// killing kills one of the servers again and again, and starts it again.
func killing(t *testing.T, size killSize, servers ...*server) {
	w := &killWorld{t: t, servers: servers, publishing: make(chan struct{}), watching: make(chan struct{})}
	random := rand.New(rand.NewPCG(seed(t), 0))
	w.begin(random, size)
	for range size.kills {
		w.pause(random)
		one := w.any(random)
		one.kill()
		one.start()
	}
	eventually(t, 2*time.Minute, fmt.Sprintf("there were %d deliveries", size.deliveries), func() bool {
		return w.deliveries.Load() >= size.deliveries
	})
	w.finish(size)
}

const killSettings = `
heartbeat: 1s
streams: [{match: ">", keep: {events: 10000000, bytes: 4GiB}}]
`

var killStreams = []string{"kill.a", "kill.b", "kill.c", "kill.deep.d", "kill.deep.e", "other.f"}

// killWorld is everything that goes on at the same time.
type killWorld struct {
	t       *testing.T
	servers []*server // of one log
	ledger  check.Ledger

	publishing, watching  chan struct{} // closed when to stop, and when to stop once caught up
	publishers, followers sync.WaitGroup
	watchers              []*watcher

	deliveries, connections, unanswered atomic.Uint64
}

// begin starts the subscribers, and when all are there, the publishers.
func (w *killWorld) begin(random *rand.Rand, size killSize) {
	for i := range size.watchers {
		one := newWatcher(i, rand.New(rand.NewPCG(random.Uint64(), 0)))
		w.watchers = append(w.watchers, one)
		c := mustConnect(w.t, w.any(random).api, one.request)
		if err := c.tell(one.check, c.mustNext(w.t)); err != nil {
			w.t.Fatal(err)
		}
		c.Close()
	}
	for _, one := range w.watchers {
		w.followers.Go(func() { w.follow(one) })
	}
	for i, stream := range killStreams {
		w.publish(rand.New(rand.NewPCG(random.Uint64(), 0)), i, i != 1, stream)
	}
	w.publish(rand.New(rand.NewPCG(random.Uint64(), 0)), len(killStreams), true, killStreams...)
}

// any returns one of the servers.
func (w *killWorld) any(random *rand.Rand) *server { return w.servers[random.IntN(len(w.servers))] }

// pause waits for the next kill, which now and then comes soon after the start.
func (w *killWorld) pause(random *rand.Rand) {
	most := 3 * time.Second
	if random.IntN(3) == 0 {
		most = 100 * time.Millisecond
	}
	<-time.After(time.Duration(random.Int64N(int64(most))))
}

// finish stops everything and compares.
func (w *killWorld) finish(size killSize) {
	close(w.publishing)
	w.publishers.Wait()
	close(w.watching)
	w.followers.Wait()
	var total check.Report
	for _, one := range w.watchers {
		total.Merge(one.check.Finish(&w.ledger))
	}
	if err := total.Err(); err != nil {
		w.t.Errorf("guarantees are broken:\n%v", err)
	}
	if total.Gaps > 0 {
		w.t.Errorf("%d gaps were told, but nothing was trimmed", total.Gaps)
	}
	w.t.Logf("%d deliveries of %d acknowledged events to %d subscribers over %d connections and %d kills; %d publishes were unanswered",
		total.Events, w.ledger.Acked(), size.watchers, w.connections.Load(), size.kills, w.unanswered.Load())
	if total.Events < size.deliveries {
		w.t.Errorf("%d deliveries are fewer than %d", total.Events, size.deliveries)
	}
	if w.unanswered.Load() == 0 && size.kills > 10 {
		w.t.Error("no kill interrupted a publish: nothing is shown")
	}
}

// publish starts a publisher of batches over the streams. One that retries
// repeats a batch under its key until it is acknowledged; another goes on, and
// never knows.
func (w *killWorld) publish(random *rand.Rand, id int, retries bool, streams ...string) {
	var numbered []*check.Publisher
	for _, stream := range streams {
		numbered = append(numbered, w.ledger.NewPublisher(id, stream))
	}
	w.publishers.Go(func() {
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for batch := 0; ; batch++ {
			select {
			case <-w.publishing:
				return
			case <-tick.C:
			}
			var body []byte
			counts := make([]int, len(numbered))
			for range 1 + random.IntN(30) {
				i := random.IntN(len(numbered))
				body = fmt.Appendf(body, `{"stream":%q,"data":`, numbered[i].Stream())
				body = append(numbered[i].Append(body, 0, 60+random.IntN(300)), "}\n"...)
				counts[i]++
			}
			key := ""
			if retries {
				key = fmt.Sprintf("%d-%d", id, batch)
			}
			acked := w.send(random, string(body), key)
			for i, n := range counts {
				switch {
				case n == 0:
				case acked:
					numbered[i].Acked(n)
				default:
					numbered[i].Unknown(n)
				}
			}
		}
	})
}

// send publishes a batch and reports whether it was acknowledged.
func (w *killWorld) send(random *rand.Rand, body, key string) bool {
	for {
		r, err := publish(w.any(random).api, "/v1/events", "application/x-ndjson", body, key)
		switch {
		case err == nil && r.status == http.StatusOK:
			return true
		case err == nil:
			w.t.Errorf("publish: status %d: %s", r.status, r.Detail)
			return false
		}
		w.unanswered.Add(1)
		if key == "" {
			return false
		}
		<-time.After(10 * time.Millisecond)
	}
}

// A watcher is a subscriber that is cut again and again.
type watcher struct {
	request request
	check   *check.Subscriber
	random  *rand.Rand
}

// newWatcher returns the i-th: each has another mixture of selection and form.
func newWatcher(i int, random *rand.Rand) *watcher {
	var r request
	var selected []string
	switch stream := killStreams[i%len(killStreams)]; i % 5 {
	case 0:
		r, selected = onStream(stream, ""), []string{stream}
	case 1:
		selected = []string{[]string{"kill.*", "kill.>", ">", "kill.deep.*"}[i/5%4]}
		r = on("stream=" + selected[0])
	case 2:
		for _, n := range random.Perm(len(killStreams))[:2+random.IntN(4)] {
			selected = append(selected, killStreams[n])
		}
		r = on("stream=" + strings.Join(selected, "&stream="))
	case 3:
		selected = []string{[]string{"kill.>", "other.*"}[i/5%2]}
		r = on("stream=" + selected[0]).as(ndjson)
	case 4: // the condition leaves one stream of them
		r, selected = on("stream=>&filter=stream+==+%22"+stream+"%22"), []string{stream}
	}
	slices.Sort(selected)
	selection, err := streamgauge.NewSelection(selected...)
	if err != nil {
		panic(err)
	}
	return &watcher{r, check.NewSubscriber(fmt.Sprintf("subscriber %d (%s)", i, r.path), selection), random}
}

// follow follows until everything has come, over as many connections as that
// takes.
func (w *killWorld) follow(one *watcher) {
	var giveUp <-chan time.Time
	for watching := w.watching; ; {
		select {
		case <-watching:
			watching, giveUp = nil, time.After(30*time.Second)
		case <-giveUp:
			w.t.Errorf("%s: not everything had come 30 s after the end", one.request.path)
			return
		default:
		}
		if giveUp != nil && one.check.CaughtUp(&w.ledger) {
			return
		}
		end := randomCut(one.random)
		if giveUp != nil {
			end = cut{after: time.Second}
		}
		if err := w.connection(one, end); err != nil {
			w.t.Error(err)
			return
		}
	}
}

// connection follows over one connection. Its error is one that neither a cut
// nor a kill explains.
func (w *killWorld) connection(one *watcher, end cut) error {
	c, err := connect(w.any(one.random).api, one.request.after(one.check.Cursor()), end.input)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		<-time.After(5 * time.Millisecond) // it may be down
		return nil
	}
	defer c.Close()
	w.connections.Add(1)
	one.check.Connected()
	for {
		before := one.check.Received()
		var m message
		if m, err = c.next(); err != nil {
			break
		}
		if err := c.tell(one.check, m); err != nil {
			return err
		}
		w.deliveries.Add(one.check.Received() - before)
	}
	if end.how == halfClose && errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%s: the server did not close a half-closed connection within %v", one.request.path, halfCloseGrace)
	}
	return nil
}
