package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// recryptResults is what the results file of recrypt holds: what was asked for, and
// how far it came.
type recryptResults struct {
	DryRun     bool             `json:"dry_run,omitempty"`
	Selected   string           `json:"selected"`
	Recipients []string         `json:"recipients"`
	Decrypt    bool             `json:"decrypt"`
	Archive    sdk.ID           `json:"archive"`
	Begun      time.Time        `json:"begun"`
	Complete   bool             `json:"complete"`
	Place      *verifier.Place  `json:"place,omitempty"` // all up to here are done
	Failures   []recryptFailure `json:"failures"`        // at most so many as verify names problems
	Summary    recryptSummary   `json:"summary"`
}

// recryptFailure is a record whose content is stored as before.
type recryptFailure struct {
	Tombstone string             `json:"tombstone"`
	Path      string             `json:"path,omitempty"`
	PathB64   string             `json:"path_b64,omitempty"`
	Error     output.FailureView `json:"error"`
}

type recryptSummary struct {
	Records   int64         `json:"records"`
	Contents  int64         `json:"contents"`     // stored anew; in a dry run: that would be
	Bytes     int64         `json:"stored_bytes"` // of their new bodies; in a dry run: of the present ones
	Unchanged int64         `json:"unchanged"`    // records whose content is as wanted, or done for another record
	Purged    int64         `json:"purged"`
	Failed    int64         `json:"failed"`
	Duration  output.Millis `json:"total_duration_ms"` // of the last run
}

func newRecryptResults(selected string, recipients []string, decrypt bool) *recryptResults {
	if recipients == nil || decrypt {
		recipients = []string{}
	}
	return &recryptResults{
		Selected: selected, Recipients: recipients, Decrypt: decrypt, Failures: []recryptFailure{},
		Begun: time.Now().UTC().Truncate(time.Millisecond),
	}
}

// Write writes the results as JSON.
func (r *recryptResults) Write(w io.Writer) error { return output.WriteJSON(w, r) }

// parseRecryptResults returns nil for the text of another file.
func parseRecryptResults(text []byte) *recryptResults {
	var r recryptResults
	if json.Unmarshal(text, &r) != nil || r.Selected == "" || r.Archive.IsZero() || r.Recipients == nil {
		return nil
	}
	return &r
}

// add counts a record.
func (r *recryptResults) add(n *int64) {
	r.Summary.Records++
	*n++
}

// fail notes that the content of a record is stored as before.
func (r *recryptResults) fail(record *sdk.Record, name string, err error) {
	r.add(&r.Summary.Failed)
	f := recryptFailure{Tombstone: name, Error: output.ViewFailure(output.FailureOf(err))}
	f.Path, f.PathB64 = output.PathText(record.Path)
	if len(r.Failures) < verifier.MaxProblems {
		r.Failures = append(r.Failures, f)
	}
}
