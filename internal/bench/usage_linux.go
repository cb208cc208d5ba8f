package bench

import (
	"time"

	"github.com/streamgauge/streamgauge/internal/check"
)

// usage is what has been used up and done so far.
type usage struct {
	at               time.Duration
	server, client   time.Duration
	machine          machine
	delivered, acked uint64
	received         uint64
}

// usage reads the counters. Those that can't be read are 0: the server may be
// on another machine, or have ended, which is noticed elsewhere.
func (r *run) usage() usage {
	u := usage{at: r.loop.now(), client: ownTime(), delivered: r.tally.delivered, acked: r.tally.acked, received: r.tally.received}
	if r.pid > 0 {
		u.server, _ = cpuTime(r.pid)
	}
	u.machine, _ = readMachine()
	return u
}

// record writes down what was done and used since.
func (r *run) record(before usage) {
	now, res := r.usage(), &r.result
	wall := now.at - before.at
	res.Seconds = wall.Seconds()
	res.Deliveries = now.delivered - before.delivered
	res.DeliveriesPerSecond = float64(res.Deliveries) / res.Seconds
	res.Acked = now.acked - before.acked
	res.AckedPerSecond = float64(res.Acked) / res.Seconds
	server, client := now.server-before.server, now.client-before.client
	res.CPUSeconds = server.Seconds()
	if res.Deliveries > 0 {
		res.CPUPerMillionDeliveries = res.CPUSeconds / float64(res.Deliveries) * 1e6
		res.BytesPerDelivery = float64(now.received-before.received) / float64(res.Deliveries)
	} else if res.Acked > 0 {
		res.CPUPerMillionAcked = res.CPUSeconds / float64(res.Acked) * 1e6
	}
	share := func(d time.Duration) float64 { return max(0, d.Seconds()/res.Seconds) }
	res.ClientCPU = share(client)
	stolen := now.machine.stolen - before.machine.stolen
	res.Steal = share(stolen)
	if r.pid > 0 {
		res.Others = share(now.machine.busy - before.machine.busy - server - client)
	}
}

// resident returns the server's memory, or 0.
func (r *run) resident() int64 {
	if r.pid == 0 {
		return 0
	}
	n, _ := resident(r.pid)
	return n
}

// perSubscriber returns by how much the server's memory has grown for each.
func (r *run) perSubscriber() float64 {
	n := len(r.subscribers) + len(r.stalled)
	now := r.resident()
	if n == 0 || now == 0 {
		return 0
	}
	return float64(now-r.result.MemoryBytes) / float64(n)
}

// conclude completes the result.
func (r *run) conclude() {
	o, res := &r.o, &r.result
	res.Mode, res.Subscribers, res.Stalled, res.Streams = o.Mode, o.Subscribers, o.Stalled, o.Streams
	res.Publishers, res.Batch, res.Payload, res.Rate = o.Publishers, o.Batch, o.Payload, o.Rate
	res.Latency, res.AckLatency = r.tally.latency.quantiles(), r.tally.acks.quantiles()
	res.Refused = r.tally.refused
	var report check.Report
	for _, s := range r.subscribers {
		if s.dropped != nil {
			res.Disconnected++
		}
		report.Merge(s.check.Finish(&r.ledger))
	}
	res.Checked, res.Gaps = report.Events, report.Gaps
	res.Lost = report.Count(check.ErrLost)
	res.Duplicate = report.Count(check.ErrDuplicate)
	res.Reordered = report.Count(check.ErrReordered)
	if err := report.Err(); err != nil {
		res.Violations = err.Error()
	}
	res.judge()
}
