package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/codex-archive/codex/sdk"
)

// link is what of a record is verified.
type link struct {
	V      int64
	Seq    int64
	Prev   sdk.Digest
	Action Action
}

func (k link) follows(seq int64, prev sdk.Digest) error {
	switch {
	case k.Seq != seq+1:
		return fmt.Errorf("seq is %d, should be %d", k.Seq, seq+1)
	case k.Prev != prev:
		return fmt.Errorf("prev is %s, should be %s: the line before it was changed, or it followed another one", k.Prev, prev)
	}
	return nil
}

// linkReader reads links from lines: of other values it only sees that they are
// JSON, which is a third of the work.
type linkReader struct {
	source bytes.Reader
	json   *jsontext.Decoder
	text   []byte
}

// read returns the link of a line, or why it is no record.
func (d *linkReader) read(l Line) (k link, err error) {
	if err := l.whole(); err != nil {
		return k, err
	}
	if d.json == nil {
		d.json = jsontext.NewDecoder(&d.source)
	}
	d.source.Reset(l.Raw)
	d.json.Reset(&d.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := ReadObject(d.json, func() error { return d.member(&k) }); err != nil {
		return k, fmt.Errorf("not a record: %w", inWords(err))
	}
	if k.V < 1 || k.Seq < 1 || k.Seq > maxSeq {
		return k, fmt.Errorf("not a record: v is %d, seq %d", k.V, k.Seq)
	}
	return k, nil
}

var errNoObject = errors.New("is not one JSON object")

// ReadObject reads one JSON object, which is all that json has. It calls member to
// read each key with its value.
func ReadObject(json *jsontext.Decoder, member func() error) error {
	switch t, err := json.ReadToken(); {
	case err != nil:
		return err
	case t.Kind() != '{':
		return errNoObject
	}
	for json.PeekKind() != '}' {
		if err := member(); err != nil {
			return err
		}
	}
	if _, err := json.ReadToken(); err != nil {
		return err
	}
	if _, err := json.ReadToken(); err != io.EOF {
		return errNoObject
	}
	return nil
}

// member reads one key and its value.
func (d *linkReader) member(k *link) error {
	key, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	switch string(key) {
	case `"v"`:
		return d.number(&k.V)
	case `"seq"`:
		return d.number(&k.Seq)
	case `"prev"`, `"action"`:
		prev := string(key) == `"prev"`
		value, err := d.json.ReadValue()
		if err == nil {
			d.text, err = jsontext.AppendUnquote(d.text[:0], value)
		}
		switch {
		case err != nil:
			return err
		case prev:
			return k.Prev.UnmarshalText(d.text)
		}
		k.Action = Action(d.text)
		return nil
	}
	return d.json.SkipValue()
}

func (d *linkReader) number(to *int64) error {
	value, err := d.json.ReadValue()
	if err == nil {
		*to, err = strconv.ParseInt(string(value), 10, 64)
	}
	return err
}
