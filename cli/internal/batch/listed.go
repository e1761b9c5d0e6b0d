package batch

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// listedWire is what a manifest needs of a record that list --json printed.
type listedWire struct {
	Tombstone       string          `json:"tombstone"`
	SHA256          string          `json:"sha256"`
	Repo            string          `json:"repo"`
	Path            string          `json:"path"`
	PathB64         []byte          `json:"path_b64"`
	WorkTreePath    string          `json:"worktree_path"`
	WorkTreePathB64 []byte          `json:"worktree_path_b64"`
	ArchivedAt      time.Time       `json:"archived_at"`
	PurgedAt        time.Time       `json:"purged_at"`
	Error           json.RawMessage `json:"error"`
}

// isListed reports whether text begins with a record as list --json prints it.
func isListed(text []byte) bool {
	var first struct {
		Tombstone *string `json:"tombstone"`
	}
	return json.NewDecoder(bytes.NewReader(text)).Decode(&first) == nil && first.Tombstone != nil
}

// readListed takes records as list --json prints them: the newest live record of
// each path, and that path as its output, as [Query] does. Records that could not
// be read have no path and are left out.
func (m *Manifest) readListed(text []byte) error {
	m.Listed = true
	query := NewQuery("")
	d := json.NewDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		var l listedWire
		err := d.Decode(&l)
		switch {
		case errors.Is(err, io.EOF):
			m.Items, err = query.Items()
			if err != nil {
				return fmt.Errorf("%s: %w", m.Path, err)
			}
			return nil
		case err != nil:
			return m.brokenRecord(n, int(d.InputOffset()), text, err)
		case len(l.Error) > 0:
			m.LeftOut++
			continue
		}
		record, field, err := l.record()
		if err != nil {
			return m.errorAt(n, field, "%v", err)
		}
		query.Add(&record)
	}
}

// brokenRecord is an error about the record at index, which begins after offset.
func (m *Manifest) brokenRecord(index, offset int, text []byte, err error) error {
	rest := text[min(offset, len(text)):]
	offset += len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return m.errorAt(index, wrongType.Field, "found a %s", wrongType.Value)
	}
	var inBase64 base64.CorruptInputError
	var inTime *time.ParseError
	if errors.As(err, &inBase64) || errors.As(err, &inTime) {
		return m.errorAt(index, "", "%v", err)
	}
	return fmt.Errorf("%s:%d: item %d: broken JSON: %w", m.Path, lineAt(text, offset), index+1, err)
}

// record returns the record, or which field is wrong.
func (l *listedWire) record() (r sdk.Record, field string, err error) {
	r = sdk.Record{Repo: l.Repo, Path: l.Path, WorkTreePath: l.WorkTreePath, ArchivedAt: l.ArchivedAt, PurgedAt: l.PurgedAt}
	if len(l.PathB64) > 0 {
		r.Path = string(l.PathB64)
	}
	if len(l.WorkTreePathB64) > 0 {
		r.WorkTreePath = string(l.WorkTreePathB64)
	}
	if r.Path == "" {
		return r, "path", errors.New("is missing or empty")
	}
	if r.Tombstone, err = sdk.ParseID(l.Tombstone); err != nil {
		return r, "tombstone", err
	}
	if r.Content.SHA256, err = sdk.ParseDigest(l.SHA256); err != nil {
		return r, "sha256", err
	}
	return r, "", nil
}

// readFailed takes the failed items of a results file. It reports whether text
// is one.
func (m *Manifest) readFailed(text []byte) bool {
	var doc documentWire
	if json.Unmarshal(text, &doc) != nil || doc.Manifest.Path == "" {
		return false
	}
	m.Items, m.Results = nil, true
	for _, i := range doc.Items {
		if i.Status == Failed {
			m.Items = append(m.Items, i.Item)
		}
	}
	return true
}
