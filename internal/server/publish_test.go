package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

const (
	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
	formType   = "application/x-www-form-urlencoded"
	textType   = "text/plain"
	ceType     = "application/cloudevents+json"
	ceBatch    = "application/cloudevents-batch+json"
)

// What is stored is compared as data, since times are the log's.
func dataOf(t *testing.T, f *fixture) (out []string) {
	t.Helper()
	for _, envelope := range f.stored(t) {
		_, data, _ := strings.Cut(envelope, `"data":`)
		out = append(out, strings.TrimSuffix(data, "}"))
	}
	return out
}

func TestWhatIsPublishedToAStreamIsStored(t *testing.T) {
	for name, c := range map[string]struct {
		stream, contentType, body string
		want                      []string
	}{
		"an object":                          {"a", jsonType, `{"visitors": 523}`, []string{`{"visitors": 523}`}},
		"a number":                           {"a", jsonType, `5`, []string{`5`}},
		"a string with brackets":             {"a", jsonType, `"[]{},\""`, []string{`"[]{},\""`}},
		"null is a value":                    {"a", jsonType, `null`, []string{`null`}},
		"white space around it goes":         {"a", jsonType, " \r\n{}\n", []string{`{}`}},
		"line ends within it go":             {"a", jsonType, "{\n \"a\": \"x y\"\r\n}", []string{`{"a":"x y"}`}},
		"an array is a batch":                {"a", jsonType, `[1,"two, ]",{"n":[3]}, [4] ,null]`, []string{`1`, `"two, ]"`, `{"n":[3]}`, `[4]`, `null`}},
		"an array over lines":                {"a", jsonType, "[\n  {\"a\":\n1},\n  2\n]\n", []string{`{"a":1}`, `2`}},
		"an escaped backslash ends a string": {"a", jsonType, `["\\","\""]`, []string{`"\\"`, `"\""`}},
		"a form is JSON, for curl -d":        {"a", formType, `{"a":1}`, []string{`{"a":1}`}},
		"no Content-Type is JSON":            {"a", "", `[1,2]`, []string{`1`, `2`}},
		"a type that ends in +json":          {"a", "application/vnd.x+json", `1`, []string{`1`}},
		"a charset of UTF-8":                 {"a", "application/json; charset=UTF-8", `"ä"`, []string{`"ä"`}},
		"lines of JSON":                      {"a", ndjsonType, "1\n\n  \r\n{\"a\":2}\r\n[3,4]", []string{`1`, `{"a":2}`, `[3,4]`}},
		"lines of text":                      {"text.x", textType, "one\ntwo\r\nthree\rfour\n\n  \n five \"5\"", []string{`"one"`, `"two"`, `"three"`, `"four"`, `" five \"5\""`}},
		"a JSON string for a line of text":   {"text.x", jsonType, `"one \u0041"`, []string{`"one A"`}},
		"JSON strings for lines of text":     {"text.x", ndjsonType, "\"one\"\n\"two\"\n", []string{`"one"`, `"two"`}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			w := f.do("POST", "/v1/streams/"+c.stream+"/events", c.body, "Content-Type", c.contentType)
			if w.Code != http.StatusOK {
				t.Fatalf("got %d: %s", w.Code, w.Body)
			}
			got := decode[receipt](t, w)
			head, _ := f.log.Head(t.Context())
			if want := (receipt{head.String(), len(c.want), "memory", false}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got := dataOf(t, f); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestTypeKeyAndTimeOfAStreamsEventsAreParameters(t *testing.T) {
	f := newFixture(t, nil)
	w := f.do("POST", "/v1/streams/a.b/events?type=cpu&key=core/1&time=2026-01-31T12:00:00Z", `[1,2]`)
	if w.Code != http.StatusOK {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	want := []string{
		`{"stream":"a.b","type":"cpu","time":"2026-01-31T12:00:00Z","key":"core/1","data":1}`,
		`{"stream":"a.b","type":"cpu","time":"2026-01-31T12:00:00Z","key":"core/1","data":2}`,
	}
	if got := f.stored(t); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestEnvelopesNameTheirStreams(t *testing.T) {
	const t1 = `"time":"2026-01-31T12:00:00Z"`
	for name, c := range map[string]struct {
		contentType, body string
		want              []string
	}{
		"one":   {jsonType, `{"stream":"a","data":{"x":1},` + t1 + `}`, []string{`{"stream":"a",` + t1 + `,"data":{"x":1}}`}},
		"whole": {jsonType, `{ "key" : "k\u00e4" , "type":"t", "stream":"a.b", ` + t1 + `, "data" : [1, 2] }`, []string{`{"stream":"a.b","type":"t",` + t1 + `,"key":"kä","data":[1, 2]}`}},
		"null members are absent": {jsonType, `{"stream":"a","type":null,"key":null,"data":null,` + t1 + `}`,
			[]string{`{"stream":"a",` + t1 + `,"data":null}`}},
		"an array": {jsonType, `[{"stream":"a","data":1,` + t1 + `},{"stream":"b","data":2,` + t1 + `}]`,
			[]string{`{"stream":"a",` + t1 + `,"data":1}`, `{"stream":"b",` + t1 + `,"data":2}`}},
		"lines": {ndjsonType, `{"stream":"a","data":1,` + t1 + "}\n\n" + `{"stream":"b","data":2,` + t1 + "}\n",
			[]string{`{"stream":"a",` + t1 + `,"data":1}`, `{"stream":"b",` + t1 + `,"data":2}`}},
		"a line of text": {jsonType, `{"stream":"text.a","data":"a line",` + t1 + `}`, []string{`{"stream":"text.a",` + t1 + `,"data":"a line"}`}},
		"a CloudEvent with a subject": {ceType, `{"specversion":"1.0","id":"1","source":"/s","type":"com.x.made","subject":"orders.eu","data":{"n":1},"ext":"left out",` + t1 + `}`,
			[]string{`{"stream":"orders.eu","type":"com.x.made",` + t1 + `,"data":{"n":1}}`}},
		"a CloudEvent without a subject or data": {ceType, `{"specversion":"1.0","id":"1","source":"/s","type":"com.x.made",` + t1 + `}`,
			[]string{`{"stream":"com.x.made",` + t1 + `,"data":null}`}},
		"a CloudEvent that only its specversion shows": {jsonType, `{"specversion":"1.0","id":"1","source":"/s","type":"a","data":1,` + t1 + `}`,
			[]string{`{"stream":"a",` + t1 + `,"data":1}`}},
		"a batch of CloudEvents": {ceBatch, `[{"specversion":"1.0","id":"1","source":"/s","type":"a","data":1,` + t1 + `},{"specversion":"1.0","id":"2","source":"/s","type":"a","data":2,` + t1 + `}]`,
			[]string{`{"stream":"a",` + t1 + `,"data":1}`, `{"stream":"a",` + t1 + `,"data":2}`}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			w := f.do("POST", "/v1/events", c.body, "Content-Type", c.contentType)
			if w.Code != http.StatusOK {
				t.Fatalf("got %d: %s", w.Code, w.Body)
			}
			if got := decode[receipt](t, w); got.Count != len(c.want) {
				t.Errorf("got count %d, want %d", got.Count, len(c.want))
			}
			if got := f.stored(t); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestWhatIsWrongIsRefusedWithTheReasonAndNothingIsStored(t *testing.T) {
	const stream, envelopes = "/v1/streams/a/events", "/v1/events"
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		target, contentType, body string
		status                    int
		detail                    string
	}{
		"an empty body":                  {stream, jsonType, " \n", 400, "There is no event in the body"},
		"an empty array":                 {stream, jsonType, "[ ]", 400, "There is no event in the body"},
		"blank lines":                    {stream, ndjsonType, "\n\r\n", 400, "There is no event in the body"},
		"no JSON":                        {stream, jsonType, `{"a":}`, 400, "Data is not a JSON value: invalid character '}' looking for beginning of value at byte 6"},
		"a form":                         {stream, formType, `visitors=523`, 400, `is read as JSON, such as {"visitors": 523}`},
		"two values":                     {stream, jsonType, `1 2`, 400, "not a JSON value"},
		"a raw line end in a string":     {stream, jsonType, "\"a\nb\"", 400, "Data "},
		"invalid UTF-8":                  {stream, jsonType, "\"\xff\"", 400, "Data is not valid UTF-8"},
		"the second of an array":         {stream, jsonType, `[1,{,2]`, 400, "The body is no JSON array: the array does not end"},
		"a wrong value in an array":      {stream, jsonType, `[1,x,2]`, 400, "Event 2: data is not a JSON value"},
		"crossed brackets in an array":   {stream, jsonType, `[1,[{]},2]`, 400, "Event 2: data is not a JSON value"},
		"an array without an end":        {stream, jsonType, `[1,2`, 400, `"]" is missing after event 2`},
		"an array with a trailing comma": {stream, jsonType, `[1,]`, 400, "event 2 of the array has no value, at byte 4"},
		"an array without a comma":       {stream, jsonType, `[1 2]`, 400, `'2' is not expected after event 1 of the array, at byte 4`},
		"something after an array":       {stream, jsonType, `[1] 2`, 400, "there is something after the array's end"},
		"a wrong line":                   {stream, ndjsonType, "1\n\nx\n", 400, "Line 3: data is not a JSON value"},
		"a reserved stream":              {"/v1/streams/hub.x/events", jsonType, `1`, 403, `"hub.x" begins with "hub."; choose another name`},
		"a wrong stream":                 {"/v1/streams/a..b/events", jsonType, `1`, 400, `a token between dots is empty`},
		"a stream that is too long":      {"/v1/streams/" + long + "/events", jsonType, `1`, 400, "is 300 bytes long, at most 200"},
		"a wrong type":                   {stream + "?type=a%20b", jsonType, `1`, 400, `Type "a b" has ' '`},
		"a type of the hub's":            {stream + "?type=hub.gap", jsonType, `1`, 400, `reserved for the hub's own events`},
		"a wrong key":                    {stream + "?key=%07", jsonType, `1`, 400, "control character"},
		"a wrong time":                   {stream + "?time=now", jsonType, `1`, 400, `The parameter time is "now", which is no time such as`},
		"a time before there was any":    {stream + "?time=1812-01-01T00:00:00Z", jsonType, `1`, 400, "it must be from 1970"},
		"an unknown parameter":           {stream + "?tpye=a", jsonType, `1`, 400, `There is no parameter "tpye" here (did you mean type?)`},
		"a parameter that comes twice":   {stream + "?type=a&type=b", jsonType, `1`, 400, "The parameter type comes 2 times"},
		"a wrong query":                  {stream + "?type=%zz", jsonType, `1`, 400, "query string can't be read"},
		"text on a stream of JSON":       {stream, textType, "a line", 415, `Stream "a" takes JSON: send application/json, or set format: text`},
		"an object on a stream of text":  {"/v1/streams/text.x/events", ndjsonType, "\"a\"\n{}\n", 422, `Line 2: it is for stream "text.x", which takes lines of text, but its data is not a string`},
		"two lines in one string":        {"/v1/streams/text.x/events", jsonType, `"a\nb"`, 400, "text of more than one line"},
		"invalid UTF-8 in text":          {"/v1/streams/text.x/events", textType, "a\n\xff\n", 400, "Line 2: data is not valid UTF-8"},
		"another Content-Type":           {stream, "application/xml", `1`, 415, "application/xml is not accepted; send application/json"},
		"a Content-Type that is none":    {stream, ";", `1`, 415, "can't be read"},
		"another charset":                {stream, "application/json; charset=latin1", `1`, 415, "charset is latin1, only UTF-8"},
		"CloudEvents on a stream":        {stream, ceType, `{}`, 415, "send them to POST /v1/events"},

		"an envelope that is no object":         {envelopes, jsonType, `5`, 400, "The event is not a JSON object"},
		"an envelope without a stream":          {envelopes, jsonType, `{"data":1}`, 400, "The event has no stream"},
		"an envelope without data":              {envelopes, jsonType, `{"stream":"a"}`, 400, "The event has no data"},
		"an unknown member":                     {envelopes, jsonType, `{"stream":"a","data":1,"tpye":"x"}`, 400, `The event has the member "tpye", which no envelope has (did you mean type?)`},
		"an id":                                 {envelopes, jsonType, `{"stream":"a","data":1,"id":"x"}`, 400, `the server gives events their ids`},
		"a member that comes twice":             {envelopes, jsonType, `{"stream":"a","data":1,"data":2}`, 400, `has the member "data" twice`},
		"a stream that is no string":            {envelopes, jsonType, `{"stream":5,"data":1}`, 400, `has a member stream that is not a string`},
		"a time that is none":                   {envelopes, jsonType, `{"stream":"a","data":1,"time":"x"}`, 400, `has a member time that is "x", which is no time`},
		"an envelope that is cut":               {envelopes, jsonType, `{"stream":"a","data":1`, 400, `is not whole`},
		"an envelope with a comma too many":     {envelopes, jsonType, `{"stream":"a","data":1,}`, 400, `is no JSON: it has '}' where " should be, at byte 24`},
		"an envelope with data that is no JSON": {envelopes, jsonType, `{"stream":"a","data":tru}`, 400, `Data is not a JSON value`},
		"something after an envelope":           {envelopes, jsonType, `{"stream":"a","data":1} {}`, 400, `has something after its end`},
		"the second envelope of an array":       {envelopes, jsonType, `[{"stream":"a","data":1},{"stream":"a"}]`, 400, `Event 2: it has no data`},
		"a wrong stream in the second":          {envelopes, jsonType, `[{"stream":"a","data":1},{"stream":"b!","data":1}]`, 400, `Event 2: stream "b!"`},
		"a reserved stream in the second":       {envelopes, jsonType, `[{"stream":"a","data":1},{"stream":"hub.b","data":1}]`, 403, `"hub.b"`},
		"the third line":                        {envelopes, ndjsonType, `{"stream":"a","data":1}` + "\n\n" + `[]`, 400, `Line 3: it is not a JSON object`},
		"text":                                  {envelopes, textType, `a line`, 415, `Lines of text don't say their stream`},
		"a parameter":                           {envelopes + "?type=a", jsonType, `{"stream":"a","data":1}`, 400, `There is no parameter "type" here`},
		"a CloudEvent of another version":       {envelopes, ceType, `{"specversion":"0.3","id":"1","source":"/s","type":"a"}`, 400, `has the specversion "0.3"`},
		"a CloudEvent without an id":            {envelopes, ceType, `{"specversion":"1.0","source":"/s","type":"a"}`, 400, `lacks one of id, source and type`},
		"a CloudEvent of bytes":                 {envelopes, ceType, `{"specversion":"1.0","id":"1","source":"/s","type":"a","data_base64":"AA=="}`, 415, `data_base64`},
		"an array as one CloudEvent":            {envelopes, ceType, `[]`, 400, `cloudevents-batch+json`},
		"one CloudEvent as a batch":             {envelopes, ceBatch, `{}`, 400, `The body is no JSON array`},
		"a CloudEvent's subject as no stream":   {envelopes, ceType, `{"specversion":"1.0","id":"1","source":"/s","type":"a","subject":"b/c"}`, 400, `Stream "b/c"`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			wantProblem(t, f.do("POST", c.target, c.body, "Content-Type", c.contentType), c.status, c.detail)
			if got := f.stored(t); len(got) > 0 {
				t.Errorf("stored %q", got)
			}
		})
	}
}

func TestLimitsAreKept(t *testing.T) {
	limits := func(c *config.Config) {
		c.Limits.EventBytes, c.Limits.BatchEvents, c.Limits.BatchBytes, c.Limits.RequestBytes, c.Limits.Streams = 10, 3, 20, 100, 2
	}
	zeros := gzipped(t, strings.Repeat(" ", 101))
	const noGzip = "The body is not the gzip that its Content-Encoding says"
	broken := func(at int) string { // its first block, or its checksum
		b := []byte(gzipped(t, `[1,2]`))
		b[(len(b)+at)%len(b)] ^= 0xff
		return string(b)
	}
	for name, c := range map[string]struct {
		body, encoding string
		status         int
		detail         string
	}{
		"as large as allowed":          {`[12345678,1234567890,12]`, "", 200, ""},
		"an event":                     {`12345678901`, "", 413, "event 1 has 11 bytes of data, at most 10 are allowed (limits.event_bytes)"},
		"a batch's events":             {`[1,2,3,4]`, "", 413, "more than 3 events (limits.batch_events)"},
		"a batch's bytes":              {`[1234567890,1234567890,1]`, "", 413, "limits.batch_bytes"},
		"a body":                       {strings.Repeat(" ", 101), "", 413, "larger than 100 bytes (limits.request_bytes)"},
		"a body that was small":        {zeros, "gzip", 413, "larger than 100 bytes (limits.request_bytes)"},
		"a decompressed body":          {gzipped(t, `[1,2]`), "gzip", 200, ""},
		"what is no gzip":              {`[1,2]`, "gzip", 400, noGzip},
		"an empty gzip":                {``, "gzip", 400, noGzip},
		"a gzip that is cut":           {gzipped(t, `[1,2]`)[:20], "gzip", 400, noGzip},
		"a gzip that is broken":        {broken(10), "gzip", 400, noGzip},
		"a gzip of something else":     {broken(-6), "gzip", 400, noGzip},
		"an encoding of another world": {`[1,2]`, "br", 415, `The Content-Encoding "br" is not accepted; send gzip`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, limits)
			w := f.do("POST", "/v1/streams/a/events", c.body, "Content-Encoding", c.encoding)
			if c.status == http.StatusOK {
				if w.Code != http.StatusOK {
					t.Fatalf("got %d: %s", w.Code, w.Body)
				}
				return
			}
			wantProblem(t, w, c.status, c.detail)
			if got := f.stored(t); len(got) > 0 {
				t.Errorf("stored %q", got)
			}
		})
	}
	t.Run("streams", func(t *testing.T) {
		f := newFixture(t, limits)
		for _, stream := range []string{"a", "b", "a"} {
			if w := f.do("POST", "/v1/streams/"+stream+"/events", "1"); w.Code != http.StatusOK {
				t.Fatalf("got %d: %s", w.Code, w.Body)
			}
		}
		wantProblem(t, f.do("POST", "/v1/streams/c/events", "1"), http.StatusTooManyRequests, "limits.streams", "DELETE")
	})
}

func TestAGzipThatDoesNotArriveIsNotCalledBroken(t *testing.T) {
	f := newFixture(t, nil)
	packed := gzipped(t, `[1,2]`)
	r := httptest.NewRequest("POST", "/v1/streams/a/events", io.MultiReader(strings.NewReader(packed[:20]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	wantProblem(t, w, 400, "The body ended early")
}

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestARetryWithTheSameKeyStoresNothing(t *testing.T) {
	f := newFixture(t, nil)
	publish := func(target, body, key string) receipt {
		t.Helper()
		w := f.do("POST", target, body, "Idempotency-Key", key)
		if w.Code != http.StatusOK {
			t.Fatalf("got %d: %s", w.Code, w.Body)
		}
		return decode[receipt](t, w)
	}
	const a, b = "/v1/streams/a/events", "/v1/streams/b/events"
	first := publish(a, `[1,2]`, "k1")
	if again := publish(a, `[1, 2]`, `"k1"`); !again.Duplicate || again.ID != first.ID || again.Count != 2 {
		t.Errorf("got %+v, want a duplicate of %+v", again, first)
	}
	wantProblem(t, f.do("POST", a, `3`, "Idempotency-Key", "k1"), http.StatusUnprocessableEntity, "was used for another request")
	if other := publish(b, `[1,2]`, "k1"); other.Duplicate {
		t.Error("a key of one stream counts on another")
	}
	if got := f.head(t); got != 4 {
		t.Errorf("got %d events, want 4", got)
	}
	for name, header := range map[string][]string{
		"empty":     {"Idempotency-Key", ""},
		"long":      {"Idempotency-Key", strings.Repeat("k", 256)},
		"not ASCII": {"Idempotency-Key", "kä"},
		"twice":     {"Idempotency-Key", "a", "Idempotency-Key", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, f.do("POST", a, `3`, header...), http.StatusBadRequest, "Idempotency-Key")
		})
	}
}

func TestACloudEventSentAgainIsStoredOnce(t *testing.T) {
	f := newFixture(t, nil)
	event := func(id, data string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/s","type":"a","data":%s}`, id, data)
	}
	for _, c := range []struct {
		body      string
		duplicate bool
	}{
		{event("1", "1"), false}, {event("1", "1"), true}, {event("2", "1"), false},
		{"[" + event("1", "1") + "," + event("2", "1") + "]", false},
		{"[" + event("1", "1") + "," + event("2", "1") + "]", true},
	} {
		w := f.do("POST", "/v1/events", c.body)
		if got := decode[receipt](t, w); got.Duplicate != c.duplicate {
			t.Errorf("%s: got duplicate %v", c.body, got.Duplicate)
		}
	}
	wantProblem(t, f.do("POST", "/v1/events", event("1", "5")), http.StatusUnprocessableEntity)
}

func TestALogThatIsAwayIsA503(t *testing.T) {
	f := newFixture(t, nil)
	if err := f.log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, target string }{
		{"POST", "/v1/streams/a/events"}, {"GET", "/v1/streams"}, {"DELETE", "/v1/streams/a"},
	} {
		w := f.do(c.method, c.target, "1")
		if w.Header().Get("Retry-After") == "" {
			t.Errorf("%s %s: no Retry-After", c.method, c.target)
		}
		wantProblem(t, w, http.StatusServiceUnavailable, "try again")
	}
}

func FuzzPublish(f *testing.F) {
	types := []string{jsonType, ndjsonType, formType, textType, ceType, ceBatch, "", "application/x", "text/plain; charset=x"}
	for i := range types {
		for _, body := range []string{`{"a":1}`, "[1,2]", "1\n2\r\n", `{"stream":"a","data":1}`, `[{"specversion":"1.0","id":"1","source":"s","type":"t"}]`, "\"\\"} {
			f.Add(uint8(i), uint8(i), body)
		}
	}
	targets := []string{"/v1/streams/a/events", "/v1/events", "/v1/streams/text.a/events", "/v1/streams/hub.a/events"}
	fix := newFixture(f, func(c *config.Config) {
		c.Limits.BatchEvents, c.Limits.Streams, c.Limits.RequestBytes, c.Limits.BatchBytes, c.Limits.EventBytes = 100, 1000, 1<<16, 1<<16, 1<<12
		c.Streams = []streamgauge.Rule{{Match: "text.>", Format: streamgauge.FormatText}, {Match: ">", Keep: streamgauge.Keep{Events: 100}}}
	})
	f.Fuzz(func(t *testing.T, contentType, target uint8, body string) {
		before := fix.head(t)
		w := fix.do("POST", targets[int(target)%len(targets)], body, "Content-Type", types[int(contentType)%len(types)])
		stored := fix.head(t) - before
		switch {
		case w.Code >= 500:
			t.Errorf("got %d: %s", w.Code, w.Body)
		case w.Code >= 400 && stored > 0:
			t.Errorf("got %d and %d events were stored: %s", w.Code, stored, w.Body)
		case w.Code == http.StatusOK:
			if r := decode[receipt](t, w); !r.Duplicate && uint64(r.Count) != stored {
				t.Errorf("got count %d and %d events were stored", r.Count, stored)
			}
		}
	})
}

// BenchmarkPublish measures the handler alone: no socket, no net/http server.
func BenchmarkPublish(b *testing.B) {
	for _, c := range []struct {
		name, target, contentType, body string
		events                          int
	}{
		{"one small event", "/v1/streams/site.visitors/events", jsonType, `{"visitors":523}`, 1},
		{"one small envelope", "/v1/events", jsonType, `{"stream":"site.visitors","data":{"visitors":523}}`, 1},
		{"1000 small events", "/v1/streams/site.visitors/events", ndjsonType, strings.Repeat(`{"visitors":523}`+"\n", 1000), 1000},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newFixture(b, nil)
			body := strings.NewReader(c.body)
			r := httptest.NewRequest("POST", c.target, body)
			r.Header.Set("Content-Type", c.contentType)
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(c.body)
				f.handler.ServeHTTP(w, r)
				if w.status != 0 {
					b.Fatal(w.status)
				}
			}
			b.ReportMetric(float64(b.N*c.events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// What is unpacked and waits for its rest fills no memory, nor does one publisher
// take the place of all.
func TestBodiesTakeSoMuchTogether(t *testing.T) {
	f := locked(t, func(c *config.Config) {
		c.Limits.RequestBytes, c.Limits.BatchBytes, c.Limits.EventBytes, c.Limits.PublishingBytes = 100_000, 100_000, 100_000, 500_000
	})
	greedy, _ := f.token(t, `"write":[">"]`)
	other, _ := f.token(t, `"write":[">"]`)
	large := `"` + strings.Repeat("x", 90_000) + `"`
	publish := func(token, body string) *httptest.ResponseRecorder {
		return f.do("POST", "/v1/streams/a/events", body, bearer(token)...)
	}
	var ends []func()
	for range 2 { // much comes, and then nothing any more
		body, writer := io.Pipe()
		r := httptest.NewRequest("POST", "/v1/streams/a/events", body)
		r.Header.Set("Authorization", "Bearer "+greedy)
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			f.handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
		if _, err := io.WriteString(writer, large); err != nil { // returns when it is read
			t.Fatal(err)
		}
		ends = append(ends, func() {
			_ = writer.Close()
			<-answered
		})
	}
	w := publish(greedy, large)
	wantProblem(t, w, http.StatusServiceUnavailable, "limits.publishing_bytes")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
	}
	if w := publish(greedy, "1"); w.Code != http.StatusOK {
		t.Errorf("a small body is answered %d: %s", w.Code, w.Body)
	}
	if w := publish(other, large); w.Code != http.StatusOK {
		t.Errorf("another's is answered %d: %s", w.Code, w.Body)
	}
	for _, end := range ends {
		end()
	}
	if w := publish(greedy, large); w.Code != http.StatusOK {
		t.Errorf("when there is room again it is answered %d: %s", w.Code, w.Body)
	}
}
