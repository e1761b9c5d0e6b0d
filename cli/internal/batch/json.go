package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonManifest reads {"items": [{"tombstone": "…", "output": "…"}]}, token by
// token: encoding/json by itself would ignore unknown and repeated keys, and could
// not say which item is wrong.
type jsonManifest struct {
	m    *Manifest
	text []byte
	d    *json.Decoder
}

// readJSON takes a manifest, a results file, or what list --json printed.
func (m *Manifest) readJSON(text []byte) error {
	err := m.readItems(text)
	switch {
	case err == nil || m.readFailed(text):
		return nil
	case isListed(text):
		m.Items = nil
		return m.readListed(text)
	}
	return err
}

func (m *Manifest) readItems(text []byte) error {
	j := &jsonManifest{m: m, text: text, d: json.NewDecoder(bytes.NewReader(text))}
	if err := j.document(); err != nil {
		return err
	}
	if _, err := j.d.Token(); err != io.EOF {
		return j.wrong("something follows the end of the document")
	}
	return nil
}

func (j *jsonManifest) document() error {
	if err := j.open('{', "an object with the key items"); err != nil {
		return err
	}
	found := false
	for j.d.More() {
		key, err := j.token()
		if err != nil {
			return err
		}
		switch {
		case key != "items":
			return j.wrong("unknown key %q, allowed items", key)
		case found:
			return j.wrong("the key items is there twice")
		}
		found = true
		if err := j.items(); err != nil {
			return err
		}
	}
	if _, err := j.token(); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s: the key items is missing", j.m.Path)
	}
	return nil
}

func (j *jsonManifest) items() error {
	if err := j.open('[', "a list of items"); err != nil {
		return err
	}
	for j.d.More() {
		if len(j.m.Items) == MaxItems {
			return j.m.tooMany()
		}
		j.m.Items = append(j.m.Items, Item{})
		if err := j.item(len(j.m.Items) - 1); err != nil {
			return err
		}
	}
	_, err := j.token()
	return err
}

func (j *jsonManifest) item(index int) error {
	token, err := j.token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return j.m.errorAt(index, "", "found %s, want an object", describe(token))
	}
	seen := map[string]bool{}
	for j.d.More() {
		if err := j.field(index, seen); err != nil {
			return err
		}
	}
	_, err = j.token()
	return err
}

func (j *jsonManifest) field(index int, seen map[string]bool) error {
	token, err := j.token()
	if err != nil {
		return err
	}
	key, _ := token.(string)
	if seen[key] {
		return j.m.errorAt(index, key, "is there twice")
	}
	seen[key] = true
	if !(&Item{}).set(key, "") {
		return j.m.errorAt(index, "", "unknown field %.80q, %s", key, fieldsAllowed)
	}
	value, err := j.token()
	if err != nil {
		return err
	}
	text, ok := value.(string)
	if !ok {
		return j.m.errorAt(index, key, "found %s, want a string", describe(value))
	}
	j.m.Items[index].set(key, strings.Clone(text))
	return nil
}

// open takes the token that begins an object or a list.
func (j *jsonManifest) open(delim json.Delim, want string) error {
	token, err := j.token()
	if err != nil {
		return err
	}
	if token != delim {
		return j.wrong("found %s, want %s", describe(token), want)
	}
	return nil
}

// token takes the next token; an error says in which line the JSON breaks off.
func (j *jsonManifest) token() (json.Token, error) {
	token, err := j.d.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%s:%d: broken JSON: it ends in the middle", j.m.Path, lineAt(j.text, len(j.text)))
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%s:%d: broken JSON: %s", j.m.Path, lineAt(j.text, int(syntax.Offset)-1), syntax)
	}
	return nil, j.wrong("broken JSON: %v", err)
}

// wrong is an error about the place that was read last.
func (j *jsonManifest) wrong(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", j.m.Path, lineAt(j.text, int(j.d.InputOffset())), fmt.Sprintf(format, args...))
}

// describe names a token for people.
func describe(token json.Token) string {
	switch token {
	case json.Delim('{'):
		return "an object"
	case json.Delim('['):
		return "a list"
	case nil:
		return "null"
	}
	switch t := token.(type) {
	case string:
		return fmt.Sprintf("the string %.80q", t)
	case float64:
		return fmt.Sprintf("the number %v", t)
	}
	return fmt.Sprint(token)
}
