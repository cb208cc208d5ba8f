package filelog

import (
	"bytes"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// FuzzRecord checks that what is accepted as a record is encoded to the same
// bytes again, so that there is one form of everything.
func FuzzRecord(f *testing.F) {
	const seed = 7
	now := time.UnixMilli(1_700_000_000_000).UTC()
	f.Add(appendEvent(nil, seed, &streamgauge.Event{Stream: "a.b", ID: streamgauge.Position{Seq: 300}, Type: "t", Key: "k",
		Time: now.Add(-time.Hour), Appended: now, Data: []byte(`{"a":1}`)}, true))
	f.Add(appendEvent(nil, seed, &streamgauge.Event{Stream: "text", ID: streamgauge.Position{Seq: 1}, Time: now, Appended: now, Text: true}, false))
	f.Add(appendKey(nil, seed, streamgauge.KeyUse{Key: "key", Fingerprint: 1 << 60, Last: 9, Count: 3, Appended: now.UnixMilli()}))
	f.Add(appendForget(nil, seed, "a.b"))
	f.Add(appendGone(nil, seed, streamgauge.Gone{Stream: "a", Through: 5, Seqs: []uint64{6, 9, 1 << 40}, Time: 1, Newest: 9}))
	f.Add(appendHole(nil, seed, hole{"a", 5, 1 << 32}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = parseRecord(b, seed)
		// Random bytes hardly have the right checksum: try them as bodies too.
		for kind := byte(kindEvent); kind <= kindHole; kind++ {
			raw := append(beginRecord(nil), b...)
			endRecord(raw, 0, seed, kind, true)
			rec, n, err := parseRecord(raw, seed)
			if err != nil || n != len(raw) || rec.kind != kind || !rec.end || !bytes.Equal(rec.body, b) {
				t.Fatalf("a record is not read as it was written: %+v, %d, %v", rec, n, err)
			}
			checkBody(t, kind, b)
		}
	})
}

// checkBody checks that an accepted body survives encoding and decoding. (It
// need not be the same bytes: varints can be written longer than they must.)
func checkBody(t *testing.T, kind byte, body []byte) {
	again := func(raw []byte) []byte {
		rec, _, err := parseRecord(raw, 0)
		if err != nil {
			t.Fatalf("kind %d is not read as it was written: %v", kind, err)
		}
		return rec.body
	}
	switch kind {
	case kindEvent:
		if b, ok := decodeEvent(body); ok && b.appended >= 0 && b.appended < 1<<50 && b.time > -1<<50 && b.time < 1<<50 {
			e := b.event(1, string(b.stream))
			c, ok := decodeEvent(again(appendEvent(nil, 0, &e, true)))
			if f := c.event(1, string(c.stream)); !ok || f.ID != e.ID || !f.Time.Equal(e.Time) || !f.Appended.Equal(e.Appended) ||
				f.Stream != e.Stream || f.Type != e.Type || f.Key != e.Key || f.Text != e.Text || !bytes.Equal(f.Data, e.Data) {
				t.Fatalf("event %+v became %+v", e, f)
			}
		}
	case kindKey:
		if k, ok := decodeKey(body); ok && k.Count >= 0 {
			if l, ok := decodeKey(again(appendKey(nil, 0, k))); !ok || l != k {
				t.Fatalf("key %+v became %+v", k, l)
			}
		}
	case kindGone:
		if g, ok := decodeGone(body); ok {
			h, ok := decodeGone(again(appendGone(nil, 0, g)))
			if !ok || h.Stream != g.Stream || h.Through != g.Through || h.Newest != g.Newest || h.Time != g.Time || len(h.Seqs) != len(g.Seqs) {
				t.Fatalf("gone %+v became %+v", g, h)
			}
		}
	case kindHole:
		if h, ok := decodeHole(body); ok {
			if i, ok := decodeHole(again(appendHole(nil, 0, h))); !ok || i != h {
				t.Fatalf("hole %+v became %+v", h, i)
			}
		}
	}
}

// FuzzSidecar checks that no sidecar makes the decoder panic or place a record
// outside of its segment.
func FuzzSidecar(f *testing.F) {
	var s sidecar
	s.addEvent(streamgauge.Entry[loc]{Stream: "a", Seq: 1, Appended: 1000, Size: 3, Loc: loc{1, headerSize, 30}})
	s.addEvent(streamgauge.Entry[loc]{Stream: "b", Seq: 2, Appended: 1001, Key: "k", Size: 5, Loc: loc{1, headerSize + 30, 40}})
	s.addOther(appendForget(nil, 0, "a"))
	f.Add(s.items, int64(headerSize+70+10))
	f.Add([]byte{itemEvent, 0, 1, 1, 1, 1, 0}, int64(headerSize+1))
	f.Fuzz(func(t *testing.T, items []byte, size int64) {
		if size < headerSize || size > 1<<31 {
			return
		}
		end := int64(headerSize)
		ok := decodeItems(items, 1, size, func(e streamgauge.Entry[loc]) {
			if int64(e.Loc.offset) != end || end+int64(e.Loc.size) > size || e.Seq == 0 || e.Size > int(e.Loc.size) {
				t.Fatalf("entry %+v at %d of %d", e, end, size)
			}
			end += int64(e.Loc.size)
		}, func(raw []byte) { end += int64(len(raw)) })
		if ok && end != size {
			t.Fatalf("accepted up to %d of %d", end, size)
		}
		content := (&sidecar{items: items}).encode(9, size)
		if got, n, good := openSidecar(content, 9); !good || n != size || !bytes.Equal(got, items) {
			t.Fatal("a sidecar is not read as it was written")
		}
		if _, _, good := openSidecar(content, 8); good {
			t.Fatal("a sidecar of another segment was accepted")
		}
	})
}
