package host

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/sensors"
)

// reading is one kind of value as it was read. The zero reading is none.
type reading[T any] struct {
	at    time.Time
	value T
}

func (r reading[T]) ok() bool { return !r.at.IsZero() }

func (r reading[T]) orElse(other reading[T]) reading[T] {
	if r.ok() {
		return r
	}
	return other
}

func read[T any](at time.Time, value T) reading[T] { return reading[T]{at, value} }

// sample is what was read at one time. What wasn't due has no reading.
type sample struct {
	at           time.Time
	cores        reading[[]cpu.TimesStat]
	load         reading[*load.AvgStat]
	memory       reading[*mem.VirtualMemoryStat]
	swap         reading[*mem.SwapMemoryStat]
	disks        reading[[]*disk.UsageStat]
	diskIO       reading[map[string]disk.IOCountersStat]
	network      reading[[]net.IOCountersStat]
	temperatures reading[[]sensors.TemperatureStat]
	processes    reading[processes]
}

// orElse returns the newest of every reading whose difference to the next will
// be asked for.
func (s *sample) orElse(older *sample) sample {
	return sample{
		at:      s.at,
		cores:   s.cores.orElse(older.cores),
		diskIO:  s.diskIO.orElse(older.diskIO),
		network: s.network.orElse(older.network),
	}
}

// collector reads one kind of value into a sample.
type collector struct {
	name    string
	every   time.Duration // at least
	collect func(ctx context.Context, s *sample) error

	due    time.Time
	begun  bool
	failed bool
}

func newCollectors(every time.Duration) []*collector {
	return []*collector{
		{name: "cpu", collect: collectCPU, every: every},
		{name: "load", collect: collectLoad, every: every},
		{name: "memory", collect: collectMemory, every: every},
		{name: "swap", collect: collectSwap, every: every},
		{name: "disks", collect: collectDisks, every: max(every, diskEvery)},
		{name: "disk activity", collect: collectDiskIO, every: every},
		{name: "network", collect: collectNetwork, every: every},
		{name: "temperatures", collect: collectTemperatures, every: max(every, temperatureEvery)},
		{name: "processes", collect: new(processTable).collect, every: every},
	}
}

// collectCPU reads the cores only: their sum is the machine.
func collectCPU(ctx context.Context, s *sample) error {
	at := time.Now()
	cores, err := cpu.TimesWithContext(ctx, true)
	if err == nil {
		s.cores = read(at, cores)
	}
	return err
}

func collectLoad(ctx context.Context, s *sample) error {
	average, err := load.AvgWithContext(ctx)
	if err == nil {
		s.load = read(s.at, average)
	}
	return err
}

func collectMemory(ctx context.Context, s *sample) error {
	memory, err := mem.VirtualMemoryWithContext(ctx)
	if err == nil {
		s.memory = read(s.at, memory)
	}
	return err
}

func collectSwap(ctx context.Context, s *sample) error {
	swap, err := mem.SwapMemoryWithContext(ctx)
	if err == nil {
		s.swap = read(s.at, swap)
	}
	return err
}

// collectDisks reads the usage of every disk. One that fails is left out, as
// happens when it is unmounted meanwhile.
func collectDisks(ctx context.Context, s *sample) error {
	partitions, err := disk.PartitionsWithContext(ctx, false)
	if err != nil {
		return err
	}
	var usages []*disk.UsageStat
	for _, mount := range mounts(partitions, isDirectory) {
		var usage *disk.UsageStat
		if usage, err = disk.UsageWithContext(ctx, mount); err == nil {
			usages = append(usages, usage)
		}
	}
	if len(usages) == 0 {
		return err
	}
	s.disks = read(s.at, usages)
	return nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// mounts returns where the disks are mounted, each device once, at the shortest
// path. Images (snaps) are no disks, and containers mount single files. The root
// is always there, since in a container it has no device of its own.
func mounts(partitions []disk.PartitionStat, isDirectory func(string) bool) []string {
	partitions = slices.Clone(partitions)
	slices.SortStableFunc(partitions, func(a, b disk.PartitionStat) int {
		return len(a.Mountpoint) - len(b.Mountpoint)
	})
	var out []string
	devices := map[string]bool{}
	for _, p := range partitions {
		image := p.Fstype == "squashfs" || p.Fstype == "erofs" || strings.HasPrefix(p.Device, "/dev/loop")
		if image || devices[p.Device] || !isDirectory(p.Mountpoint) {
			continue
		}
		devices[p.Device] = true
		out = append(out, p.Mountpoint)
	}
	if runtime.GOOS != "windows" && !slices.Contains(out, "/") {
		out = append(out, "/")
	}
	slices.Sort(out)
	return out
}

func collectDiskIO(ctx context.Context, s *sample) error {
	at := time.Now()
	counters, err := disk.IOCountersWithContext(ctx)
	if err == nil {
		s.diskIO = read(at, counters)
	}
	return err
}

func collectNetwork(ctx context.Context, s *sample) error {
	at := time.Now()
	counters, err := net.IOCountersWithContext(ctx, true)
	if err == nil {
		s.network = read(at, counters)
	}
	return err
}

// collectTemperatures takes what there is: an error may be about one sensor of
// many.
func collectTemperatures(ctx context.Context, s *sample) error {
	temperatures, err := sensors.TemperaturesWithContext(ctx)
	if len(temperatures) > 0 {
		s.temperatures = read(s.at, temperatures)
	}
	return err
}
