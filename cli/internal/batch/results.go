package batch

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
)

// Status says what became of an item.
type Status string

// The statuses.
const (
	Success Status = "success"
	Failed  Status = "failed"
	Skipped Status = "skipped" // this run did not come to it, or was not asked to
)

// Result is what became of one item.
type Result struct {
	Item     Item
	Status   Status
	Duration time.Duration
	Error    string      // "" where there is none
	Code     output.Code // of the error
}

// Summary counts.
type Summary struct {
	Total     int
	Succeeded int
	Failed    int
	Skipped   int
	Duration  time.Duration // wall time
}

// Source says which manifest the results are about.
type Source struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Results is what a results file holds. It may not be used by several
// goroutines at once.
type Results struct {
	Manifest Source
	Items    []Result // in the order of the manifest
	started  time.Time
	ended    time.Time // zero before finish
	summary  Summary
}

// NewResults returns the results of a run that has done nothing yet: every
// item is skipped.
func NewResults(m *Manifest) *Results {
	r := &Results{
		Manifest: Source{m.Path, m.SHA256.String()},
		Items:    make([]Result, len(m.Items)),
		started:  time.Now(),
		summary:  Summary{Total: len(m.Items), Skipped: len(m.Items)},
	}
	for i, item := range m.Items {
		r.Items[i] = Result{Item: item, Status: Skipped}
	}
	return r
}

// Set says what became of the item at index; err is nil for success.
func (r *Results) Set(index int, took time.Duration, err error) {
	*r.count(r.Items[index].Status)--
	result := &r.Items[index]
	result.Status, result.Duration = Success, took
	if err != nil {
		result.Status, result.Error, result.Code = Failed, output.Words(err), output.CodeOf(err)
	}
	*r.count(result.Status)++
}

func (r *Results) count(s Status) *int {
	switch s {
	case Success:
		return &r.summary.Succeeded
	case Failed:
		return &r.summary.Failed
	}
	return &r.summary.Skipped
}

// Successes returns the indices of the items that an earlier run of the same
// manifest succeeded in, matching items by tombstone and output. An item whose
// hash was not asked for then, and is now, is not among them.
func (r *Results) Successes(earlier *Results) []int {
	done := make(map[Item]*Result, len(earlier.Items))
	for i := range earlier.Items {
		if e := &earlier.Items[i]; e.Status == Success {
			done[e.Item.key()] = e
		}
	}
	var indices []int
	for i := range r.Items {
		item := r.Items[i].Item
		if e, ok := done[item.key()]; ok && (item.SHA256 == "" || item.SHA256 == e.Item.SHA256) {
			r.Items[i].Duration = e.Duration
			indices = append(indices, i)
		}
	}
	return indices
}

// CarryOver makes an item of an earlier run a success of this one.
func (r *Results) CarryOver(index int) { r.Set(index, r.Items[index].Duration, nil) }

func (i Item) key() Item { return Item{Tombstone: i.Tombstone, Output: i.Output} }

// finish fixes the wall time.
func (r *Results) finish() { r.ended = time.Now() }

// Summary counts, with the wall time until now or until finish.
func (r *Results) Summary() Summary {
	s := r.summary
	s.Duration = time.Since(r.started)
	if !r.ended.IsZero() {
		s.Duration = r.ended.Sub(r.started)
	}
	return s
}

// Write writes the results as JSON, an item at a time.
func (r *Results) Write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(b, "{\n  \"manifest\": %s,\n  \"items\": [", indented(r.Manifest, "  "))
	var item []byte
	for i := range r.Items {
		if i > 0 {
			b.WriteByte(',')
		}
		item = r.Items[i].append(item[:0])
		_, _ = b.Write(item) // Flush returns the first error
	}
	fmt.Fprintf(b, "\n  ],\n  \"summary\": %s\n}\n", indented(r.Summary().wire(), "  "))
	return b.Flush()
}
