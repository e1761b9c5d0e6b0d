package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/bulk"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// storeRun connects a store of several files to the archive, the evidence and
// the people who wait for it.
type storeRun struct {
	plan     *storePlan
	archive  *app.Archive
	journal  *journal.Journal
	opener   restorer.Opener
	report   *storeReport
	removal  *removal
	earlier  map[[sha256.Size]byte]sdk.Tombstone // what the set of --resume has, by [identify]
	unsaid   []journal.Filed                     // failures that are not recorded yet
	evidence error                               // the first error of recording failures
}

func (p *storePlan) run(ctx context.Context) error {
	c := p.command
	compressor, err := newCompressor(c)
	if err != nil {
		return err
	}
	opener, err := p.openerToVerify()
	if err != nil {
		return err
	}
	archive, j, err := openActing(ctx, c, sdk.Create)
	if err != nil {
		return err
	}
	if err := p.count(ctx); err != nil {
		return err
	}
	r := &storeRun{plan: p, archive: archive, journal: j, opener: opener, report: newStoreReport(p), removal: newRemoval()}
	defer r.removal.close()
	if p.resume {
		if err := r.findEarlier(ctx); err != nil {
			return err
		}
	}
	r.report.begin()
	err = bulk.Run{
		Files: p.walk.Entries(ctx), Compressor: compressor, LeaveOut: p.walk.Protects,
		Describe: func(e *tree.Entry) (sdk.Record, archiver.ObjectFormat, error) { return p.describe(ctx, e) },
		Complete: func(e *tree.Entry, record *sdk.Record) error { return p.complete(ctx, e, record) },
		Present:  r.present, Missing: r.missing, Put: r.put, After: r.after, Done: r.done,
	}.Start(ctx)
	r.flush()
	r.removal.untrack(ctx, c.Log)
	unsigned := p.receipts.write(j)
	if err := r.report.end(ctx, errors.Join(err, r.evidence)); err != nil {
		return err
	}
	return unsigned
}

// openerToVerify returns what reads back the files that are stored. It is known
// before the first whether it can.
func (p *storePlan) openerToVerify() (restorer.Opener, error) {
	opener, err := newOpener(p.command)
	if err == nil && p.verify && p.command.Config.Archive.RecipientsFile != "" && opener.Identities.None() {
		err = opener.Identities.Missing("What --verify reads back")
	}
	return opener, err
}

// count lists everything once, to know how much there is, and to find wrong
// lines of the list before anything is stored.
func (p *storePlan) count(ctx context.Context) error {
	for e, err := range p.walk.Entries(ctx) {
		switch {
		case err != nil && e.Path == "":
			return wrongPath(err)
		case err == nil && e.Special():
			p.command.Log.Warn(fmt.Sprintf("%s is %s and is left out", escape.Text(e.Path), durable.FileType(e.Type)))
		default:
			p.total++
		}
	}
	if p.total == 0 && !p.one && len(p.walk.Gone()) == 0 {
		p.command.Log.Warn("There is no file to store")
	}
	return ctx.Err()
}

// complete adds what the content says about the place in git.
func (p *storePlan) complete(ctx context.Context, e *tree.Entry, record *sdk.Record) error {
	snapshot, path, err := p.origins.of(ctx, e)
	record.WorkTreeState = archiver.State(snapshot, path, record.GitBlob)
	return err
}

// findEarlier asks the archive for the records of the set that is resumed.
func (r *storeRun) findEarlier(ctx context.Context) error {
	r.earlier = map[[sha256.Size]byte]sdk.Tombstone{}
	gone := map[string]bool{}
	for _, path := range r.plan.walk.Gone() {
		gone[path] = true
	}
	earlier := selection{query: sdk.Query{Set: r.plan.record.Set}}
	for entry, err := range earlier.list(ctx, r.archive.Read, nil) {
		switch {
		case err != nil:
			return err
		case entry.Err == nil && entry.Record.PurgedAt.IsZero():
			r.earlier[identify(&entry.Record)] = entry.Record.Tombstone
			r.lost(ctx, &entry.Record)
			delete(gone, filepath.FromSlash(entry.Record.Path))
		}
	}
	for path := range gone {
		return output.Errorf(output.NoFile, "%s: no such file, and the set has none of that path", path).WithHint("nothing was stored")
	}
	r.report.present = len(r.plan.walk.Gone())
	r.plan.total += r.report.present
	return nil
}

// lost ends what an earlier run with --remove began: it removed the file of a
// record, and was killed before the directories and git's index were done.
func (r *storeRun) lost(ctx context.Context, record *sdk.Record) {
	if !r.plan.remove {
		return
	}
	if e, ok := r.plan.walk.Lost(filepath.FromSlash(record.Path)); ok {
		e.RemoveEmptied()
		r.untrack(ctx, e.Existing(), record.WorkTreePath)
	}
}

// identify names what makes two records of a set the same file.
func identify(r *sdk.Record) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", r.Type, r.Content.SHA256, r.Path))
}

// present reports whether the set has the file already.
func (r *storeRun) present(it *bulk.Item) bool {
	tombstone, ok := r.earlier[identify(&it.Record)]
	if ok {
		it.Record.Tombstone = tombstone
	}
	return ok
}

func (r *storeRun) missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	backend, err := r.archive.Backend(ctx)
	if err != nil {
		return nil, err
	}
	return backend.Missing(ctx, contents)
}

func (r *storeRun) put(ctx context.Context, items []*bulk.Item) ([]sdk.PutResult, error) {
	group := filed(items)
	stored, err := r.journal.StoreGroup(ctx, group, func() iter.Seq2[sdk.Item, error] { return bulk.Sequence(items) })
	if err == nil || !bulk.Ends(err) || output.CodeOf(err) == output.ExitEvidence {
		return stored, err
	}
	for i := range group {
		group[i].Err = err
	}
	return nil, errors.Join(err, r.journal.NotStored(group))
}

func filed(items []*bulk.Item) []journal.Filed {
	all := make([]journal.Filed, len(items))
	for i, it := range items {
		all[i] = journal.Filed{Record: &it.Record, Begun: it.Begun}
	}
	return all
}

// after verifies and removes, if that is asked for.
func (r *storeRun) after(ctx context.Context, items []*bulk.Item) []error {
	errs := make([]error, len(items))
	if !r.plan.verify {
		return errs
	}
	err := r.plan.command.Repeat(ctx, func(ctx context.Context) error { return r.verify(ctx, items, errs) })
	for i, it := range items {
		if errs[i] == nil && err != nil {
			errs[i] = err
		}
		if errs[i] == nil && r.plan.remove {
			errs[i] = r.remove(ctx, it)
		}
	}
	return errs
}

// verify reads the bodies of items back and compares them. What is wrong with an
// item is in errs; an error is about the call.
func (r *storeRun) verify(ctx context.Context, items []*bulk.Item, errs []error) error {
	backend, err := r.archive.Backend(ctx)
	if err != nil {
		return err
	}
	ids := make([]sdk.Tombstone, len(items))
	for i, it := range items {
		ids[i] = it.Record.Tombstone
	}
	return find.Answers(ctx, backend, ids, func(n int, found *sdk.GetResult) error {
		errs[n] = r.verified(ctx, &items[n].Record, found)
		return nil
	})
}

// verified checks that the archive has the content of record, under its tombstone.
func (r *storeRun) verified(ctx context.Context, record *sdk.Record, found *sdk.GetResult) error {
	switch {
	case found.Err != nil:
		return found.Err
	case found.Record.Content.SHA256 != record.Content.SHA256 || found.Record.Path != record.Path:
		return sdk.Errorf(sdk.Corrupt, "the archive has another record under %s", record.Tombstone)
	}
	if err := found.Record.CheckDigest(); err != nil {
		return err
	}
	return r.opener.Check(ctx, &found.Record, found.Body)
}

// remove removes the file of an item that is verified.
func (r *storeRun) remove(ctx context.Context, it *bulk.Item) error {
	if err := bulk.Remove(&it.Entry, &it.Record); err != nil {
		return err
	}
	it.Entry.RemoveEmptied()
	r.untrack(ctx, it.Entry, it.Record.WorkTreePath)
	return nil
}

// untrack has git told that a file is removed, if git tracks it. path is where the
// record says that it was in the work tree.
func (r *storeRun) untrack(ctx context.Context, e tree.Entry, path string) {
	snapshot, found, err := r.plan.origins.of(ctx, &e)
	if err == nil && snapshot != nil && found == path && snapshot.Tracked(path) {
		r.removal.add(snapshot.Tree, path)
	}
}

// done takes in what became of a file.
func (r *storeRun) done(result bulk.Result) (more bool) {
	for _, warning := range result.Item.Warnings {
		r.plan.command.Log.Warn(warning)
	}
	if result.Err != nil && !result.Present && result.Stored.Tombstone.IsZero() {
		r.unsaid = append(r.unsaid, journal.Filed{Record: &result.Item.Record, Begun: result.Item.Begun, Err: result.Err})
	}
	if len(r.unsaid) >= sdk.MaxItems {
		r.flush()
	}
	r.report.item(result)
	return (result.Err == nil || r.plan.onward) && r.evidence == nil
}

// flush records failures.
func (r *storeRun) flush() {
	if len(r.unsaid) == 0 {
		return
	}
	if err := r.journal.NotStored(r.unsaid); err != nil && r.evidence == nil {
		r.evidence = err
	}
	r.unsaid = nil
}
