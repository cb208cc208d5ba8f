package sse_test

import (
	"strings"
	"unicode/utf8"
)

// parsed is what a client has seen and knows at the end of a stream.
type parsed struct {
	Events      []event `json:"events"`
	LastEventID string  `json:"lastEventId"`
	Retry       *int64  `json:"retry"` // milliseconds
}

type event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data string `json:"data"`
}

// reference reads a whole stream as the standard's text says it, step by step
// and with no regard to cost. It shares nothing with the decoder.
func reference(stream []byte) parsed {
	text := strings.TrimPrefix(decodeUTF8(stream), "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(text, "\n")
	out := parsed{Events: []event{}}
	var data, typ, idBuffer string
	for _, line := range lines[:len(lines)-1] { // what follows the last line end is discarded
		if line == "" {
			out.LastEventID = idBuffer
			if data == "" {
				typ = ""
				continue
			}
			data = strings.TrimSuffix(data, "\n")
			e := event{ID: out.LastEventID, Type: "message", Data: data}
			if typ != "" {
				e.Type = typ
			}
			out.Events = append(out.Events, e)
			data, typ = "", ""
			continue
		}
		colon := strings.Index(line, ":")
		if colon == 0 {
			continue
		}
		name, value := line, ""
		if colon > 0 {
			name, value = line[:colon], line[colon+1:]
			value = strings.TrimPrefix(value, " ")
		}
		switch name {
		case "event":
			typ = value
		case "data":
			data += value + "\n"
		case "id":
			if !strings.Contains(value, "\x00") {
				idBuffer = value
			}
		case "retry":
			if value != "" && strings.Trim(value, "0123456789") == "" {
				ms := number(value)
				out.Retry = &ms
			}
		}
	}
	return out
}

// number reads decimal digits, up to the longest time.Duration.
func number(digits string) int64 {
	n := 0.0
	for _, c := range digits {
		n = n*10 + float64(c-'0')
	}
	if most := int64(9_223_372_036_854); n > float64(most) {
		return most
	}
	return int64(n)
}

// decodeUTF8 is the "UTF-8 decoder" of the WHATWG Encoding standard, state by
// state, in replacement mode.
func decodeUTF8(in []byte) string {
	var (
		out          strings.Builder
		point        rune
		seen, needed int
		lower, upper byte = 0x80, 0xBF
	)
	for i := 0; i < len(in); i++ {
		b := in[i]
		if needed == 0 {
			switch {
			case b <= 0x7F:
				out.WriteByte(b)
			case b >= 0xC2 && b <= 0xDF:
				needed, point = 1, rune(b&0x1F)
			case b >= 0xE0 && b <= 0xEF:
				if b == 0xE0 {
					lower = 0xA0
				}
				if b == 0xED {
					upper = 0x9F
				}
				needed, point = 2, rune(b&0xF)
			case b >= 0xF0 && b <= 0xF4:
				if b == 0xF0 {
					lower = 0x90
				}
				if b == 0xF4 {
					upper = 0x8F
				}
				needed, point = 3, rune(b&0x7)
			default:
				out.WriteRune(utf8.RuneError)
			}
			continue
		}
		if b < lower || b > upper {
			point, needed, seen, lower, upper = 0, 0, 0, 0x80, 0xBF
			i-- // the byte is looked at again
			out.WriteRune(utf8.RuneError)
			continue
		}
		lower, upper = 0x80, 0xBF
		point = point<<6 | rune(b&0x3F)
		if seen++; seen == needed {
			out.WriteRune(point)
			point, needed, seen = 0, 0, 0
		}
	}
	if needed > 0 {
		out.WriteRune(utf8.RuneError)
	}
	return out.String()
}
