package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// fields is what of a line is measured. Texts point into the line.
type fields struct {
	ts, action, backend, status []byte
	duration                    float64 // milliseconds, as all of them
	decompression, write        float64
	measured                    phases
}

// phases says which of the numbers a line has.
type phases uint8

const (
	hasDuration phases = 1 << iota
	hasDecompression
	hasWrite
)

// read fills f from a line, which is a JSON object. Lines that hold nothing but
// texts, numbers and words, as the log's do, are cut without decoding the rest,
// which takes a tenth of the time; encoding/json reads the others.
func (f *fields) read(line []byte) error {
	*f = fields{}
	if known, err := f.cut(line); known {
		return err
	}
	*f = fields{}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(line, &all); err != nil {
		return err
	}
	for key, value := range all {
		if value[0] == '"' {
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
			f.text([]byte(key), []byte(text))
		} else if err := f.number([]byte(key), value); err != nil {
			return err
		}
	}
	return nil
}

// cut goes through a flat object. known is false where it meets what it does not
// know: something nested, an escape where it matters, no JSON at all.
func (f *fields) cut(line []byte) (known bool, err error) {
	rest, ok := bytes.CutPrefix(line, []byte("{"))
	for ok {
		var key, value []byte
		var escaped, isText bool
		if key, rest, escaped, ok = cutText(rest); !ok || escaped {
			return false, nil
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(":")); !ok {
			return false, nil
		}
		if isText = len(rest) > 0 && rest[0] == '"'; isText {
			value, rest, escaped, ok = cutText(rest)
		} else {
			value, rest, ok = cutWord(rest)
		}
		if !ok || escaped && wanted(key) {
			return false, nil
		}
		if isText {
			f.text(key, value)
		} else if err := f.number(key, value); err != nil {
			return true, err
		}
		if string(rest) == "}" {
			return true, nil
		}
		rest, ok = bytes.CutPrefix(rest, []byte(","))
	}
	return false, nil
}

// cutText takes a text in quotes off the front of b, without the quotes.
func cutText(b []byte) (text, rest []byte, escaped, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false, false
	}
	for end := 1; ; end++ {
		i := bytes.IndexByte(b[end:], '"')
		if i < 0 {
			return nil, nil, false, false
		}
		end += i
		if !quoted(b[1:end]) {
			text = b[1:end]
			return text, b[end+1:], bytes.IndexByte(text, '\\') >= 0, true
		}
	}
}

// quoted reports whether text ends in a backslash that quotes what follows.
func quoted(text []byte) bool {
	n := len(text) - len(bytes.TrimRight(text, `\`))
	return n%2 == 1
}

// cutWord takes a number, true, false or null off the front of b.
func cutWord(b []byte) (word, rest []byte, ok bool) {
	i := bytes.IndexAny(b, ",}")
	if i <= 0 || bytes.ContainsAny(b[:i], " \t[{") {
		return nil, nil, false
	}
	return b[:i], b[i:], true
}

func wanted(key []byte) bool {
	switch string(key) {
	case "ts", "action", "backend", "status":
		return true
	}
	return false
}

func (f *fields) text(key, value []byte) {
	switch string(key) {
	case "ts":
		f.ts = value
	case "action":
		f.action = value
	case "backend":
		f.backend = value
	case "status":
		f.status = value
	}
}

func (f *fields) number(key, value []byte) error {
	var to *float64
	var has phases
	switch string(key) {
	case "duration_ms":
		to, has = &f.duration, hasDuration
	case "decompression_ms":
		to, has = &f.decompression, hasDecompression
	case "write_ms":
		to, has = &f.write, hasWrite
	default:
		return nil
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(n >= 0) || n > 1e15 {
		return fmt.Errorf("%s: found %.40q, allowed milliseconds", key, value)
	}
	*to, f.measured = n, f.measured|has
	return nil
}
