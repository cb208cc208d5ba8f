package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what a run came to. Figures that could not be had, such as the
// memory of a server on another machine, are 0 and left out.
type Result struct {
	Mode        Mode    `json:"mode"`
	Subscribers int     `json:"subscribers"`
	Stalled     int     `json:"stalled,omitempty"`
	Streams     int     `json:"streams"`
	Publishers  int     `json:"publishers"`
	Batch       int     `json:"batch"`
	Payload     int     `json:"payload_bytes"`
	Rate        float64 `json:"rate,omitempty"` // events due in a second
	Seconds     float64 `json:"seconds"`        // measured

	Deliveries          uint64    `json:"deliveries"` // measured
	DeliveriesPerSecond float64   `json:"deliveries_per_second"`
	Latency             Quantiles `json:"latency_ms"`
	BytesPerDelivery    float64   `json:"bytes_per_delivery,omitempty"` // that subscribers have read, HTTP's too
	Acked               uint64    `json:"acked"`
	AckedPerSecond      float64   `json:"acked_per_second"`
	AckLatency          Quantiles `json:"ack_latency_ms"`

	// Of the server.
	CPUSeconds              float64 `json:"server_cpu_seconds,omitempty"`
	CPUPerMillionDeliveries float64 `json:"server_cpu_seconds_per_million_deliveries,omitempty"`
	CPUPerMillionAcked      float64 `json:"server_cpu_seconds_per_million_acked,omitempty"`
	MemoryBytes             int64   `json:"server_rss_bytes,omitempty"` // before anyone connects
	IdleBytesPerSubscriber  float64 `json:"server_rss_bytes_per_subscriber_idle,omitempty"`
	AfterBytesPerSubscriber float64 `json:"server_rss_bytes_per_subscriber_after,omitempty"`

	// What the checker found over the whole run, not only while measuring.
	Checked      uint64 `json:"checked"` // events
	Lost         uint64 `json:"lost"`
	Duplicate    uint64 `json:"duplicate"`
	Reordered    uint64 `json:"reordered"`
	Gaps         uint64 `json:"gaps_told"`
	Refused      uint64 `json:"requests_refused"`
	Disconnected int    `json:"disconnected"`
	Violations   string `json:"violations,omitempty"` // every broken guarantee, in words

	// How far the figures can be trusted.
	ClientCPU float64  `json:"client_cpu"` // share of one CPU
	Others    float64  `json:"others_cpu"` // likewise, of all other processes
	Steal     float64  `json:"steal"`      // share of the machine that the hypervisor took away
	Notes     []string `json:"notes,omitempty"`
}

// Quantiles are in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (h *histogram) quantiles() Quantiles {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Quantiles{ms(h.quantile(0.5)), ms(h.quantile(0.9)), ms(h.quantile(0.99)), ms(h.max)}
}

// Sound reports whether every event that was acknowledged came once and in
// order, and nobody was sent away.
func (r *Result) Sound() bool {
	return r.Violations == "" && r.Refused == 0 && r.Disconnected == 0
}

// Disturbed reports whether other processes or the hypervisor took so much of
// the machine that the figures may be wrong.
func (r *Result) Disturbed() bool { return r.Others > busyOthers || r.Steal > muchSteal }

// What makes a run doubtful.
const (
	busyClient = 0.85
	busyOthers = 0.10
	muchSteal  = 0.02
)

// judge writes notes about what makes the run doubtful.
func (r *Result) judge() {
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if r.ClientCPU > busyClient {
		note("the client used %.0f %% of a CPU: it may be the bottleneck, not the server", 100*r.ClientCPU)
	}
	if r.Others > busyOthers {
		note("other processes used %.0f %% of a CPU: repeat the run on a quiet machine", 100*r.Others)
	}
	if r.Steal > muchSteal {
		note("the hypervisor took %.1f %% of the machine away: repeat the run", 100*r.Steal)
	}
	if r.Rate > 0 && r.Mode != Idle && r.Mode != Replay && r.AckedPerSecond < 0.95*r.Rate {
		note("%.0f events a second were due, but only %.0f were acknowledged: the server is overloaded, and latency grows with the run's length", r.Rate, r.AckedPerSecond)
	}
	if want := r.Rate * float64(r.Subscribers) / float64(r.Streams); r.Mode == FanOut && want > 0 && r.DeliveriesPerSecond < 0.95*want {
		note("%.0f deliveries a second were due, but only %.0f were made: the server is overloaded", want, r.DeliveriesPerSecond)
	}
}

// WriteText writes the result for people.
func (r *Result) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("run", "%s, %d subscribers (and %d stalled), %d streams, %d bytes, %.1f s", r.Mode, r.Subscribers, r.Stalled, r.Streams, r.Payload, r.Seconds)
	if r.Deliveries > 0 {
		row("deliveries", "%.0f a second, of %.0f bytes", r.DeliveriesPerSecond, r.BytesPerDelivery)
		row("latency", "%v", r.Latency)
	}
	if r.Acked > 0 {
		row("acknowledged", "%.0f events a second, %d connections, batches of %d", r.AckedPerSecond, r.Publishers, r.Batch)
		row("until acknowledged", "%v", r.AckLatency)
	}
	if r.CPUPerMillionDeliveries > 0 {
		row("server CPU", "%.2f s per million deliveries", r.CPUPerMillionDeliveries)
	}
	if r.CPUPerMillionAcked > 0 {
		row("server CPU", "%.2f s per million events", r.CPUPerMillionAcked)
	}
	if r.MemoryBytes > 0 {
		row("server memory", "%.1f MB before", float64(r.MemoryBytes)/1e6)
	}
	if r.IdleBytesPerSubscriber > 0 {
		row("", "%.1f kB for each subscriber, idle", r.IdleBytesPerSubscriber/1e3)
	}
	if r.AfterBytesPerSubscriber > 0 {
		row("", "%.1f kB for each subscriber, after the run", r.AfterBytesPerSubscriber/1e3)
	}
	row("checked", "%d events: %d lost, %d duplicate, %d reordered", r.Checked, r.Lost, r.Duplicate, r.Reordered)
	if r.Gaps > 0 || r.Refused > 0 || r.Disconnected > 0 {
		row("", "%d gaps told, %d requests refused, %d subscribers disconnected", r.Gaps, r.Refused, r.Disconnected)
	}
	row("client", "%.0f %% of a CPU; others %.0f %%; stolen %.1f %%", 100*r.ClientCPU, 100*r.Others, 100*r.Steal)
	for _, note := range r.Notes {
		row("note", "%s", note)
	}
	if r.Violations != "" {
		row("BROKEN", "%s", strings.ReplaceAll(r.Violations, "\n", "\n\t"))
	}
	return t.Flush()
}

// String names the quantiles.
func (q Quantiles) String() string {
	return fmt.Sprintf("p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms", q.P50, q.P90, q.P99, q.Max)
}
