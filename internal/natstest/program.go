package natstest

import (
	"sync"

	"github.com/streamgauge/streamgauge/internal/testenv"
)

// program returns the server's path.
var program = sync.OnceValues(func() (string, error) {
	return testenv.Build("github.com/nats-io/nats-server/v2", "v2.15.2", "nats-server")
})
