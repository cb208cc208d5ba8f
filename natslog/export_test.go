package natslog

import "time"

// Hurry makes instances delete soon what is trimmed, and write anew soon what is recorded
// of it. It must come before any log is opened.
func Hurry() {
	cleanEvery, deleteAfter, mostRecords = 100*time.Millisecond, 500*time.Millisecond, 20
}
