// Package check finds out whether subscribers got what the publishers were
// promised. Tests, the kill test and the benchmark use the same one.
//
// Publishers number their events: each [Publisher] counts 1, 2, 3, … on one
// stream and writes down in a [Ledger] what became of them. A [Subscriber] is
// fed what one client decodes, over any number of connections, and compares the
// two. It needs a counter per publisher and stream, not a record of every
// event, and it allocates nothing for an event that is as it should be.
//
// What is broken is said by name: one [Violation] for every guarantee, with how
// often and the first case. The guarantees are [ErrLost], [ErrSilentGap],
// [ErrFalseGap], [ErrDuplicate], [ErrReordered], [ErrPosition], [ErrForeign]
// and [ErrCorrupt].
//
// The checker must be the only publisher on the streams that it checks, and the
// order of what one [Publisher] sends must be certain: on one connection, or
// one request after the other. Subscriptions with a filter, or that conflate,
// leave events out on purpose, so it can't judge those.
package check
