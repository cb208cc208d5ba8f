package client_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing that a test starts may go on after it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
