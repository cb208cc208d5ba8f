package filelog

import "github.com/streamgauge/streamgauge"

// Abandon ends the log as the end of its process would: what the
// operating system does not have is lost, and nothing is tidied up.
func Abandon(log streamgauge.Log) {
	l := log.(*Log)
	if !l.shut() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releaseFiles()
	l.lock.Close()
}

// Clean does the janitor's work now.
func Clean(log *Log) error { return log.cleanOnce() }

// OpenUnsynced opens the log without ever waiting for the disk: no test can
// take the power away. Boot names the run of the operating system.
func OpenUnsynced(dir string, o *Options, boot string) (*Log, error) {
	return open(dir, o, &faultFS{}, boot)
}
