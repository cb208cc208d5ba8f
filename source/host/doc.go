// Package host is the source that publishes what the machine is doing: once a
// second, all of it in one batch, as the streams below. Names of members end in
// their unit; percentages and averages have two decimals. What a machine
// doesn't have or doesn't let us read, it has no stream of.
//
//	host.cpu          usage_percent, user_percent, system_percent, iowait_percent,
//	                  steal_percent: of all cores together
//	host.cpu.core     core, usage_percent, user_percent, system_percent; key: the core
//	host.load         load1, load5, load15
//	host.memory       used_percent, used_bytes, available_bytes, cached_bytes, total_bytes
//	host.swap         used_percent, used_bytes, total_bytes; where there is swap
//	host.disk         mount, used_percent, used_bytes, free_bytes, total_bytes;
//	                  key: the mount point; every 10 seconds
//	host.disk.io      device, read_bytes_per_second, written_bytes_per_second; key: the device
//	host.network      interface, received_bytes_per_second, sent_bytes_per_second;
//	                  key: the interface
//	host.temperature  sensor, celsius; key: the sensor; every 5 seconds
//	host.processes    count, top: the 10 busiest, each pid, name, cpu_percent (100 is
//	                  one core), memory_bytes
//
// Usage and rates are means since the sample before. Disks are the mounted ones
// that store something, each once; devices exclude partitions of a device that
// is listed itself; interfaces exclude those that never carried a byte, and
// loopback unless there is nothing else.
//
// # Cost
//
// A sample of a machine with 200 processes costs about 5 milliseconds of one
// core, nearly all of it for the list of processes. Whatever takes long is read
// less often, so that it takes no more than 0.5 % of a core, but at most three
// times less: with 1,000 processes, their list comes about every 3 seconds.
package host
