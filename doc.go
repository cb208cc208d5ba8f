// Package streamgauge is a hub for real-time pages: it takes events in, keeps
// the last of every stream in one ordered log, and sends them to any number of
// browsers as Server-Sent Events.
//
//	hub, err := streamgauge.New(nil)
//	go hub.Run(ctx)
//	http.Handle("/events", hub)
//	hub.Publish(ctx, streamgauge.Event{Stream: "site.visitors", Data: []byte(`{"now":523}`)})
//
// # Asking for events
//
// A client says GET /events?stream=site.visitors&stream=logs.> and gets
// text/event-stream, NDJSON or one page of JSON, as its Accept header says. The
// parameters are:
//
//	stream         a stream or a pattern, see [Selector]; repeat it for several
//	view           a view or its name, see [View]; repeat it for several
//	last-event-id  go on after this position; the Last-Event-ID header wins
//	last=100       begin with the last so many events
//	since=15m      begin with what was appended since, a duration or a time
//	delivery       "all" or "latest" in place of the streams' rules
//	rate=10        at most so many flushes per second
//	filter         a condition in the language of [Options.CompileFilter]
//	limit          events, or rows of each view, on a page of JSON, 1 to 10,000; default 1,000
//
// Routed with a path value, as in "GET /v1/streams/{stream}/events", the hub
// serves that one stream and the data comes bare, without its envelope.
//
// # Delivery guarantees
//
// Events reach a subscriber in the order of the log, each once, from where it
// began. Every event's id is its [Position]; who comes back with it goes on
// right after it, without a gap and without a repeat, at any depth and on any
// hub over the same log. What a subscriber was entitled to and can't have, since
// retention trimmed it or the log lost it, it is told with hub.gap: how many, of
// which stream, and why. Nothing is lost silently.
//
// # Slow subscribers
//
// A subscriber is a cursor on a feed that it shares with all who ask for the
// same; it has no queue. One that is slow gets its events later, from the log
// when they have left the feed's ring, and costs nobody else anything. One whose
// connection does not take a block within [Options.WriteTimeout] is let go and can
// come back. Of streams whose delivery is "latest", one that lags gets the newest
// event of every key and not what they superseded.
//
// # Views
//
// A view is a stream computed from others, such as
// "p95(web.requests /ms) by /route every 10s": see [ParseView]. The hub computes
// each view once, from what the log keeps and then as events come, for all who
// watch it, and forgets it half a minute after the last of them has left. Its
// rows are states: who is slow gets the newest ones.
//
// # Shutdown
//
// [Hub.Drain] says goodbye to all subscribers, each with a time of its own to
// come back. Then end Run's context, and close the log.
//
// # Writing a log
//
// The hub keeps events in any [Log]. Package filelog is one on disk. One that
// keeps its index in memory builds on [Index], and the suite in package logtest
// says whether it is right.
package streamgauge
