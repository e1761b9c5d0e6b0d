package verifier

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Results is what a results file holds: what a run was asked to verify, how far
// it came, and what it found. Its size follows from the number of problems.
type Results struct {
	Selected string    `json:"selected"` // All, or what was asked for in words
	Archive  sdk.ID    `json:"archive"`
	Begun    time.Time `json:"begun"` // when the first of the runs began
	Complete bool      `json:"complete"`
	Sample   *Sample   `json:"sample,omitempty"`
	Place    *Place    `json:"place,omitempty"` // all up to here are done; nil: none surely is
	Problems []Problem `json:"problems"`
	LeftOut  int64     `json:"problems_left_out,omitempty"` // how many more there are
	Summary  Summary   `json:"summary"`

	started time.Time
	earlier time.Duration   // what the runs before took
	known   map[string]bool // the problems of the runs before
}

// All is Results.Selected of a run over all records.
const All = "all"

// Place is how far a run came: the number of tombstones that were named, or the
// last record in the order of lists.
type Place struct {
	Named      int           `json:"named,omitempty"`
	ArchivedAt time.Time     `json:"archived_at,omitzero"`
	Tombstone  sdk.Tombstone `json:"tombstone,omitzero"`
}

// Before reports whether a record comes behind p in the order of lists. All come
// behind nil.
func (p *Place) Before(r *sdk.Record) bool {
	if p == nil {
		return true
	}
	if c := r.ArchivedAt.Compare(p.ArchivedAt); c != 0 {
		return c < 0
	}
	return bytes.Compare(r.Tombstone[:], p.Tombstone[:]) < 0
}

// Pass notes that all targets up to t are done. named says that they have no
// other order than that in which they were named.
func (r *Results) Pass(t Target, named bool) {
	switch {
	case t.Again, t.Entry.Err != nil && !named: // it has no place
	case named:
		if r.Place == nil {
			r.Place = &Place{}
		}
		r.Place.Named++
	default:
		r.Place = &Place{ArchivedAt: t.Entry.Record.ArchivedAt, Tombstone: t.Entry.Record.Tombstone}
	}
}

// Problem is a record that is not intact.
type Problem struct {
	Tombstone string      `json:"tombstone"` // as the user gave it, where there is no such record
	Path      string      `json:"path,omitempty"`
	PathB64   string      `json:"path_b64,omitempty"`
	SHA256    string      `json:"sha256,omitempty"`
	Status    Status      `json:"status"`
	Error     string      `json:"error"`
	Code      output.Code `json:"code"`
}

// Summary counts.
type Summary struct {
	Records    int64         `json:"records"`
	Contents   int64         `json:"contents"`      // that were read, each once
	Bytes      int64         `json:"content_bytes"` // of them, plain
	Intact     int64         `json:"intact"`
	Damaged    int64         `json:"damaged"`
	Missing    int64         `json:"missing"`
	Unreadable int64         `json:"unreadable"`
	Purged     int64         `json:"purged"`
	Failed     int64         `json:"failed"`
	Duration   output.Millis `json:"total_duration_ms"` // of all runs together
}

// Bad is how many records have lost something.
func (s *Summary) Bad() int64 { return s.Damaged + s.Missing + s.Unreadable }

// MaxProblems bounds how many problems are kept.
const MaxProblems = 100_000

// NewResults returns the results of a run that has done nothing yet.
func NewResults(selected string) *Results {
	now := time.Now()
	return &Results{Selected: selected, Begun: now.UTC().Truncate(time.Millisecond), Problems: []Problem{}, started: now}
}

// GoOn makes the results those of a run that goes on where they end. It returns
// the tombstones of the records that could not be verified: they come again.
func (r *Results) GoOn() (again []string) {
	r.started, r.earlier = time.Now(), time.Duration(r.Summary.Duration)
	r.known = map[string]bool{}
	for _, p := range r.Problems {
		r.known[p.Tombstone] = true
		if p.Status == Failed {
			again = append(again, p.Tombstone)
		}
	}
	return again
}

// forget takes out what is known of a record that comes again.
func (r *Results) forget(name string) {
	i := slices.IndexFunc(r.Problems, func(p Problem) bool { return p.Tombstone == name && p.Status == Failed })
	if i >= 0 {
		r.Problems = slices.Delete(r.Problems, i, i+1)
		r.Summary.Failed--
		r.Summary.Records--
	}
}

// Add takes a result in, and returns the problem where there is one.
func (r *Results) Add(res *Result) *Problem {
	if res.Again {
		r.forget(res.Name)
	}
	record, s := &res.Entry.Record, &r.Summary
	s.Records++
	*s.count(res.Status)++
	if res.Read {
		s.Contents++
		s.Bytes += record.Content.Size
	}
	p := res.Problem()
	switch {
	case p == nil:
	case len(r.Problems) < MaxProblems:
		r.Problems = append(r.Problems, *p)
	default:
		r.LeftOut++
	}
	return p
}

// Problem is what is wrong with a record, nil where nothing is.
func (res *Result) Problem() *Problem {
	if res.Err == nil || res.Status == Purged {
		return nil
	}
	record := &res.Entry.Record
	p := Problem{Tombstone: res.Name, Status: res.Status, Code: output.CodeOf(res.Err)}
	if !record.Tombstone.IsZero() {
		p.Tombstone = record.Tombstone.String()
		p.Path, p.PathB64 = output.PathText(record.Path)
	}
	if !record.Content.SHA256.IsZero() {
		p.SHA256 = record.Content.SHA256.String()
	}
	p.Error = output.WordsAbout(p.Tombstone, res.Err)
	return &p
}

func (s *Summary) count(status Status) *int64 {
	switch status {
	case Intact:
		return &s.Intact
	case Damaged:
		return &s.Damaged
	case Missing:
		return &s.Missing
	case Unreadable:
		return &s.Unreadable
	case Purged:
		return &s.Purged
	}
	return &s.Failed
}

// Knows reports whether a record was a problem of the runs before.
func (r *Results) Knows(id sdk.Tombstone) bool {
	return r.known[id.String()]
}

// Write writes the results as JSON.
func (r *Results) Write(w io.Writer) error {
	r.Summary.Duration = output.Millis(r.earlier + time.Since(r.started))
	return output.WriteJSON(w, r)
}

// Parse reads the text of a results file. It returns nil for another file, and for
// one whose counts cannot be true.
func Parse(text []byte) *Results {
	var r Results
	if json.Unmarshal(text, &r) != nil || r.Selected == "" || r.Archive.IsZero() || !r.Summary.sound() {
		return nil
	}
	if r.LeftOut < 0 || int64(len(r.Problems))+r.LeftOut != r.Summary.Bad()+r.Summary.Failed {
		return nil
	}
	return &r
}

// sound reports whether the counts agree.
func (s *Summary) sound() bool {
	sum := int64(0)
	for _, n := range []int64{s.Intact, s.Damaged, s.Missing, s.Unreadable, s.Purged, s.Failed} {
		if n < 0 {
			return false
		}
		sum += n
	}
	return sum == s.Records && s.Contents >= 0 && s.Contents <= s.Records && s.Bytes >= 0
}
