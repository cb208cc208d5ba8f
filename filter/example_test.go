package filter_test

import (
	"fmt"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filter"
)

func ExampleCompile() {
	slow, err := filter.Compile(`stream startsWith "logs." and data.duration_ms > 1000`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(slow.Match(&streamgauge.Event{Stream: "logs.web", Data: []byte(`{"duration_ms": 1234.5}`)}))
	fmt.Println(slow.Match(&streamgauge.Event{Stream: "logs.web", Data: []byte(`{"level": "info"}`)}))

	_, err = filter.Compile(`strem == "logs.web"`)
	fmt.Println(err)
	// Output:
	// true
	// false
	// column 1: unknown name strem: there are stream, type, key, time and data
}
