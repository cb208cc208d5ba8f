//go:build !unix

package dashboard

// canWrite is right most of the time: whoever saves finds out.
func canWrite(string) bool { return true }
