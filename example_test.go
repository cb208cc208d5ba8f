package streamgauge_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// A hub inside of somebody else's server.
func Example() {
	hub, err := streamgauge.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go hub.Run(ctx)
	defer stop()

	mux := http.NewServeMux()
	mux.Handle("GET /events", hub)
	server := httptest.NewServer(mux)
	defer server.Close()

	hub.Publish(ctx, streamgauge.Event{Stream: "site.visitors", Data: []byte(`{"now":523}`)})

	response, err := http.Get(server.URL + "/events?stream=site.*&last=1")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if _, data, ok := strings.Cut(lines.Text(), `"data":`); ok {
			fmt.Println(strings.TrimSuffix(data, "}"))
			return
		}
	}
	// Output: {"now":523}
}

func ExampleHub_Publish() {
	hub, err := streamgauge.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := hub.Publish(context.Background(),
		streamgauge.Event{Stream: "shop.orders", Type: "paid", Data: []byte(`{"total":12.5}`)},
		streamgauge.Event{Stream: "logs.shop", Text: true, Data: []byte("order paid")},
	)
	fmt.Println(receipt.Count, receipt.Level, err)
	_, err = hub.Publish(context.Background(), streamgauge.Event{Stream: "shop.orders", Data: []byte(`{"total":`)})
	fmt.Println(err)
	// Output:
	// 2 memory <nil>
	// data is not a JSON value: unexpected end of JSON input at byte 9
}

func ExampleSelector_Matches() {
	for _, stream := range []string{"logs.web", "logs.web.access"} {
		fmt.Println(streamgauge.Selector("logs.*").Matches(stream), streamgauge.Selector("logs.>").Matches(stream))
	}
	// Output:
	// true true
	// false true
}
