package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// structureView is the result of a look at the structure.
type structureView struct {
	Records    int64              `json:"records"`
	Present    int64              `json:"present"` // live, with content of the recorded length
	Missing    int64              `json:"missing"`
	Unreadable int64              `json:"unreadable"`
	Purged     int64              `json:"purged"`
	Problems   []verifier.Problem `json:"problems"`
	LeftOut    int64              `json:"problems_left_out,omitempty"`
	Counts     []string           `json:"counts"` // that do not agree
	Findings   []finding          `json:"findings"`
	NotChecked []string           `json:"not_checked"`
	Duration   output.Millis      `json:"total_duration_ms"`
}

// finding is what the backend says of its rows.
type finding struct {
	Kind     sdk.FindingKind `json:"kind"`
	Damage   bool            `json:"damage"` // no command leaves such rows
	What     string          `json:"what"`
	Rows     int64           `json:"rows"`
	Examples []string        `json:"examples"`
}

// structureRun is a look at the structure under way.
type structureRun struct {
	plan    *verifyPlan
	journal *journal.Journal
	report  *verifyReport
	view    structureView
	begun   time.Time
}

// runStructure looks up every record, and counts.
func (p *verifyPlan) runStructure(ctx context.Context) error {
	_, j, err := openActingOnMany(ctx, p.command, sdk.ReadWrite)
	if err != nil {
		return err
	}
	r := &structureRun{plan: p, journal: j, report: newVerifyReport(p.command), begun: time.Now()}
	r.view = newStructureView()
	err = r.look(ctx)
	r.report.progress.End()
	recorded := j.Verified(ctx, r.evidence(), err)
	switch {
	case output.CodeOf(recorded) == output.ExitEvidence:
		return recorded
	case err != nil:
		return err
	}
	if err := r.show(); err != nil {
		return err
	}
	if bad, damaged := r.view.Missing+r.view.Unreadable, r.view.damaged(); bad > 0 || damaged > 0 || len(r.view.Counts) > 0 {
		return output.Shown{Err: output.Errorf(output.KindOf(sdk.Corrupt), "%d of %d records are unreadable or without content, %d other rows are damaged, %d counts do not agree", bad, r.view.Records, damaged, len(r.view.Counts)).
			WithHint("codex archive repair puts missing content back from elsewhere; a row that is unreadable or gone has to come from a backup")}
	}
	return recorded
}

func newStructureView() structureView {
	return structureView{Problems: []verifier.Problem{}, Counts: []string{}, Findings: []finding{}}
}

// damaged counts the rows that no command leaves as they are.
func (v *structureView) damaged() (rows int64) {
	for _, f := range v.Findings {
		if f.Damage {
			rows += f.Rows
		}
	}
	return rows
}

// look lists all records between two looks at the counts: where both are the
// same, the list must agree with them.
func (r *structureRun) look(ctx context.Context) error {
	before, err := r.health(ctx)
	if err != nil {
		return err
	}
	r.report.progress.Printf("Looking up %s...", output.Count(before.Live, "record"))
	r.report.progress.Begin(0, int(before.Live))
	all := selection{query: sdk.Query{WithEvents: true, WithHolds: true}}
	for entry, err := range all.list(ctx, r.read, nil) {
		if err != nil {
			return err
		}
		r.entry(entry)
	}
	if err := r.read(ctx, r.inspect); err != nil {
		return err
	}
	after, err := r.health(ctx)
	if err == nil {
		r.compare(&before, &after)
	}
	return err
}

// read calls do with the opened archive, and again after a temporary error.
func (r *structureRun) read(ctx context.Context, do func(context.Context, sdk.Backend) error) error {
	return r.journal.Read(ctx, evidence.Verified, "", do)
}

func (r *structureRun) health(ctx context.Context) (h sdk.Health, err error) {
	err = r.read(ctx, func(ctx context.Context, backend sdk.Backend) (err error) {
		h, err = backend.Health(ctx)
		return err
	})
	return h, err
}

// inspect has the backend look through its rows.
func (r *structureRun) inspect(ctx context.Context, backend sdk.Backend) error {
	findings, err := sdk.Inspect(ctx, backend)
	if sdk.KindOf(err) == sdk.Unsupported {
		r.view.NotChecked = []string{"whether there are rows that nothing refers to, or that refer to nothing: " + sdk.AsError(err).Msg}
		return nil
	}
	r.view.Findings = []finding{}
	for _, f := range findings {
		r.view.Findings = append(r.view.Findings, finding{Kind: f.Kind, Damage: f.Kind.Damage(), What: f.What, Rows: f.Rows, Examples: f.Examples})
	}
	return err
}

// entry takes a record in.
func (r *structureRun) entry(entry sdk.Entry) {
	if entry.Err == nil {
		entry.Err = entry.CheckCustody()
	}
	result := verifier.Result{Target: verifier.Target{Name: entry.Record.Tombstone.String(), Entry: entry}, Status: verifier.Intact, Err: entry.Err}
	v := &r.view
	v.Records++
	switch {
	case entry.Err != nil:
		v.Unreadable++
		result.Status = verifier.Unreadable
	case !entry.Record.PurgedAt.IsZero():
		v.Purged++
		result.Status = verifier.Purged
	case !entry.Present:
		v.Missing++
		result.Status = verifier.Missing
		result.Err = &sdk.Error{Kind: sdk.ContentAbsent, Msg: "there is no content of the recorded length", Tombstones: []sdk.Tombstone{entry.Record.Tombstone}}
	default:
		v.Present++
	}
	problem := result.Problem()
	if problem != nil && len(v.Problems) < verifier.MaxProblems {
		v.Problems = append(v.Problems, *problem)
	} else if problem != nil {
		v.LeftOut++
	}
	r.report.item(&result, problem)
}

// compare holds the list against the counts of the archive.
func (r *structureRun) compare(before, after *sdk.Health) {
	v := &r.view
	v.NotChecked = append([]string{"the bytes of the content were not read: codex archive verify reads them"}, v.NotChecked...)
	if after.Unmeasured != "" {
		v.NotChecked = append(v.NotChecked, after.Unmeasured)
	}
	if before.Live != after.Live || before.Retrievable != after.Retrievable {
		v.NotChecked = append(v.NotChecked, "whether the counts agree: the archive was changed meanwhile")
		return
	}
	// Whether a record that cannot be read is purged is not known.
	if listed := v.Present + v.Missing; after.Live < listed || after.Live > listed+v.Unreadable {
		v.Counts = append(v.Counts, fmt.Sprintf("the archive counts %d live records, %d were listed and %d cannot be read", after.Live, listed, v.Unreadable))
	}
	if after.Unmeasured == "" && (after.Retrievable < v.Present || after.Retrievable > v.Present+v.Unreadable) {
		v.Counts = append(v.Counts, fmt.Sprintf("the archive counts %d records with content, %d were listed and %d cannot be read", after.Retrievable, v.Present, v.Unreadable))
	}
}

func (r *structureRun) evidence() evidence.Verification {
	v := &r.view
	return evidence.Verification{
		Selected: verifier.All, Structure: true, Begun: r.begun,
		Records: v.Records, Missing: v.Missing, Unreadable: v.Unreadable, Purged: v.Purged,
	}
}

// someOf names rows of a finding, and says whether there are more.
func someOf(f finding) string {
	names := strings.Join(f.Examples, ", ")
	if f.Rows > int64(len(f.Examples)) {
		names += ", ..."
	}
	return names
}

// show prints the result.
func (r *structureRun) show() error {
	v := &r.view
	v.Duration = output.Millis(r.plan.command.Elapsed())
	if r.plan.command.JSON {
		return output.WriteJSON(r.plan.command.Env.Stdout, v)
	}
	r.report.progress.Printf("Structure Complete:")
	r.report.progress.Printf("  ✓ With content of the recorded length: %d", v.Present)
	r.report.progress.Printf("  ✗ Missing: %d", v.Missing)
	r.report.progress.Printf("  ✗ Unreadable: %d", v.Unreadable)
	r.report.progress.PrintSome("  - Purged: %d", v.Purged)
	for _, f := range v.Findings {
		sign := "-"
		if f.Damage {
			sign = "✗"
		}
		r.report.progress.Printf("  %s %s, %s: %d (%s)", sign, escape.Text(string(f.Kind)), escape.Text(f.What), f.Rows, escape.Text(someOf(f)))
	}
	for _, sentence := range v.Counts {
		r.report.progress.Printf("  ✗ Counts: %s", sentence)
	}
	for _, sentence := range v.NotChecked {
		r.report.progress.Printf("Not Checked: %s", sentence)
	}
	r.report.progress.Printf("Total Time: %s", v.Duration)
	return r.report.progress.Err()
}
