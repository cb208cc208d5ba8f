package filter

// MostData returns the most bytes of data on which f is evaluated, up to 1 MiB.
func MostData(f *Filter) int { return min(MaxSteps/max(f.perByte, 1), 1<<20) - 64 }
