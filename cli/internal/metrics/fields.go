package metrics

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/codex-archive/codex/cli/internal/evidence"
)

// fields is what of a line is measured.
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

// decoder reads one line after another into the same fields.
type decoder struct {
	fields fields
	source bytes.Buffer // which, unlike another reader, the library does not copy
	json   *jsontext.Decoder
	key    []byte
}

func newDecoder() *decoder {
	d := &decoder{}
	d.json = jsontext.NewDecoder(&d.source)
	return d
}

// read fills the fields from a line, which is a JSON object. Other values than
// those that are measured are skipped.
func (d *decoder) read(line []byte) error {
	f := &d.fields
	*f = fields{ts: f.ts[:0], action: f.action[:0], backend: f.backend[:0], status: f.status[:0]}
	d.source = *bytes.NewBuffer(line)
	d.json.Reset(&d.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return evidence.ReadObject(d.json, d.member)
}

// member reads one key and its value.
func (d *decoder) member() error {
	key, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	name := inside(key)
	if name == nil {
		if d.key, err = jsontext.AppendUnquote(d.key[:0], key); err != nil {
			return err
		}
		name = d.key
	}
	f := &d.fields
	switch string(name) {
	case "ts":
		return d.text(&f.ts)
	case "action":
		return d.text(&f.action)
	case "backend":
		return d.text(&f.backend)
	case "status":
		return d.text(&f.status)
	case "duration_ms":
		return d.number(&f.duration, hasDuration)
	case "decompression_ms":
		return d.number(&f.decompression, hasDecompression)
	case "write_ms":
		return d.number(&f.write, hasWrite)
	}
	return d.json.SkipValue()
}

// text reads a value into to, if it is a text.
func (d *decoder) text(to *[]byte) error {
	v, err := d.json.ReadValue()
	if err != nil || v.Kind() != '"' {
		return err
	}
	if text := inside(v); text != nil {
		*to = append((*to)[:0], text...)
		return nil
	}
	*to, err = jsontext.AppendUnquote((*to)[:0], v)
	return err
}

// inside returns what is between the quotes of a text that has no escapes and
// nothing but ASCII, as nearly all do; nil: the text must be read in full.
func inside(quoted jsontext.Value) []byte {
	text := quoted[1 : len(quoted)-1]
	for _, c := range text {
		if c == '\\' || c >= utf8.RuneSelf {
			return nil
		}
	}
	return text
}

func (d *decoder) number(to *float64, has phases) error {
	v, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	n, err := milliseconds(v)
	if err != nil {
		return err
	}
	*to, d.fields.measured = n, d.fields.measured|has
	return nil
}

func milliseconds(text []byte) (float64, error) {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n >= 0) || n > 1e15 {
		return 0, fmt.Errorf("found %.40q, allowed milliseconds", text)
	}
	return n, nil
}
