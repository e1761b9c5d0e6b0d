package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// verifyRun connects a verification to the archive, the evidence and the people
// who wait for it.
type verifyRun struct {
	plan    *verifyPlan
	archive *app.Archive
	journal *journal.Journal
	results *verifier.Results
	file    *batch.File
	report  *verifyReport
	again   []string // what an earlier run could not verify
	before  int64    // records that earlier runs have verified
	saveErr error
}

func (p *verifyPlan) run(ctx context.Context) error {
	opener, err := newOpener(p.command)
	if err != nil {
		return err
	}
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	checker, err := restorer.NewBodyChecker(opener)
	if err != nil {
		return err
	}
	defer checker.Close()
	if err = r.prepare(ctx); err == nil {
		r.report.begin(r.results)
		err = verifier.Run{
			Targets: r.targets(ctx), Jobs: p.command.Config.Batch.MaxConcurrent,
			Read: func(ctx context.Context, about sdk.Tombstone, do func(context.Context, sdk.Backend) error) error {
				return r.journal.Read(ctx, evidence.Verified, about.String(), do)
			},
			Check: checker.Check, Done: r.done, Came: r.came, Unreachable: r.archive.Unreachable,
		}.Start(ctx)
	}
	return r.finish(ctx, err)
}

// open opens the evidence and takes the name of the results file.
func (p *verifyPlan) open(ctx context.Context) (*verifyRun, error) {
	archive, j, err := openActingOnMany(ctx, p.command, sdk.ReadWrite)
	if err != nil {
		return nil, err
	}
	r := &verifyRun{plan: p, archive: archive, journal: j, results: p.earlier, report: newVerifyReport(p.command)}
	if r.results == nil {
		r.results = verifier.NewResults(p.selected)
	} else {
		r.again = r.results.GoOn()
		r.before = r.results.Summary.Records - int64(len(r.again))
		r.results.Complete = false
	}
	return r, nil
}

// prepare asks the archive how much there is, chooses the sample, and makes the
// results file.
func (r *verifyRun) prepare(ctx context.Context) error {
	p := r.plan
	var health sdk.Health
	err := r.journal.Read(ctx, evidence.Verified, "", func(ctx context.Context, backend sdk.Backend) (err error) {
		health, err = backend.Health(ctx)
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case p.earlier == nil:
		r.results.Archive = health.Archive
	case p.earlier.Archive != health.Archive:
		return output.Usagef("--resume: %s is about another archive (%v)", p.resumed, p.earlier.Archive)
	}
	if r.report.total = int(health.Live); len(p.targets.names) > 0 {
		r.report.total = len(p.targets.names)
	} else if p.selected != verifier.All {
		if r.report.total, err = r.count(ctx); err != nil {
			return err
		}
		if r.report.total == 0 {
			return sdk.Errorf(sdk.NotFound, "no live record is selected")
		}
	}
	r.file, err = makeResults(p.command, batch.VerifyForm, p.resumed, r.results, "nothing was verified")
	return err
}

// count counts the selected records, and chooses the sample among them.
func (r *verifyRun) count(ctx context.Context) (n int, err error) {
	p := r.plan
	chooser := verifier.NewChooser(p.size)
	if p.share > 0 && r.results.Sample == nil {
		r.results.Sample = verifier.NewShare(p.share)
	}
	for entry, err := range p.targets.selected.list(ctx, r.read, nil) {
		if err != nil {
			return n, err
		}
		if entry.Err == nil && !entry.Record.PurgedAt.IsZero() {
			continue
		}
		if p.size > 0 {
			chooser.Show(entry.Record.Tombstone)
		}
		if r.results.Sample == nil || r.results.Sample.Has(entry.Record.Tombstone) {
			n++
		}
	}
	if p.size > 0 && r.results.Sample == nil {
		r.results.Sample, n = chooser.Chosen()
	}
	return n, nil
}

// read calls do with the opened archive, and again after a temporary error.
func (r *verifyRun) read(ctx context.Context, do func(context.Context, sdk.Backend) error) error {
	return r.journal.Read(ctx, evidence.Verified, "", do)
}

// targets yields what is to be verified: first what an earlier run could not
// verify.
func (r *verifyRun) targets(ctx context.Context) func(yield func(verifier.Target, error) bool) {
	again, left := targets{names: r.again}, r.plan.targets
	left.done = r.results.Place
	return func(yield func(verifier.Target, error) bool) {
		for t, err := range again.named(ctx, r.read) {
			if !yield(verifier.Target{Name: t.Name, Entry: t.Entry, Again: true}, err) {
				return
			}
		}
		for t, err := range left.all(ctx, r.read) {
			if err == nil && len(left.names) == 0 && !r.wants(&t.Entry) {
				continue
			}
			if !yield(verifier.Target{Name: t.Name, Entry: t.Entry}, err) {
				return
			}
		}
	}
}

// wants reports whether a record that was listed is to be verified: it is in the
// sample, and no row that cannot be read and that an earlier run named.
func (r *verifyRun) wants(e *sdk.Entry) bool {
	id := e.Record.Tombstone
	return (r.results.Sample == nil || r.results.Sample.Has(id)) && (e.Err == nil || !r.results.Knows(id))
}

// done takes in what became of a record.
func (r *verifyRun) done(result verifier.Result) {
	r.report.item(&result, r.results.Add(&result))
	if r.saveErr == nil {
		r.saveErr = r.file.SaveIfDue(r.results)
	}
}

// came notes how far the run came.
func (r *verifyRun) came(t verifier.Target) { r.results.Pass(t, len(r.plan.targets.names) > 0) }

// finish writes the results, records the verification, and says how it ended.
func (r *verifyRun) finish(ctx context.Context, failure error) error {
	c := r.plan.command
	r.report.progress.End()
	if r.file != nil {
		r.results.Complete = failure == nil
		if err := r.file.Save(r.results); err != nil {
			r.saveErr = err
		}
	}
	recorded := r.record(ctx, failure)
	outcome := r.outcome(ctx, failure, recorded)
	if r.file == nil {
		return outcome // nothing was begun
	}
	if c.JSON {
		return output.EndJSON(c.Env.Stdout, r.results.Write, outcome)
	}
	r.report.end(r.results, r.file.Path(), r.saveErr == nil)
	if failure != nil || r.results.Summary.Failed > 0 {
		r.report.progress.Printf("Resume with: %s", typedLine(r.plan.command, "--resume"))
	}
	return cmp.Or(outcome, r.report.progress.Err())
}

// record leaves the evidence.
func (r *verifyRun) record(ctx context.Context, failure error) error {
	s := &r.results.Summary
	v := evidence.Verification{
		Selected: r.results.Selected, Begun: r.results.Begun, Records: s.Records, Contents: s.Contents, Bytes: s.Bytes,
		Intact: s.Intact, Damaged: s.Damaged, Missing: s.Missing, Unreadable: s.Unreadable, Purged: s.Purged, Failed: s.Failed, Earlier: r.before,
	}
	if r.file != nil {
		v.Results = r.file.Path()
	}
	return r.journal.Verified(ctx, v, failure)
}

// outcome is how the verification ends: nil if everything is as it was stored.
func (r *verifyRun) outcome(ctx context.Context, failure, recorded error) error {
	s := &r.results.Summary
	one := len(r.plan.targets.names) == 1 && s.Records == 1
	var kind output.Kind
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		kind = output.KindOf(sdk.Canceled)
	case output.CodeOf(recorded) == output.ExitEvidence:
		kind = output.Evidence
	case s.Bad() > 0:
		kind = output.KindOf(sdk.Corrupt)
	case failure != nil && s.Intact+s.Purged == 0:
		return failure
	case failure == nil && s.Failed > 0 && one:
		return r.report.failure
	case failure != nil || s.Failed > 0:
		kind = output.Batch
	case recorded != nil:
		return recorded
	case r.saveErr != nil:
		return r.saveErr
	default:
		return nil
	}
	text := fmt.Sprintf("damaged, missing or unreadable: %d of %s", s.Bad(), output.Count(s.Records, "record"))
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d could not be verified", s.Failed)
	}
	if one && s.Bad() == 1 {
		text = r.report.failure.Error()
	}
	f := output.Errorf(kind, "%s", text)
	if failure != nil {
		f = output.Errorf(kind, "%s; not all were verified: %w", text, failure)
	}
	if recorded != nil {
		f = output.Errorf(kind, "%w; %w", f.Err, recorded)
	}
	switch {
	case crypt.IsForOthers(r.report.failure):
		return f.WithHint("%s; then %s", output.FailureOf(r.report.failure).Hint, typedLine(r.plan.command, "--resume"))
	case failure != nil || s.Failed > 0:
		return f.WithHint("go on with: %s", typedLine(r.plan.command, "--resume"))
	default:
		return f.WithHint("%s names them; codex archive repair puts content back from elsewhere", r.file.Path())
	}
}
