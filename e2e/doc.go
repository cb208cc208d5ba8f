// Package e2e holds the tests that drive the real program: they build
// cmd/streamgauge, run it as a process with a data directory of its own, and talk
// to it over TCP as clients do. They need Linux.
//
// Each test has a short form, of seconds, which "go test ./e2e" runs, and a full
// one, which runs where STREAMGAUGE_E2E=1 is set. The tests that need nginx and
// HAProxy are left out where there is none, unless STREAMGAUGE_REQUIRE names
// them. A test that makes random choices logs its seed; STREAMGAUGE_SEED repeats
// them, as far as the machine's timing allows.
package e2e
