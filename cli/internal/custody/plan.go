// Package custody holds the two documents of a purge: the plan before it and the
// certificate after it.
package custody

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// planVersion is the version of the form of a plan.
const planVersion = 1

// maxPlan bounds what is read of a plan, in bytes: about half a kilobyte for a
// record.
const maxPlan = 1 << 30

// Plan says what a purge would remove.
type Plan struct {
	Version int       `json:"purge_plan"`
	Archive sdk.ID    `json:"archive"` // identity
	Backend string    `json:"backend"`
	MadeAt  time.Time `json:"made_at"`
	MadeBy  string    `json:"made_by"`
	Records []Planned `json:"records"` // would be purged
	Refused []Refused `json:"refused"` // would not; for people
	Digest  string    `json:"digest"`  // of all before it
}

// Planned is a record that would be purged, as it was when the plan was made.
type Planned struct {
	Tombstone    sdk.Tombstone `json:"tombstone"`
	RecordDigest sdk.Digest    `json:"record_digest"`
	SHA256       sdk.Digest    `json:"sha256"`
	Size         int64         `json:"size_bytes"`
	Repo         string        `json:"repo"`
	Path         string        `json:"path"`
	PathB64      string        `json:"path_b64,omitempty"`
	Verdict      sdk.Outcome   `json:"verdict"`
	Freed        int64         `json:"freed_bytes"`
}

// Refused is a record that would stay.
type Refused struct {
	Tombstone string      `json:"tombstone"` // as it was typed, where there is no such record
	Path      string      `json:"path,omitempty"`
	Verdict   sdk.Outcome `json:"verdict,omitempty"`
	Why       string      `json:"why"`
}

// NewPlan returns a plan without records.
func NewPlan(archive sdk.ID, backend, who string, now time.Time) *Plan {
	return &Plan{
		Version: planVersion, Archive: archive, Backend: backend, MadeAt: now.UTC().Truncate(time.Second), MadeBy: who,
		Records: []Planned{}, Refused: []Refused{},
	}
}

// Add adds a record that would be purged.
func (p *Plan) Add(r *sdk.Record, v sdk.Verdict) {
	planned := Planned{
		Tombstone: r.Tombstone, RecordDigest: r.Digest, SHA256: r.Content.SHA256, Size: r.Content.Size,
		Repo: r.Repo, Verdict: v.Outcome, Freed: v.Freed,
	}
	planned.Path, planned.PathB64 = output.PathText(r.Path)
	p.Records = append(p.Records, planned)
}

// Write writes the plan to a file that must not exist.
func (p *Plan) Write(path string) error {
	p.Digest = p.digest()
	return durable.CreateFile(path, 0o644, func(w io.Writer) error { return output.WriteJSON(w, p) })
}

// digest is the SHA-256, in hex, of the plan as JSON on one line that ends in a
// newline, with an empty digest.
func (p *Plan) digest() string {
	c := *p
	c.Digest = ""
	hash := sha256.New()
	_ = output.WriteJSONLine(hash, c) // a hash has no errors, and a plan is always JSON
	return hex.EncodeToString(hash.Sum(nil))
}

// ErrEdited says that a plan is not as it was written.
var ErrEdited = errors.New("the plan was changed after it was written: its digest is another")

// Read reads a plan. One that was changed is [ErrEdited].
func Read(path string) (*Plan, error) {
	text, err := durable.ReadRegular(path, maxPlan)
	if err != nil {
		return nil, err
	}
	return parse(text)
}

func parse(text []byte) (*Plan, error) {
	var p Plan
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	switch err := d.Decode(&p); {
	case err != nil:
		return nil, errors.New("is no plan of a purge, or was cut short")
	case d.More():
		return nil, errors.New("is no plan of a purge: more follows it")
	case p.Version != planVersion:
		return nil, fmt.Errorf("is a plan of version %d, and this program reads %d", p.Version, planVersion)
	case p.Digest != p.digest():
		return nil, ErrEdited
	}
	return &p, nil
}

// Drift says in what a record is no longer as it was planned, "" if it is.
func (p *Planned) Drift(r *sdk.Record) string {
	switch {
	case r.Content.SHA256 != p.SHA256 || r.Content.Size != p.Size:
		return "the archive has another content for it than the plan"
	case r.Digest != p.RecordDigest:
		return "the archive has another record than the plan"
	}
	return ""
}
