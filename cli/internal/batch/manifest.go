// Package batch knows what a batch restore is apart from restoring: the
// manifest that asks for it, the order in which its items run, and the results
// file that tells what became of each.
package batch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
)

// Limits of a manifest. They bound memory; a manifest of 100,000 items has
// some 12 MB.
const (
	MaxItems = 1_000_000
	maxBytes = 256 << 20
)

// Item is one file to restore.
type Item struct {
	Tombstone string `json:"tombstone"`        // as written, perhaps shortened
	Output    string `json:"output"`           // as written
	SHA256    string `json:"sha256,omitempty"` // what the content must have, in lower-case hex; "" where it was not said
}

// Manifest is a list of files to restore.
type Manifest struct {
	Path   string     // as given, "-" for standard input
	SHA256 sdk.Digest // of its bytes
	Items  []Item

	Listed  bool // it is what list --json printed: outputs are relative to a directory that is yet to be named
	LeftOut int  // records in there that could not be read
	Results bool // it is a results file, and Items are those that failed
}

// Format is how a manifest is written.
type Format string

// The formats. Auto decides by the extension of the name, then by content.
const (
	Auto Format = ""
	JSON Format = "json"
	CSV  Format = "csv"
)

// ItemError is an error about one item of a manifest.
type ItemError struct {
	Manifest string // its path
	Item     int    // from 1
	Field    string // "" where it is not about one
	Msg      string
}

// Error returns "manifest: item 3: output: message".
func (e *ItemError) Error() string {
	text := fmt.Sprintf("%s: item %d: ", e.Manifest, e.Item)
	if e.Field != "" {
		text += e.Field + ": "
	}
	return text + e.Msg
}

// fields are what an item may carry; the first two it must.
var fields = []string{"tombstone", "output", "sha256"}

const fieldsAllowed = "allowed tombstone, output, sha256"

// set sets a field and reports whether there is such a field.
func (i *Item) set(field, value string) bool {
	switch field {
	case "tombstone":
		i.Tombstone = value
	case "output":
		i.Output = value
	case "sha256":
		i.SHA256 = strings.ToLower(value)
	default:
		return false
	}
	return true
}

// Read reads the whole manifest from r and checks everything that can be said
// without looking at the file system. path names it in errors, and with Auto
// decides its format.
func Read(r io.Reader, path string, format Format) (*Manifest, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	case len(text) > maxBytes:
		return nil, fmt.Errorf("%s: larger than %d MiB, which is the limit of a manifest", path, maxBytes>>20)
	}
	m := &Manifest{Path: path, SHA256: sha256.Sum256(text)}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if at := invalidUTF8(text); at >= 0 {
		return nil, fmt.Errorf("%s:%d: not UTF-8", path, lineAt(text, at))
	}
	parse := m.readCSV
	if m.format(format, text) == JSON {
		parse = m.readJSON
	}
	if err := parse(text); err != nil {
		return nil, err
	}
	if len(m.Items) == 0 {
		return nil, m.noItems()
	}
	for i := range m.Items {
		if field, wrong := m.Items[i].check(); wrong != "" {
			return nil, m.errorAt(i, field, "%s", wrong)
		}
	}
	return m, nil
}

func (m *Manifest) noItems() error {
	switch {
	case m.Results:
		return fmt.Errorf("%s: no item of these results failed: there is nothing to restore", m.Path)
	case m.Listed:
		return fmt.Errorf("%s: none of these records can be restored: they are purged or could not be read", m.Path)
	}
	return fmt.Errorf("%s: items: the list is empty", m.Path)
}

func (m *Manifest) format(asked Format, text []byte) Format {
	switch ext := strings.ToLower(filepath.Ext(m.Path)); {
	case asked != Auto:
		return asked
	case ext == ".json":
		return JSON
	case ext == ".csv":
		return CSV
	}
	if text = bytes.TrimSpace(text); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return JSON
	}
	return CSV
}

// check says what is wrong with an item by itself.
func (i *Item) check() (field, wrong string) {
	switch {
	case i.Tombstone == "":
		return "tombstone", "is missing or empty"
	case i.Output == "":
		return "output", "is missing or empty"
	case len(i.Tombstone) > sdk.MaxName:
		return "tombstone", fmt.Sprintf("is longer than %d bytes", sdk.MaxName)
	case len(i.Output) > sdk.MaxPath:
		return "output", fmt.Sprintf("is longer than %d bytes", sdk.MaxPath)
	case strings.ContainsRune(i.Output, 0):
		return "output", "holds a NUL"
	case i.Output == "-":
		return "output", `"-" is standard output, which a batch cannot share; a file of this name is ./-`
	}
	if raw, err := hex.DecodeString(i.SHA256); i.SHA256 != "" && (err != nil || len(raw) != sha256.Size) {
		return "sha256", fmt.Sprintf("found %.80q, allowed 64 hex digits", i.SHA256)
	}
	return "", ""
}

func (m *Manifest) errorAt(index int, field, format string, args ...any) error {
	return &ItemError{Manifest: m.Path, Item: index + 1, Field: field, Msg: fmt.Sprintf(format, args...)}
}

// tooMany is the error for a manifest that goes on past MaxItems.
func (m *Manifest) tooMany() error {
	return fmt.Errorf("%s: more than %d items", m.Path, MaxItems)
}

// lineAt returns the line, from 1, that holds the byte at offset.
func lineAt(text []byte, offset int) int {
	return 1 + bytes.Count(text[:min(offset, len(text))], []byte("\n"))
}

// invalidUTF8 returns where text stops to be UTF-8, or -1.
func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
