module github.com/streamgauge/streamgauge/examples/go-embed

go 1.26.0

require github.com/streamgauge/streamgauge v0.0.0

replace github.com/streamgauge/streamgauge => ../..
