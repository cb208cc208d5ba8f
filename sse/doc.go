// Package sse is the wire: it writes and reads text/event-stream as the WHATWG
// HTML standard, section "Server-sent events", lays it down. It knows nothing
// of streams, positions or hubs and imports the standard library only.
//
// # Writing
//
// A block is an optional id line, an optional event line, data lines and a
// blank line. [AppendEvent] appends a whole one; [AppendID], [AppendType],
// [AppendData] and [AppendEnd] append its parts, for callers that have the id
// as bytes or want a block without data, which moves the client's last event id
// and wakes nobody. [AppendRetry] and [AppendComment] stand between blocks or
// in one. None of them allocates while dst has room.
//
// Nothing that is appended can be mistaken for another field: data and comments
// are split into lines at CR, LF and CRLF alike, and an id or a type that would
// end its line is left out. [CheckID] and [CheckType] say beforehand what is
// wrong with one.
//
// # Reading
//
// A [Decoder] reads blocks from an [io.Reader]. It hands out an event as soon
// as the byte that ends it is there, whatever the line ends and wherever the
// reads cut.
package sse
