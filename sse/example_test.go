package sse_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/streamgauge/streamgauge/sse"
)

func ExampleAppendEvent() {
	block := sse.AppendEvent(nil, "k9-42", "deploy", []byte("one\ntwo"))
	fmt.Print(string(block))
	// Output:
	// id: k9-42
	// event: deploy
	// data: one
	// data: two
}

func ExampleDecoder() {
	d := sse.NewDecoder(strings.NewReader("retry: 2000\nid: k9-42\ndata: one\ndata: two\n\n"))
	for {
		e, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println("stream broke after", d.LastEventID(), "because", err)
			break
		}
		fmt.Printf("%s %s %q\n", e.ID, e.Type, e.Data)
	}
	// Output:
	// k9-42 message "one\ntwo"
}
