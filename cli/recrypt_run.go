package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/recrypter"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// Sizes of a group, whose bodies one transaction replaces.
const (
	recryptItems = 256
	recryptBytes = 4 << 20 // stored
	recryptAlone = 1 << 20 // a body above that is a group of its own
	recryptKnown = 1 << 20 // contents that are remembered; one that is forgotten is stored anew again
)

// recryptRun connects a recryption to the archive, the evidence and the people who
// wait for it.
type recryptRun struct {
	command *app.Command
	targets targets
	way     recrypter.Way
	archive *app.Archive
	journal *journal.Journal // nil in a dry run
	results *recryptResults
	resumed string                // file that the results are from
	file    *batch.File           // nil in a dry run
	again   []string              // what an earlier run could not do
	done    map[[16]byte]struct{} // contents that are stored anew
	total   int

	progress *output.Progress

	group   []target              // to be replaced together
	bytes   int64                 // stored, of group
	sharing map[[16]byte][]target // further records with the contents of group
	passed  []target              // that are done with once group is, in order
	failure error                 // the first of a record
	saveErr error                 // the first of saving the results
}

// goOn makes the run one that goes on with an earlier one.
func (r *recryptRun) goOn(earlier *recryptResults, name string) {
	for _, f := range earlier.Failures {
		r.again = append(r.again, f.Tombstone)
	}
	earlier.Summary.Records -= int64(len(earlier.Failures))
	earlier.Summary.Failed -= int64(len(earlier.Failures))
	earlier.Failures, earlier.Complete = []recryptFailure{}, false
	r.results, r.resumed = earlier, name
}

func (r *recryptRun) run(ctx context.Context) error {
	err := r.prepare(ctx)
	if err != nil {
		return err
	}
	err = r.all(ctx)
	if err == nil {
		err = r.flush(ctx)
	}
	if ctx.Err() != nil && err == nil {
		err = sdk.AsError(ctx.Err())
	}
	return r.end(ctx, err)
}

// prepare asks the archive how much there is, whether a private key is missing, and
// makes the results file.
func (r *recryptRun) prepare(ctx context.Context) error {
	backend, err := r.archive.Reach(ctx)
	if err != nil {
		return err
	}
	health, err := backend.Health(ctx)
	if err != nil {
		return err
	}
	if r.resumed != "" && r.results.Archive != health.Archive {
		return output.Usagef("--resume: %s is about another archive (%v)", r.resumed, r.results.Archive)
	}
	r.results.Archive = health.Archive
	if r.total = int(health.Live); !r.command.Flags.Bool("all") || r.way.Identities.None() {
		if r.total, err = r.count(ctx); err != nil {
			return err
		}
	}
	r.progress.Printf("Recrypting %s...", output.Count(r.total, "record"))
	r.progress.Begin(r.finished(), r.total)
	if r.journal == nil {
		r.results.DryRun = true
		return nil
	}
	r.file, err = makeResults(r.command, batch.RecryptForm, r.resumed, r.results, "nothing was changed")
	return err
}

// count counts the live records among the targets, and looks for one that cannot be
// read without a private key.
func (r *recryptRun) count(ctx context.Context) (n int, err error) {
	for t, err := range r.targets.all(ctx, r.archive.Read) {
		switch {
		case err != nil:
			return n, err
		case t.Entry.Err == nil && !t.Entry.Record.PurgedAt.IsZero():
			continue
		case t.Entry.Err == nil:
			if err := r.way.Identities.Check(&t.Entry.Record); err != nil {
				return n, r.encryptedTo(ctx, t.Entry.Record.Tombstone, err)
			}
		}
		n++
	}
	return n, nil
}

// encryptedTo is missing, the failure of a record that cannot be read without a private
// key, with the recipients that its body names, where that can be read.
func (r *recryptRun) encryptedTo(ctx context.Context, id sdk.Tombstone, missing error) error {
	named := missing
	err := r.archive.Read(ctx, func(ctx context.Context, backend sdk.Backend) error {
		return find.Answers(ctx, backend, []sdk.Tombstone{id}, func(_ int, found *sdk.GetResult) error {
			if found.Err == nil {
				_, named = r.way.Identities.Decrypt(&found.Record, found.Body)
			}
			return nil
		})
	})
	if err != nil || !crypt.IsForOthers(named) {
		return missing
	}
	return named
}

// all takes the targets: first those that an earlier run could not do.
func (r *recryptRun) all(ctx context.Context) error {
	if again := (targets{names: r.again}); len(r.again) > 0 {
		if err := r.take(ctx, &again, true); err != nil {
			return err
		}
	}
	r.targets.done = r.results.Place
	return r.take(ctx, &r.targets, false)
}

// take gathers groups of targets, and has them replaced. again says that an earlier
// run has passed them.
func (r *recryptRun) take(ctx context.Context, left *targets, again bool) error {
	for t, err := range left.all(ctx, r.archive.Read) {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return sdk.AsError(ctx.Err())
		}
		if err := r.add(ctx, t); err != nil {
			return err
		}
		if !again {
			r.passed = append(r.passed, t)
		}
		if size := t.Entry.Record.Content.StoredSize; size > recryptAlone || len(r.group) == recryptItems || r.bytes >= recryptBytes || len(r.passed) >= sdk.MaxItems {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// add puts a target into the group, unless its content need not be stored anew.
func (r *recryptRun) add(ctx context.Context, t target) error {
	record, s := &t.Entry.Record, &r.results.Summary
	if t.Entry.Err != nil {
		return r.failed(record, t.Name, t.Entry.Err)
	}
	key := contentKey(record)
	_, done := r.done[key]
	sharing, grouped := r.sharing[key]
	switch {
	case !record.PurgedAt.IsZero():
		r.results.add(&s.Purged)
		return nil
	case done || !r.way.Concerns(record.Content):
		r.results.add(&s.Unchanged)
		return nil
	case grouped:
		r.sharing[key] = append(sharing, t)
		return nil
	}
	if record.Content.StoredSize > recryptAlone {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.sharing[key] = nil
	r.group, r.bytes = append(r.group, t), r.bytes+max(record.Content.StoredSize, 0)
	return nil
}

// flush replaces the bodies of the group. What is then done to is saved.
func (r *recryptRun) flush(ctx context.Context) error {
	group := r.group
	r.group, r.bytes = nil, 0
	if err := r.replace(ctx, group); err != nil {
		return err
	}
	clear(r.sharing)
	for _, t := range r.passed {
		r.results.pass(t, len(r.targets.names) > 0)
	}
	r.passed = r.passed[:0]
	r.progress.Add(r.finished() - r.progress.Done())
	if r.file == nil {
		return nil
	}
	if err := r.file.SaveIfDue(r.results); err != nil && r.saveErr == nil {
		r.saveErr = err
	}
	return nil
}

// replace replaces the bodies of targets. Where that fails for all of them it is
// tried with each.
func (r *recryptRun) replace(ctx context.Context, group []target) error {
	if len(group) == 0 {
		return nil
	}
	if r.journal == nil {
		return r.rehearse(group)
	}
	work := recryptGroup{way: r.way, targets: group, about: r.evidence("group")}
	work.about.Contents = int64(len(group)) // as long as nothing else is known
	err := r.journal.RecryptGroup(ctx, &work.about, work.do)
	switch {
	case err == nil:
		return r.concluded(&work)
	case ctx.Err() != nil, output.CodeOf(err) == output.ExitEvidence, r.archive.Unreachable(ctx, err):
		return err
	case len(group) == 1:
		return r.allFailed(group[0], err)
	}
	for i := range group {
		if err := r.replace(ctx, group[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// rehearse says what would become of a group. The bodies are not read; those that are
// not there are known from the list.
func (r *recryptRun) rehearse(group []target) error {
	for _, t := range group {
		if !t.Entry.Present {
			id := t.Entry.Record.Tombstone
			if err := r.allFailed(t, sdk.Errorf(sdk.ContentAbsent, "the archive has lost its content").About(id)); err != nil {
				return err
			}
			continue
		}
		r.storedAnew(t)
		r.results.Summary.Bytes += t.Entry.Record.Content.StoredSize
	}
	return nil
}

// concluded takes in what became of a group.
func (r *recryptRun) concluded(work *recryptGroup) error {
	for i := range work.targets {
		if err := work.errs[i]; err != nil {
			if err := r.allFailed(work.targets[i], err); err != nil {
				return err
			}
			continue
		}
		r.storedAnew(work.targets[i])
	}
	r.results.Summary.Bytes += work.about.Bytes
	return nil
}

// storedAnew counts the records of the content of t, which has its new body.
func (r *recryptRun) storedAnew(t target) {
	key := contentKey(&t.Entry.Record)
	if len(r.done) < recryptKnown {
		r.done[key] = struct{}{}
	}
	r.results.add(&r.results.Summary.Contents)
	for range r.sharing[key] {
		r.results.add(&r.results.Summary.Unchanged)
	}
}

// allFailed names the records of the content of t, which is stored as before.
func (r *recryptRun) allFailed(t target, err error) error {
	for _, t := range append([]target{t}, r.sharing[contentKey(&t.Entry.Record)]...) {
		if err := r.failed(&t.Entry.Record, t.Name, err); err != nil {
			return err
		}
	}
	return nil
}

// contentKey tells contents apart.
func contentKey(record *sdk.Record) [16]byte { return [16]byte(record.Content.SHA256[:16]) }

// failed says, and records, that the content of a record is stored as before.
func (r *recryptRun) failed(record *sdk.Record, name string, err error) error {
	if r.failure == nil {
		r.failure = err
	}
	r.results.fail(record, name, err)
	path, _ := output.PathText(record.Path)
	r.progress.Printf("[ERROR] %s %s: %s", escape.Text(name), escape.Text(path), escape.Text(output.WordsAbout(name, err)))
	if r.journal == nil || record.Tombstone.IsZero() {
		return nil
	}
	return r.journal.NotRecrypted(record, r.evidence("record"), err)
}

func (r *recryptRun) evidence(scope string) evidence.Recryption {
	return evidence.Recryption{Scope: scope, Selected: r.results.Selected, Recipients: strings.Join(r.results.Recipients, ", ")}
}

// pass notes that all targets up to t are done. named says that they have no other
// order than that in which they were named.
func (r *recryptResults) pass(t target, named bool) {
	switch {
	case named:
		if r.Place == nil {
			r.Place = &verifier.Place{}
		}
		r.Place.Named++
	case t.Entry.Err == nil:
		r.Place = &verifier.Place{ArchivedAt: t.Entry.Record.ArchivedAt, Tombstone: t.Entry.Record.Tombstone}
	}
}

// finished counts the live records that are done.
func (r *recryptRun) finished() int {
	return int(r.results.Summary.Records - r.results.Summary.Purged)
}

// end writes the results, records the run, and says how it ended.
func (r *recryptRun) end(ctx context.Context, failure error) error {
	c, s := r.command, &r.results.Summary
	r.progress.End()
	s.Duration, r.results.Complete = output.Millis(c.Elapsed()), failure == nil
	if r.file != nil {
		if err := r.file.Save(r.results); err != nil && r.saveErr == nil {
			r.saveErr = err
		}
	}
	outcome := r.outcome(ctx, failure)
	if r.journal != nil {
		about := r.evidence("run")
		about.Contents, about.Bytes, about.Failed = s.Contents, s.Bytes, s.Failed
		if err := r.journal.RecryptDone(about, outcome); err != nil && output.CodeOf(outcome) != output.ExitEvidence {
			outcome = errors.Join(err, outcome)
		}
	}
	if c.JSON {
		return output.EndJSON(c.Env.Stdout, r.results.Write, outcome)
	}
	title, verb := "Recrypt Complete:", "Stored anew"
	if r.results.DryRun {
		title, verb = "Recrypt, dry run:", "Would be stored anew"
	}
	r.progress.Printf("%s", title)
	r.progress.Printf("  ✓ %s: %s (%s)", verb, output.Count(s.Contents, "content"), output.Count(s.Bytes, "byte"))
	r.progress.Printf("  = Unchanged: %d", s.Unchanged)
	r.progress.Printf("  ✗ Failed: %d", s.Failed)
	r.progress.PrintSome("  - Purged: %d", s.Purged)
	r.progress.Printf("  Total Time: %s", s.Duration)
	if r.results.DryRun {
		r.progress.Printf("Not Checked: the bytes of the content were not read")
	}
	if r.file != nil {
		r.progress.Printf("Results saved to: %s", escape.Text(r.file.Path()))
	}
	return cmp.Or(outcome, r.saveErr, r.progress.Err())
}

// outcome is how the run ends: nil if everything that was asked for is done.
func (r *recryptRun) outcome(ctx context.Context, failure error) error {
	s := &r.results.Summary
	hint := "go on with: " + typedLine(r.command, "--resume")
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return output.Errorf(output.KindOf(sdk.Canceled), "interrupted after %s", output.Count(s.Contents, "content")).WithHint("%s", hint)
	case failure != nil && (s.Contents == 0 || output.CodeOf(failure) == output.ExitEvidence):
		return failure
	case failure != nil:
		return output.Errorf(output.Batch, "not all contents are stored anew, %d are: %w", s.Contents, failure).WithHint("%s", hint)
	case s.Failed == 0:
		return nil
	case s.Records == 1:
		return r.failure
	case r.results.DryRun:
		return output.Errorf(output.Batch, "%s cannot be read", output.Count(s.Failed, "record"))
	}
	return output.Errorf(output.Batch, "the content of %d of %s is stored as before", s.Failed, output.Count(s.Records, "record")).WithHint("%s", hint)
}
