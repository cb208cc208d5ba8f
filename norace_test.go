//go:build !race

package streamgauge

const raceDetector = false
