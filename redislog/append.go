package redislog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/replica"
)

const (
	groupEvents = 4096    // of several requests that are written together
	groupBytes  = 4 << 20 // of their data
	maxWait     = 5 * time.Second
)

// A request is what one caller wants written: a batch or a forget.
type request struct {
	ctx    context.Context
	batch  streamgauge.Batch
	forget string
	answer chan answer // capacity 1
}

type answer struct {
	receipt streamgauge.Receipt
	err     error
}

func (r *request) size() (n int) {
	for i := range r.batch.Events {
		n += len(r.batch.Events[i].Data)
	}
	return n
}

// Append implements [streamgauge.Log]. While Redis can't be reached it waits for five
// seconds, then it gives up with [streamgauge.ErrUnavailable]; whether the batch was
// stored is known then only if it has an idempotency key and is appended again.
func (l *Log) Append(ctx context.Context, batch streamgauge.Batch) (streamgauge.Receipt, error) {
	if ctx.Err() != nil {
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
	if err := batch.Validate(); err != nil {
		return streamgauge.Receipt{}, err
	}
	// The caller's slices are its own again when its context ends.
	batch.Events = streamgauge.CloneEvents(make([]streamgauge.Event, 0, len(batch.Events)), batch.Events)
	return l.submit(&request{ctx: ctx, batch: batch})
}

// Forget implements [streamgauge.Log].
func (l *Log) Forget(ctx context.Context, stream string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if streamgauge.CheckStream(stream) != nil {
		return nil // it can't exist
	}
	_, err := l.submit(&request{ctx: ctx, forget: stream})
	return err
}

func (l *Log) submit(r *request) (streamgauge.Receipt, error) {
	if err := l.replica.Closed(r.ctx); err != nil {
		return streamgauge.Receipt{}, err
	}
	r.answer = make(chan answer, 1)
	ctx, cancel := context.WithTimeoutCause(r.ctx, 2*maxWait,
		fmt.Errorf("%w: Redis does not take events", streamgauge.ErrUnavailable))
	defer cancel()
	select {
	case l.appends <- r:
	case <-l.stopped:
		return streamgauge.Receipt{}, streamgauge.ErrClosed
	case <-ctx.Done():
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
	select {
	case a := <-r.answer:
		return a.receipt, a.err
	case <-ctx.Done():
		return streamgauge.Receipt{}, context.Cause(ctx)
	}
}

// write writes what is to be appended until the context ends. What comes while it is at
// it is written together.
func (l *Log) write(ctx context.Context) {
	var group []*request
	for operation := uint64(1); ; operation++ {
		group = group[:0]
		select {
		case r := <-l.appends:
			group = append(group, r)
		case <-ctx.Done():
			return // who was not taken is told by submit
		}
		events, bytes := len(group[0].batch.Events), group[0].size()
		for more := true; more && events < groupEvents && bytes < groupBytes; {
			select {
			case r := <-l.appends:
				group = append(group, r)
				events += len(r.batch.Events)
				bytes += r.size()
			default:
				more = false
			}
		}
		l.writeGroup(ctx, group, strconv.FormatUint(operation, 10))
	}
}

// writeGroup writes the requests and answers them. What becomes of a script whose answer
// is lost nobody knows, so it is run again as the same operation, which Redis recognises.
func (l *Log) writeGroup(ctx context.Context, group []*request, operation string) {
	give := func(err error) {
		for _, r := range group {
			r.answer <- answer{err: err}
		}
	}
	// A log that is closed meanwhile still says what became of them.
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxWait)
	defer cancel()
	args := l.arguments(group, operation)
	for {
		at := l.replica.Position()
		args[2], args[3] = formatEpoch(at.Epoch), strconv.FormatUint(at.Seq, 10)
		if args[5] = ""; l.now != nil {
			args[5] = strconv.FormatInt(l.now().UnixMilli(), 10)
		}
		result, err := appendScript.run(deadline, l.client, l.appendKeys(), args).ToArray()
		if err == nil {
			var status string
			if status, err = result[0].ToString(); err == nil && status == "ok" {
				l.written(ctx, at.Epoch, group, result)
				return
			}
			l.poke() // it is another log
			err = fmt.Errorf("the log was replaced")
		}
		if ctx.Err() != nil {
			give(streamgauge.ErrClosed)
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline.Done():
		}
		if deadline.Err() != nil {
			give(unavailable("append to Redis", err))
			return
		}
	}
}

func (l *Log) appendKeys() []string {
	return []string{
		l.key("meta"), l.key("log"), l.key("names"), l.key("counts"), l.key("ring"),
		l.key("keys"), l.key("keyorder"), l.key("operation:" + l.instance),
	}
}

// arguments are those of append.lua.
func (l *Log) arguments(group []*request, operation string) []string {
	args := []string{l.prefix, l.key("wake"), "", "", operation, ""}
	for _, r := range group {
		if r.forget != "" {
			args = append(args, "f", r.forget)
			continue
		}
		fingerprint := ""
		if r.batch.Key != "" {
			fingerprint = strconv.FormatUint(r.batch.Fingerprint(), 36)
		}
		args = append(args, "e", r.batch.Key, fingerprint, strconv.Itoa(len(r.batch.Events)))
		for i := range r.batch.Events {
			e := &r.batch.Events[i]
			rule := l.rules.For(e.Stream)
			keep := 0 // where more counts than how many there are, an instance trims
			if rule.Delivery != streamgauge.DeliverLatest {
				keep = rule.Keep.Events
			}
			args = append(args, e.Stream, strconv.Itoa(keep), strconv.FormatUint(uint64(keyHash(e.Key)), 10),
				strconv.Itoa(len(e.Data)), rueidis.BinaryString(replica.AppendBody(nil, e)))
		}
	}
	return args
}

// written makes what was written known here and answers the requests.
func (l *Log) written(ctx context.Context, epoch streamgauge.Epoch, group []*request, result []rueidis.RedisMessage) {
	w, err := parseWritten(result, len(group))
	if err == nil {
		err = l.applyOwn(ctx, epoch, group, w)
	}
	if err != nil {
		l.poke() // it is stored, and will be seen
	}
	for i, r := range group {
		if err != nil && w.results == nil {
			r.answer <- answer{err: unavailable("append to Redis", err)}
			continue
		}
		r.answer <- w.results[i].answer(epoch, l.level)
	}
}

// written is what append.lua returns.
type written struct {
	appended     uint64
	before, last entryID
	results      []outcome
}

// outcome is what became of one request.
type outcome struct {
	first, last uint64
	count       int
	duplicate   bool
	reused      bool
	forgot      entryID // if there was anything to forget
}

func (o *outcome) answer(epoch streamgauge.Epoch, level streamgauge.Level) answer {
	if o.reused {
		return answer{err: streamgauge.ErrKeyReused}
	}
	return answer{receipt: streamgauge.Receipt{
		Position: streamgauge.Position{Epoch: epoch, Seq: o.last}, Count: o.count,
		Level: level, Duplicate: o.duplicate,
	}}
}

var errNonsense = errors.New("answered nonsense by Redis")

func parseWritten(m []rueidis.RedisMessage, requests int) (w written, err error) {
	if len(m) != 5 {
		return w, errNonsense
	}
	appended, err := m[1].AsUint64()
	if err != nil {
		return w, err
	}
	w.appended = appended
	if w.before, err = idOf(m[2]); err != nil {
		return w, err
	}
	if w.last, err = idOf(m[3]); err != nil {
		return w, err
	}
	results, err := m[4].ToArray()
	if err != nil || len(results) != requests {
		return w, errNonsense
	}
	out := make([]outcome, requests)
	for i := range results {
		if err := out[i].parse(results[i]); err != nil {
			return w, err
		}
	}
	w.results = out
	return w, nil
}

func (o *outcome) parse(m rueidis.RedisMessage) error {
	all, err := m.ToArray()
	if err != nil {
		return err
	}
	if len(all) == 1 {
		text, err := all[0].ToString()
		switch {
		case err != nil:
			return err
		case text == "reused":
			o.reused = true
		case text != "":
			o.forgot, err = idOf(all[0])
		}
		return err
	}
	if len(all) < 3 {
		return errNonsense
	}
	var count uint64
	for i, to := range []*uint64{&o.first, &o.last, &count} {
		if *to, err = all[i].AsUint64(); err != nil {
			return err
		}
	}
	o.count, o.duplicate = int(count), len(all) > 3
	return nil
}

func idOf(m rueidis.RedisMessage) (entryID, error) {
	text, err := m.ToString()
	if err != nil {
		return entryID{}, err
	}
	id, ok := parseID(text)
	if !ok {
		return entryID{}, errNonsense
	}
	return id, nil
}
