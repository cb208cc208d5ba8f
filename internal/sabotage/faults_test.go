package sabotage

// faults are re-creations, in our code, of bugs that systems like ours have
// had.
var faults = []fault{
	{
		name: "history first, subscribe second", seen: "Upstash Realtime #23, AgentScope #2123, Rails #52420",
		file:  "subscribe.go",
		edits: []edit{{`newFeed(key, s.want.Select, filter, h.delivered.Load(), &h.ring)`, `newFeed(key, s.want.Select, filter, 0, &h.ring)`}},
		test:  "TestEveryScheduleOfTheSeam",
	},
	{
		name: "an inclusive bound on resume", seen: "r3labs/sse: one duplicate on each resume",
		file:  "feed.go",
		edits: []edit{{"if found {\n\t\t\ti++\n\t\t}", "_ = found"}, {`c.frames[c.shown-1].seq <= seq`, `c.frames[c.shown-1].seq < seq`}},
		test:  "TestEveryScheduleOfTheSeam",
	},
	{
		name: "an inclusive bound in the log", seen: "r3labs/sse, Mercure #1199",
		file:  "retention.go",
		edits: []edit{{`return s.at(i).seq > seq })`, `return s.at(i).seq >= seq })`}},
		test:  "TestResumeDeliversExactlyWhatCameAfterTheCursor",
	},
	{
		name: "the sequence isn't loaded at the start", seen: "Mercure 0.24: no replay after a restart until the next publish",
		file:  "hub.go",
		edits: []edit{{`h.delivered.Store(head.Seq)`, `h.delivered.Store(0)`}},
		test:  "TestAHubOverALogThatHasEventsBeginsAtItsHead",
	},
	{
		name: "a scan with a cap", seen: "Mercure #1259: who is behind more than 10,000 kept events gets nothing",
		file:  "indexread.go",
		edits: []edit{{"if more {\n\t\tpage.Next.Seq", "if more && false {\n\t\tpage.Next.Seq"}},
		test:  "TestResumeDeliversExactlyWhatCameAfterTheCursor",
	},
	{
		name: "one cursor for all", seen: "open-cowork #662: late subscribers miss what others have read",
		file: "subscriber.go",
		edits: []edit{{`s.chunk, s.index = f.locate(s.seq)`, `s.chunk, s.index = f.locate(max(s.seq, f.floor))`},
			{"if s.seq < f.floor {\n\t\t\t\treturn nil, 0, inLog\n\t\t\t}", ""}},
		test: "TestEveryScheduleOfTheSeam",
	},
	{
		name: "CR is let through", seen: "fastify-sse-v2 #110, django-eventstream #185, launchdarkly/eventsource",
		file:  "event.go",
		edits: []edit{{`case e.Text && bytes.ContainsAny(e.Data, "\r\n"):`, `case e.Text && bytes.ContainsAny(e.Data, "\n"):`}},
		test:  "TestValidateSaysWhatIsWrong",
	},
	{
		name: "CR is let through by the encoder", seen: "h3 GHSA-4hxc-9384-m385, Hono CVE-2026-29085",
		file:  "sse/encode.go",
		edits: []edit{{`if c != '\n' && c != '\r' {`, `if c != '\n' {`}},
		pkg:   "./sse", test: "TestEncoderFollowsTheVectors",
	},
	{
		name: "publishers may forge the hub's events", seen: "Mercure #1259",
		file:  "event.go",
		edits: []edit{{`case strings.HasPrefix(t, ReservedPrefix):`, `case false:`}},
		test:  "TestRefusedPublishesLeaveNoTrace",
	},
	{
		name: "the server's write deadline is not cleared", seen: "xdlc-agent #71, golang/go#16100",
		file:  "handler.go",
		edits: []edit{{"response.SetWriteDeadline(time.Time{})\n", "\n"}},
		test:  "TestAServersTimeoutsDontCutAStream",
	},
	{
		name: "a heartbeat's id is ahead of delivery", seen: "etcd's Bookmarkable",
		file:  "subscriber.go",
		edits: []edit{{`s.want.Encoding, s.position(), time.Now()`, `s.want.Encoding, Position{s.epoch, s.hub.delivered.Load()}, time.Now()`}},
		test:  "TestAHeartbeatIsNotAheadOfEventsThatWaitForAFlush",
	},
	{
		name: "the cursor passes what waits for a flush", seen: "centrifuge #549",
		file:  "subscriber.go",
		edits: []edit{{`if f.shown == nil {`, `if true {`}},
		test:  "TestAHeartbeatIsNotAheadOfEventsThatWaitForAFlush",
	},
	{
		name: "a full queue drops its oldest", seen: "ntfy, Harper #1290",
		file:  "feed.go",
		edits: []edit{{"f.floor = c.frames[len(c.frames)-1].seq\n", "\n"}},
		test:  "TestEveryScheduleOfTheSeam",
	},
	{
		name: "the epoch is ignored", seen: "centrifuge-go #159, centrifuge-js #434",
		file:  "subscribe.go",
		edits: []edit{{`case cursor.Epoch != head.Epoch:`, `case false:`}},
		test:  "TestCursorsThatCantBeUsedAreAnsweredWithAGapAnd200",
	},
	{
		name: "an unknown cursor is told that it is caught up", seen: "Mercure #1321",
		file:  "subscribe.go",
		edits: []edit{{`case err != nil, cursor.Epoch == head.Epoch && cursor.Seq > head.Seq:`, "case err != nil:\n\t\tcase cursor.Epoch == head.Epoch && cursor.Seq > head.Seq:"}},
		test:  "TestCursorsThatCantBeUsedAreAnsweredWithAGapAnd200",
	},
	{
		name: "a trimmed position goes on silently", seen: "go-sse 0.11, PostHog #101104, Redis XREAD",
		file:  "subscriber.go",
		edits: []edit{{`for i := range page.Gaps {`, `for i := range page.Gaps[:0] {`}},
		test:  "TestEvictedEventsAreCountedExactlyPerStream",
	},
	{
		name: "a false gap for what others have lost", seen: "drive9 #534: 8,389 resets in 17 minutes",
		file:  "indexread.go",
		edits: []edit{{`streams := ix.selected(q.Select, least)`, `streams := ix.selected(Selection{">"}, least)`}},
		test:  "TestEvictedEventsAreCountedExactlyPerStream",
	},
	{
		name: "a gap is said again with every page", seen: "drive9 #539",
		file:  "subscriber.go",
		edits: []edit{{`Limit: replayEvents, Bytes: replayBytes, Told: s.told,`, `Limit: replayEvents, Bytes: replayBytes,`}},
		test:  "TestAGapIsSaidOnceForEachStreamEvenWhenReplayTakesManyPages",
	},
	{
		name: "events are reordered by workers", seen: "LocalAGI #483, go-sse 0.9, ntfy topic.go",
		file:  "hub.go",
		edits: []edit{{`h.dispatch(&events[i], now)`, `h.dispatch(&events[len(events)-1-i], now)`}},
		test:  "TestALaggingSubscriberOfLatestGetsTheNewestOfEachKeyInOrder|TestABatchArrivesInOrder",
	},
	{
		name: "one stalled reader blocks everyone", seen: "r3labs/sse 2.10, tmaxmax/go-sse 0.11",
		file:  "handler.go",
		edits: []edit{{"if _, err := w.Write(p); err != nil {\n\t\t\treturn\n\t\t}", "h.mu.Lock()\n\t\tw.Write(p)\n\t\tresponse.Flush()\n\t\th.mu.Unlock()"}},
		test:  "TestStalledReadersHarmNobody",
	},
	{
		name: "a blocked write has no deadline", seen: "netpulse #67, golang/go#49741",
		file:  "handler.go",
		edits: []edit{{`abort := func() { response.SetWriteDeadline(time.Unix(1, 0)) }`, `abort := func() {}`}},
		test:  "TestStalledReadersAreLetGo",
	},
	{
		name: "hello has no id", seen: "Mercure #354: lost between two connections",
		file:  "wire.go",
		edits: []edit{{`dst = hello.str("delivery", string(delivery)).append(dst, enc, start)`, `dst = hello.str("delivery", string(delivery)).append(dst, enc, Position{})`}},
		test:  "TestACutBeforeTheFirstEventLosesNothing",
	},
	{
		name: "overload is answered with 503", seen: "any EventSource behind a rolling deploy",
		file:  "handler.go",
		edits: []edit{{`if req.eventSource {`, `if false {`}},
		test:  "TestOverloadIsToldInTheStreamToAnEventSourceAndAs503ToOthers",
	},
	{
		name: "a listener is left behind by every closed tab", seen: "hand-made Next.js route handlers, Mercure #503",
		file:  "subscribe.go",
		edits: []edit{{"f.unpark(s)\n", "\n"}},
		test:  "TestAFeedForgetsThoseWhoLeft",
	},
	{
		name: "a newer value that nobody may see yet supersedes the one that is shown", seen: "starved dashboards under debounce",
		file:  "feed.go",
		edits: []edit{{"n.pending.supersede()\n\t\tn.pending = frameRef{c, len(c.frames)}", "n.pending.supersede()\n\t\tn.shown.supersede()\n\t\tn.shown = frameRef{}\n\t\tn.pending = frameRef{c, len(c.frames)}"}},
		test:  "TestASlowViewerOfAFastStreamStillMoves",
	},
	{
		name: "a retried publish is stored twice", seen: "every hub without idempotency keys",
		file:  "idempotency.go",
		edits: []edit{{`use, found = k.used[key]`, `use, found = KeyUse{}, false`}},
		test:  "TestMemoryLog",
	},
	{
		name: "encoded once for each subscriber", seen: "Mercure, go-sse, ntfy",
		file:  "subscriber.go",
		edits: []edit{{"if len(p) > 0 {\n\t\t\t\treturn p, events, inRing", "if len(p) > 0 {\n\t\t\t\tp = append([]byte(nil), p...)\n\t\t\t\treturn p, events, inRing"}},
		test:  "TestNothingIsAllocatedPerSubscriberPerEvent",
	},
}
