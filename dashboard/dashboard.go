package dashboard

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"time"
)

// What a file may measure.
const (
	MaxBytes     = 1 << 20 // of a file
	MaxNameBytes = 64      // of a dashboard's name
	MaxRows      = 100
	MaxPanels    = 500 // of a dashboard
	maxErrors    = 100 // that are told of one file
)

var (
	nameForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	variableForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// ValidName reports whether a dashboard can have the name: lower-case letters,
// digits and dashes, not beginning with a dash, at most [MaxNameBytes] bytes. It
// is the name of its file without .yaml.
func ValidName(name string) bool {
	return len(name) <= MaxNameBytes && nameForm.MatchString(name)
}

// Dashboard is a file's content, checked. As JSON it has the names and the shape
// of the YAML, but what may be one or a list is always a list, a panel always
// has its width and height, and durations are milliseconds.
type Dashboard struct {
	Name        string       `json:"-"` // of the file, without .yaml
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	Window      Window       `json:"window,omitzero"`
	Variables   Variables    `json:"variables,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"`
	Views       Views        `json:"views,omitempty"`
	Rows        []Row        `json:"rows"`
}

// Variable is a choice that a dashboard leaves to its reader. Either Stream and
// Field are set or Streams is.
type Variable struct {
	Name    string `json:"-"`
	Label   string `json:"label,omitempty"`
	Stream  string `json:"stream,omitempty"`  // selector: the choices are what Field has been seen to be there
	Field   string `json:"field,omitempty"`   // JSON pointer
	Streams string `json:"streams,omitempty"` // selector: the choices are the last tokens of the streams it selects
	Default string `json:"default,omitempty"` // what is chosen at first; empty is nothing
}

// Annotation says which events mark an instant on every chart.
type Annotation struct {
	Stream string `json:"stream"`         // selector
	Text   string `json:"text,omitempty"` // JSON pointer to what the mark says
	Filter string `json:"filter,omitempty"`
}

// View is a view with a name.
type View struct {
	Name string
	Text string // as [streamgauge.ParseView] takes it, but for variables
}

// Row is panels side by side, on a grid of 12 columns.
type Row struct {
	Title  string  `json:"title,omitempty"`
	Panels []Panel `json:"panels"`
}

// Panel is one picture. Which members a type may have is in docs/dashboards.md.
type Panel struct {
	Type        string `json:"type"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Width       int    `json:"width"`           // of 12 columns
	Height      int    `json:"height"`          // in rows of 40 pixels
	Window      Window `json:"window,omitzero"` // zero is the page's

	// Data: streams or views.
	Stream []string `json:"stream,omitempty"` // selectors
	View   []string `json:"view,omitempty"`   // names or texts
	Filter string   `json:"filter,omitempty"`
	Field  []string `json:"field,omitempty"` // JSON pointers
	Keys   []string `json:"keys,omitempty"`

	// Presentation of numbers.
	Unit       string      `json:"unit,omitempty"`
	Decimals   *int        `json:"decimals,omitempty"`
	Min        *float64    `json:"min,omitempty"`
	Max        *float64    `json:"max,omitempty"`
	Thresholds []Threshold `json:"thresholds,omitempty"`
	Labels     Texts       `json:"labels,omitempty"` // by series

	// Of single types.
	Style   string   `json:"style,omitempty"`   // timeseries
	Stack   bool     `json:"stack,omitempty"`   // timeseries
	Limit   int      `json:"limit,omitempty"`   // bars, table, feed
	Columns []Column `json:"columns,omitempty"` // table
	States  Texts    `json:"states,omitempty"`  // status, by value
	Level   string   `json:"level,omitempty"`   // log
	Search  string   `json:"search,omitempty"`  // log
	Wrap    bool     `json:"wrap,omitempty"`    // log
	Fields  Texts    `json:"fields,omitempty"`  // feed: JSON pointers by part
	Text    string   `json:"text,omitempty"`    // text
}

// Threshold is a state that holds from a value upward, or downward if Below. Of
// several that hold the one passed last counts.
type Threshold struct {
	At    float64 `json:"at"`
	State string  `json:"state"` // good, warn or bad
	Below bool    `json:"below,omitempty"`
}

// Column is a column of a table.
type Column struct {
	Field string `json:"field"` // JSON pointer
	Label string `json:"label,omitempty"`
	Unit  string `json:"unit,omitempty"`
	Spark bool   `json:"spark,omitempty"` // with a line of its course
}

// Window is a span of time, in JSON as milliseconds.
type Window time.Duration

// MarshalJSON returns the milliseconds.
func (w Window) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, time.Duration(w).Milliseconds(), 10), nil
}

// Variables, in the file's order; in JSON an object.
type Variables []Variable

// MarshalJSON returns an object in order.
func (v Variables) MarshalJSON() ([]byte, error) {
	return object(len(v), func(i int) (string, any) { return v[i].Name, v[i] })
}

// Views, in the file's order; in JSON an object of texts.
type Views []View

// MarshalJSON returns an object in order.
func (v Views) MarshalJSON() ([]byte, error) {
	return object(len(v), func(i int) (string, any) { return v[i].Name, v[i].Text })
}

// Texts is a mapping of texts, in the file's order; in JSON an object.
type Texts []Text

// Text is a member of [Texts].
type Text struct{ Name, Text string }

// MarshalJSON returns an object in order.
func (t Texts) MarshalJSON() ([]byte, error) {
	return object(len(t), func(i int) (string, any) { return t[i].Name, t[i].Text })
}

func object(n int, member func(int) (string, any)) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		name, value := member(i)
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
