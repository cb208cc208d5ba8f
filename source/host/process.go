package host

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

const topProcesses = 10

// processes is what host.processes says.
type processes struct {
	Count int            `json:"count"`
	Top   []processUsage `json:"top"`
}

type processUsage struct {
	PID    int32   `json:"pid"`
	Name   string  `json:"name"`
	CPU    float64 `json:"cpu_percent"`
	Memory uint64  `json:"memory_bytes"`
}

// processTable remembers how much CPU time every process had used. Names and
// memory are read of the busiest only: reading them all would cost thrice as
// much.
type processTable struct {
	at      time.Time
	seconds map[int32]float64 // by pid
}

// cacheBootTime spares reading the time of boot anew for every process. It is a
// switch of the library's, which changes nothing but cost.
var cacheBootTime = sync.OnceFunc(func() { process.EnableBootTimeCache(true) })

func (t *processTable) collect(ctx context.Context, s *sample) error {
	cacheBootTime()
	at := time.Now()
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return err
	}
	seconds := make(map[int32]float64, len(pids))
	for _, pid := range pids {
		// Not NewProcess, which looks whether the process exists. It may end any
		// time, or not be ours to look at.
		times, err := (&process.Process{Pid: pid}).TimesWithContext(ctx)
		if err == nil {
			seconds[pid] = times.User + times.System
		}
	}
	if t.seconds != nil {
		top := busiest(t.seconds, seconds, at.Sub(t.at))
		for i := range top {
			describe(ctx, &top[i])
		}
		s.processes = read(at, processes{Count: len(pids), Top: top})
	}
	t.at, t.seconds = at, seconds
	return nil
}

// busiest returns the processes that used the most CPU time between two looks,
// the busiest first.
func busiest(before, after map[int32]float64, elapsed time.Duration) []processUsage {
	all := make([]processUsage, 0, len(after))
	for pid, now := range after {
		then, known := before[pid]
		if !known || then > now { // new, or another under the same number
			then = 0
		}
		all = append(all, processUsage{PID: pid, CPU: percent(now-then, elapsed.Seconds())})
	}
	slices.SortFunc(all, func(a, b processUsage) int {
		return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(a.PID, b.PID))
	})
	return slices.Clip(all[:min(len(all), topProcesses)])
}

// describe adds what is only known of a process by asking for it.
func describe(ctx context.Context, u *processUsage) {
	p := &process.Process{Pid: u.PID}
	u.Name, _ = p.NameWithContext(ctx) // empty if it has ended
	if memory, err := p.MemoryInfoWithContext(ctx); err == nil {
		u.Memory = memory.RSS
	}
}
