package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/sensors"

	"github.com/streamgauge/streamgauge"
)

var (
	t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	t2 = t0.Add(2 * time.Second)
)

// lines shows events one per line: stream, key, data.
func lines(events []streamgauge.Event) string {
	var out strings.Builder
	for _, e := range events {
		fmt.Fprintf(&out, "%s %s %s\n", e.Stream, e.Key, e.Data)
	}
	return strings.TrimSpace(out.String())
}

func TestEvents(t *testing.T) {
	for _, test := range []struct {
		name              string
		previous, current sample
		want              string
	}{
		{name: "nothing read says nothing"},
		{
			name:     "processor usage is what was spent between the samples",
			previous: sample{cores: read(t0, []cpu.TimesStat{{CPU: "cpu0", User: 10, Idle: 90}, {CPU: "cpu1", User: 5, Idle: 5}})},
			current: sample{cores: read(t2, []cpu.TimesStat{
				{CPU: "cpu0", User: 10.5, Nice: 0.25, System: 0.25, Irq: 0.125, Softirq: 0.125, Steal: 0.25, Iowait: 0.25, Idle: 90.25},
				{CPU: "cpu1", User: 5, Idle: 7},
			})},
			want: `host.cpu  {"usage_percent":37.5,"user_percent":18.75,"system_percent":12.5,"iowait_percent":6.25,"steal_percent":6.25}
host.cpu.core 0 {"core":0,"usage_percent":75,"user_percent":37.5,"system_percent":25}
host.cpu.core 1 {"core":1,"usage_percent":0,"user_percent":0,"system_percent":0}`,
		},
		{
			name:     "counters that run backwards are no usage, and a guest's time is not counted twice",
			previous: sample{cores: read(t0, []cpu.TimesStat{{CPU: "cpu0", User: 1, Idle: 10, Iowait: 5}})},
			current:  sample{cores: read(t2, []cpu.TimesStat{{CPU: "cpu0", User: 2, Guest: 1, Idle: 11, Iowait: 4}})},
			want: `host.cpu  {"usage_percent":50,"user_percent":50,"system_percent":0,"iowait_percent":0,"steal_percent":0}
host.cpu.core 0 {"core":0,"usage_percent":50,"user_percent":50,"system_percent":0}`,
		},
		{
			name:     "no time passed is no usage",
			previous: sample{cores: read(t0, []cpu.TimesStat{{CPU: "cpu0", User: 1}})},
			current:  sample{cores: read(t0, []cpu.TimesStat{{CPU: "cpu0", User: 1}})},
			want: `host.cpu  {"usage_percent":0,"user_percent":0,"system_percent":0,"iowait_percent":0,"steal_percent":0}
host.cpu.core 0 {"core":0,"usage_percent":0,"user_percent":0,"system_percent":0}`,
		},
		{
			name:     "a core that is plugged in waits for its second sample",
			previous: sample{cores: read(t0, []cpu.TimesStat{{CPU: "cpu0"}})},
			current:  sample{cores: read(t2, []cpu.TimesStat{{CPU: "cpu0", User: 1}, {CPU: "cpu1", User: 100}})},
			want: `host.cpu  {"usage_percent":100,"user_percent":100,"system_percent":0,"iowait_percent":0,"steal_percent":0}
host.cpu.core 0 {"core":0,"usage_percent":100,"user_percent":100,"system_percent":0}`,
		},
		{
			name:    "without a sample before there are only values that need none",
			current: sample{cores: read(t2, []cpu.TimesStat{{CPU: "cpu0"}}), load: read(t2, &load.AvgStat{Load1: 0.456, Load5: 1, Load15: 2})},
			want:    `host.load  {"load1":0.46,"load5":1,"load15":2}`,
		},
		{
			name: "memory, and swap where there is some",
			current: sample{
				memory: read(t2, &mem.VirtualMemoryStat{UsedPercent: 33.333, Used: 1, Available: 2, Cached: 3, Total: 4}),
				swap:   read(t2, &mem.SwapMemoryStat{Used: 1, Total: 3}),
			},
			want: `host.memory  {"used_percent":33.33,"used_bytes":1,"available_bytes":2,"cached_bytes":3,"total_bytes":4}
host.swap  {"used_percent":33.33,"used_bytes":1,"total_bytes":3}`,
		},
		{name: "no swap", current: sample{swap: read(t2, &mem.SwapMemoryStat{})}},
		{
			name: "disks, without one whose name no log takes as a key",
			current: sample{disks: read(t2, []*disk.UsageStat{
				{Path: "/", UsedPercent: 50, Used: 1, Free: 1, Total: 2}, {Path: "/bad\nname"}, {Path: "/" + strings.Repeat("x", 256)},
			})},
			want: `host.disk / {"mount":"/","used_percent":50,"used_bytes":1,"free_bytes":1,"total_bytes":2}`,
		},
		{
			name: "rates of devices, without partitions, images and those never used",
			previous: sample{diskIO: read(t0, map[string]disk.IOCountersStat{
				"sda": {ReadBytes: 100, WriteBytes: 100}, "sda1": {}, "nvme0n1": {}, "nvme0n1p1": {}, "loop0": {}, "sr0": {}, "vda": {ReadBytes: 9},
			})},
			current: sample{diskIO: read(t2, map[string]disk.IOCountersStat{
				"sda": {ReadBytes: 301, WriteBytes: 100}, "sda1": {ReadBytes: 1}, "nvme0n1": {WriteBytes: 2}, "nvme0n1p1": {ReadBytes: 1},
				"loop0": {ReadBytes: 1}, "sr0": {}, "vda": {ReadBytes: 1}, "sdb": {ReadBytes: 1},
			})},
			want: `host.disk.io nvme0n1 {"device":"nvme0n1","read_bytes_per_second":0,"written_bytes_per_second":1}
host.disk.io sda {"device":"sda","read_bytes_per_second":101,"written_bytes_per_second":0}
host.disk.io vda {"device":"vda","read_bytes_per_second":0,"written_bytes_per_second":0}`,
		},
		{
			name:     "rates of interfaces, without loopback and those never used",
			previous: sample{network: read(t0, []net.IOCountersStat{{Name: "lo"}, {Name: "eth0", BytesRecv: 10, BytesSent: 10}, {Name: "dummy0"}})},
			current:  sample{network: read(t2, []net.IOCountersStat{{Name: "lo", BytesRecv: 9}, {Name: "eth0", BytesRecv: 1010, BytesSent: 20}, {Name: "dummy0"}})},
			want:     `host.network eth0 {"interface":"eth0","received_bytes_per_second":500,"sent_bytes_per_second":5}`,
		},
		{
			name:     "loopback if there is nothing else",
			previous: sample{network: read(t0, []net.IOCountersStat{{Name: "lo"}, {Name: "dummy0"}})},
			current:  sample{network: read(t2, []net.IOCountersStat{{Name: "lo", BytesRecv: 2, BytesSent: 2}, {Name: "dummy0"}})},
			want:     `host.network lo {"interface":"lo","received_bytes_per_second":1,"sent_bytes_per_second":1}`,
		},
		{
			name: "the hottest of sensors with the same name, none that reads 0",
			current: sample{temperatures: read(t2, []sensors.TemperatureStat{
				{SensorKey: "nvme", Temperature: 40.126}, {SensorKey: "nvme", Temperature: 39}, {SensorKey: "cpu", Temperature: 50}, {SensorKey: "off"},
			})},
			want: `host.temperature cpu {"sensor":"cpu","celsius":50}
host.temperature nvme {"sensor":"nvme","celsius":40.13}`,
		},
		{
			name:    "processes",
			current: sample{processes: read(t2, processes{Count: 2, Top: []processUsage{{PID: 1, Name: "init", CPU: 0.5, Memory: 4096}}})},
			want:    `host.processes  {"count":2,"top":[{"pid":1,"name":"init","cpu_percent":0.5,"memory_bytes":4096}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.current.at = t2
			got := events(&test.previous, &test.current)
			if lines(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", lines(got), test.want)
			}
			for _, e := range got {
				if err := e.Validate(); err != nil || !e.Time.Equal(t2) {
					t.Errorf("%s: time %v, %v", e.Stream, e.Time, err)
				}
			}
		})
	}
}

func TestBusiestAreThoseThatUsedMostBetweenTheLooks(t *testing.T) {
	before := map[int32]float64{1: 100, 2: 5, 3: 7, 9: 50}
	after := map[int32]float64{1: 100.5, 2: 9, 3: 1, 4: 2}
	for pid := int32(10); pid < 30; pid++ {
		after[pid] = 0
	}
	got := busiest(before, after, 2*time.Second)
	want := []processUsage{{PID: 2, CPU: 200}, {PID: 4, CPU: 100}, {PID: 3, CPU: 50}, {PID: 1, CPU: 25}}
	if len(got) != topProcesses || !slices.Equal(got[:4], want) || got[4].PID != 10 {
		t.Errorf("got %+v", got)
	}
}

func TestMountsAreDisksOnce(t *testing.T) {
	got := mounts([]disk.PartitionStat{
		{Device: "/dev/sda1", Mountpoint: "/var/lib/docker"},
		{Device: "/dev/sda1", Mountpoint: "/"},
		{Device: "/dev/sda1", Mountpoint: "/etc/hosts"},
		{Device: "/dev/sdb1", Mountpoint: "/etc/resolv.conf"},
		{Device: "/dev/sdb1", Mountpoint: "/home"},
		{Device: "/dev/loop3", Mountpoint: "/snap/core/1", Fstype: "squashfs"},
	}, func(path string) bool { return !strings.HasPrefix(path, "/etc/") })
	if want := []string{"/", "/home"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := mounts(nil, nil); !slices.Equal(got, []string{"/"}) {
		t.Errorf("in a container: got %q, want the root", got)
	}
}

func TestTicksAreAlignedAndNeverTooClose(t *testing.T) {
	for _, test := range []struct{ after, every, want time.Duration }{
		{0, time.Second, time.Second},
		{200 * time.Millisecond, time.Second, 800 * time.Millisecond},
		{time.Millisecond, time.Second, 999 * time.Millisecond},
		{999 * time.Millisecond, time.Second, 1001 * time.Millisecond},
		{4 * time.Second, 10 * time.Second, 6 * time.Second},
	} {
		if got := untilNext(t0.Add(test.after), test.every); got != test.want {
			t.Errorf("%v after a tick of %v: got %v, want %v", test.after, test.every, got, test.want)
		}
	}
}

func TestWhatTakesLongIsReadLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]int{}
		reader := func(name string, every, cost time.Duration) *collector {
			return &collector{name: name, every: every, collect: func(ctx context.Context, s *sample) error {
				calls[name]++
				return pauseErr(ctx, cost)
			}}
		}
		collectors := []*collector{
			reader("cheap", time.Second, 0),
			reader("dear", time.Second, 20*time.Millisecond),
			reader("seldom", 10*time.Second, 0),
		}
		s := New(nil)
		wait := firstEvery
		for range 41 { // 40 seconds after the first two
			s.sample(t.Context(), collectors)
			pause(t.Context(), wait)
			wait = untilNext(time.Now(), time.Second)
		}
		// The first two samples read everything.
		if want := (map[string]int{"cheap": 41, "dear": 15, "seldom": 5}); fmt.Sprint(calls) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", calls, want)
		}
	})
}

func pauseErr(ctx context.Context, d time.Duration) error {
	if d > 0 {
		pause(ctx, d)
	}
	return nil
}

func TestAReaderThatFailsIsLoggedOnceAndHarmsNoOther(t *testing.T) {
	var log strings.Builder
	s := New(&Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	broken := true
	collectors := []*collector{
		{name: "broken", collect: func(context.Context, *sample) error {
			if broken {
				return errors.New("permission denied")
			}
			return nil
		}},
		{name: "load", collect: func(_ context.Context, s *sample) error {
			s.load = read(s.at, &load.AvgStat{})
			return nil
		}},
	}
	for range 3 {
		if got := s.sample(t.Context(), withoutDue(collectors)); !got.load.ok() {
			t.Error("the other reader was not asked")
		}
	}
	if n := strings.Count(log.String(), "permission denied"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
	broken = false
	s.sample(t.Context(), withoutDue(collectors))
	broken = true
	s.sample(t.Context(), withoutDue(collectors))
	if n := strings.Count(log.String(), "permission denied"); n != 2 {
		t.Errorf("a new failure was not logged:\n%s", &log)
	}
}

// withoutDue makes every collector due at once.
func withoutDue(collectors []*collector) []*collector {
	for _, c := range collectors {
		c.due = time.Time{}
	}
	return collectors
}

func BenchmarkSample(b *testing.B) {
	s := New(nil)
	collectors := newCollectors(s.every)
	b.ReportAllocs()
	for b.Loop() {
		previous := s.sample(b.Context(), withoutDue(collectors))
		current := s.sample(b.Context(), withoutDue(collectors))
		events(&previous, &current)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*b.N), "µs/sample")
}
