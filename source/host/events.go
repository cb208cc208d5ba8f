package host

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/net"

	"github.com/streamgauge/streamgauge"
)

// batch collects the events of one sample.
type batch struct {
	at     time.Time
	events []streamgauge.Event
}

// add appends an event. A key that no log accepts, such as a mount point's
// broken name, must not spoil the batch: its event is left out.
func (b *batch) add(stream, key string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil || streamgauge.CheckKey(key) != nil {
		return
	}
	b.events = append(b.events, streamgauge.Event{Stream: stream, Key: key, Time: b.at, Data: encoded})
}

// events says what the current sample shows, compared with the one before where
// it needs to be. It is a function of the two and nothing else.
func events(previous, current *sample) []streamgauge.Event {
	b := &batch{at: current.at}
	b.cpu(previous, current)
	b.load(current)
	b.memory(current)
	b.disks(current)
	b.diskIO(previous, current)
	b.network(previous, current)
	b.temperatures(current)
	if current.processes.ok() {
		b.add("host.processes", "", current.processes.value)
	}
	return b.events
}

type coreUsage struct {
	Core   int     `json:"core"`
	Usage  float64 `json:"usage_percent"`
	User   float64 `json:"user_percent"`
	System float64 `json:"system_percent"`
}

type cpuUsage struct {
	Usage  float64 `json:"usage_percent"`
	User   float64 `json:"user_percent"`
	System float64 `json:"system_percent"`
	IOWait float64 `json:"iowait_percent"`
	Steal  float64 `json:"steal_percent"`
}

func (b *batch) cpu(previous, current *sample) {
	if !current.cores.ok() || !previous.cores.ok() {
		return
	}
	before := make(map[string]cpu.TimesStat, len(previous.cores.value))
	for _, core := range previous.cores.value {
		before[core.CPU] = core
	}
	var all cpu.TimesStat
	var each []coreUsage
	for i, core := range current.cores.value {
		then, known := before[core.CPU]
		if !known { // it was plugged in
			continue
		}
		d := spent(then, core)
		number, err := strconv.Atoi(strings.TrimPrefix(core.CPU, "cpu"))
		if err != nil {
			number = i
		}
		u := usage(d)
		each = append(each, coreUsage{number, u.Usage, u.User, u.System})
		all.User += d.User
		all.System += d.System
		all.Idle += d.Idle
		all.Iowait += d.Iowait
		all.Steal += d.Steal
	}
	if len(each) == 0 {
		return
	}
	sum := usage(all)
	b.add("host.cpu", "", sum)
	for _, core := range each {
		b.add("host.cpu.core", strconv.Itoa(core.Core), core)
	}
}

// spent returns how a core spent the time between two looks, in seconds: nice
// counts as user, interrupts as system, and guests are in user already. Some
// kernels' counters run backwards at times, which counts as nothing.
func spent(a, b cpu.TimesStat) cpu.TimesStat {
	diff := func(a, b float64) float64 { return max(b-a, 0) }
	return cpu.TimesStat{
		User:   diff(a.User, b.User) + diff(a.Nice, b.Nice),
		System: diff(a.System, b.System) + diff(a.Irq, b.Irq) + diff(a.Softirq, b.Softirq),
		Idle:   diff(a.Idle, b.Idle),
		Iowait: diff(a.Iowait, b.Iowait),
		Steal:  diff(a.Steal, b.Steal),
	}
}

// usage turns seconds into shares. Waiting for a disk is no usage; time that
// the hypervisor gave to others is.
func usage(d cpu.TimesStat) cpuUsage {
	total := d.User + d.System + d.Idle + d.Iowait + d.Steal
	return cpuUsage{
		Usage:  percent(d.User+d.System+d.Steal, total),
		User:   percent(d.User, total),
		System: percent(d.System, total),
		IOWait: percent(d.Iowait, total),
		Steal:  percent(d.Steal, total),
	}
}

func (b *batch) load(s *sample) {
	if !s.load.ok() {
		return
	}
	b.add("host.load", "", struct {
		Load1  float64 `json:"load1"`
		Load5  float64 `json:"load5"`
		Load15 float64 `json:"load15"`
	}{round(s.load.value.Load1), round(s.load.value.Load5), round(s.load.value.Load15)})
}

func (b *batch) memory(s *sample) {
	if m := s.memory.value; s.memory.ok() {
		b.add("host.memory", "", struct {
			UsedPercent float64 `json:"used_percent"`
			Used        uint64  `json:"used_bytes"`
			Available   uint64  `json:"available_bytes"`
			Cached      uint64  `json:"cached_bytes"`
			Total       uint64  `json:"total_bytes"`
		}{round(m.UsedPercent), m.Used, m.Available, m.Cached, m.Total})
	}
	if m := s.swap.value; s.swap.ok() && m.Total > 0 {
		b.add("host.swap", "", struct {
			UsedPercent float64 `json:"used_percent"`
			Used        uint64  `json:"used_bytes"`
			Total       uint64  `json:"total_bytes"`
		}{percent(float64(m.Used), float64(m.Total)), m.Used, m.Total})
	}
}

func (b *batch) disks(s *sample) {
	for _, d := range s.disks.value {
		b.add("host.disk", d.Path, struct {
			Mount       string  `json:"mount"`
			UsedPercent float64 `json:"used_percent"`
			Used        uint64  `json:"used_bytes"`
			Free        uint64  `json:"free_bytes"`
			Total       uint64  `json:"total_bytes"`
		}{d.Path, round(d.UsedPercent), d.Used, d.Free, d.Total})
	}
}

func (b *batch) diskIO(previous, current *sample) {
	if !current.diskIO.ok() || !previous.diskIO.ok() {
		return
	}
	elapsed := current.diskIO.at.Sub(previous.diskIO.at)
	devices := current.diskIO.value
	for _, device := range slices.Sorted(maps.Keys(devices)) {
		now := devices[device]
		then, known := previous.diskIO.value[device]
		if !known || !isDisk(device, devices) {
			continue
		}
		b.add("host.disk.io", device, struct {
			Device  string `json:"device"`
			Read    int64  `json:"read_bytes_per_second"`
			Written int64  `json:"written_bytes_per_second"`
		}{device, rate(then.ReadBytes, now.ReadBytes, elapsed), rate(then.WriteBytes, now.WriteBytes, elapsed)})
	}
}

// isDisk reports whether the device is neither an image or memory nor a
// partition of another device, whose activity would count twice, and has done
// anything since the machine started.
func isDisk(name string, devices map[string]disk.IOCountersStat) bool {
	for _, prefix := range []string{"loop", "ram", "zram"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	parent := strings.TrimRight(name, "0123456789")
	if _, ok := devices[parent]; ok && parent != name { // sda1
		return false
	}
	if _, ok := devices[strings.TrimSuffix(parent, "p")]; ok && parent != name { // nvme0n1p1
		return false
	}
	return devices[name].ReadBytes+devices[name].WriteBytes > 0
}

func (b *batch) network(previous, current *sample) {
	if !current.network.ok() || !previous.network.ok() {
		return
	}
	elapsed := current.network.at.Sub(previous.network.at)
	before := make(map[string]net.IOCountersStat, len(previous.network.value))
	for _, i := range previous.network.value {
		before[i.Name] = i
	}
	for _, now := range inUse(current.network.value) {
		then, known := before[now.Name]
		if !known {
			continue
		}
		b.add("host.network", now.Name, struct {
			Interface string `json:"interface"`
			Received  int64  `json:"received_bytes_per_second"`
			Sent      int64  `json:"sent_bytes_per_second"`
		}{now.Name, rate(then.BytesRecv, now.BytesRecv, elapsed), rate(then.BytesSent, now.BytesSent, elapsed)})
	}
}

// inUse returns the interfaces that have ever carried a byte, and loopback only
// if there is no other.
func inUse(interfaces []net.IOCountersStat) []net.IOCountersStat {
	var out, loopback []net.IOCountersStat
	for _, i := range interfaces {
		switch {
		case i.Name == "lo" || i.Name == "lo0" || strings.HasPrefix(i.Name, "Loopback"):
			loopback = append(loopback, i)
		case i.BytesRecv+i.BytesSent > 0:
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return loopback
	}
	return out
}

// temperatures says one value per sensor. Of several under the same name, such
// as two disks of the same kind, it is the hottest.
func (b *batch) temperatures(s *sample) {
	hottest := map[string]float64{}
	for _, t := range s.temperatures.value {
		if t.Temperature > 0 { // a sensor that isn't connected reads 0
			hottest[t.SensorKey] = max(hottest[t.SensorKey], t.Temperature)
		}
	}
	for _, sensor := range slices.Sorted(maps.Keys(hottest)) {
		b.add("host.temperature", sensor, struct {
			Sensor  string  `json:"sensor"`
			Celsius float64 `json:"celsius"`
		}{sensor, round(hottest[sensor])})
	}
}

// rate returns bytes per second. A counter that went back was reset.
func rate(then, now uint64, elapsed time.Duration) int64 {
	if now < then || elapsed <= 0 {
		return 0
	}
	return int64(math.Round(float64(now-then) / elapsed.Seconds()))
}

// percent returns a share with two decimals; of nothing it is 0.
func percent(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return round(100 * part / whole)
}

func round(v float64) float64 { return math.Round(v*100) / 100 }
