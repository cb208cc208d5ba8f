package filelog_test

import (
	"context"
	"fmt"
	"os"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filelog"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	log, err := filelog.Open(dir, &filelog.Options{Level: streamgauge.LevelFsync})
	if err != nil {
		panic(err)
	}
	receipt, err := log.Append(ctx, streamgauge.Batch{Events: []streamgauge.Event{
		{Stream: "site.visitors", Data: []byte(`{"visitors": 523}`)},
		{Stream: "site.visitors", Data: []byte(`{"visitors": 524}`)},
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println(receipt.Position.Seq, receipt.Level)
	log.Close()

	log, err = filelog.Open(dir, nil) // everything is still there
	if err != nil {
		panic(err)
	}
	defer log.Close()
	page, err := log.Read(ctx, streamgauge.Query{Select: streamgauge.Selection{"site.*"}, Last: 1})
	if err != nil {
		panic(err)
	}
	for _, e := range page.Events {
		fmt.Println(e.Stream, string(e.Data))
	}
	// Output:
	// 2 fsync
	// site.visitors {"visitors": 524}
}
