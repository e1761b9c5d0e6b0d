package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/copier"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func copyCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "copy",
		Usage:     "copy records, content and history into another archive",
		UsageText: "codex archive copy [TOMBSTONE...] --to URL --by WHO [flags]",
		Description: "Without tombstones and selectors everything is copied: records with their tombstones, times\n" +
			"and digests, content, holds, retention, events with their ids, and purged records without\n" +
			"content. The destination may be of another backend. It is made if it is not there, and its\n" +
			"own records stay. A content is decompressed and compared with its hash on the way; what is\n" +
			"encrypted moves as it is, without a key.\n\n" +
			"A copy that is run again takes only what the destination lacks: new records and new events.\n" +
			"So does one after a kill; with --resume the destination must be there already. A record that\n" +
			"cannot be copied is named and left out, and the others are copied (3).\n\n" +
			"URL has no password: use CODEX_ARCHIVE_TO_URL or --to-password-file. A relative path in it\n" +
			"starts at the project's root. FILE of --to-config is a configuration, of which [backend]\n" +
			"counts; the project's own file must be trusted.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive copy --to postgres://codex@db.example.com/archive --by me\n" +
			"   codex archive copy --to sqlite:////backup/archive.sqlite --since 7d --by me\n" +
			"   codex archive copy --to-config second.toml --dry-run --by me",
		Flags: append(actingSelectors(),
			app.ByFlag(),
			&cli.StringFlag{Name: "to", Usage: "`URL` of the destination; the default is CODEX_ARCHIVE_TO_URL"},
			&cli.StringFlag{Name: "to-config", Usage: "the configuration `FILE` names the destination"},
			&cli.StringFlag{Name: "to-password-file", Usage: "`FILE` whose one line is the password of the destination"},
			app.Switch("resume", "go on with an earlier copy: do not make the destination"),
			app.Switch("dry-run", "only say what would be copied"),
		),
	}, runCopy)
}

// copyRun connects a copy to both archives, the evidence and the people who wait
// for it.
type copyRun struct {
	command  *app.Command
	targets  targets
	from, to *app.Archive
	journal  *journal.Journal // nil in a dry run
	report   *copyReport
	unsaid   []journal.NotCopied // failures that are not recorded yet
	absent   bool                // the destination is not there, in a dry run
}

func runCopy(ctx context.Context, c *app.Command) error {
	if _, err := c.Actor(); err != nil {
		return err
	}
	t, err := readTargets(c, time.Now())
	if err != nil {
		return err
	}
	to, err := c.Second(ctx, app.Place{Name: "to", Forms: "URL", Variable: "CODEX_ARCHIVE_TO_URL"})
	if err != nil {
		return err
	}
	r := &copyRun{command: c, targets: t, report: newCopyReport(c, to)}
	if r.from, err = c.Dial(ctx, sdk.ReadOnly); err != nil {
		return err
	}
	if r.to, r.journal, err = openActing(ctx, to, copyMode(c)); err != nil {
		return err
	}
	return r.run(ctx)
}

// copyMode says how the destination is opened.
func copyMode(c *app.Command) sdk.Mode {
	switch {
	case c.Flags.Bool("dry-run"):
		return sdk.ReadOnly
	case c.Flags.Bool("resume"):
		return sdk.ReadWrite
	}
	return sdk.Create
}

func (r *copyRun) run(ctx context.Context) error {
	err := r.open(ctx)
	if err == nil {
		r.report.begin()
		err = r.done(r.report.missing...)
	}
	if err == nil {
		run := copier.Run{Records: r.records(ctx), From: r.from.Backend, To: r.to.Backend, Again: r.command.Repeat, Done: r.done}
		if r.journal != nil {
			run.Put = r.put
		}
		if r.absent {
			run.To = nil
		}
		err = run.Start(ctx)
	}
	if !r.report.begun && output.CodeOf(err) == output.ExitUsage {
		return err
	}
	if r.journal != nil {
		err = errors.Join(err, r.flush())
	}
	outcome := r.report.outcome(ctx, err)
	if r.journal != nil {
		if unrecorded := r.journal.CopyDone(r.report.transfer("run", r.report.ended()), outcome); unrecorded != nil && output.CodeOf(outcome) != output.ExitEvidence {
			outcome = errors.Join(unrecorded, outcome)
		}
	}
	return r.report.end(outcome)
}

// open opens the source, then the destination, and counts what is to be copied: a
// source that cannot be read makes no destination.
func (r *copyRun) open(ctx context.Context) error {
	from, err := r.from.Reach(ctx)
	if err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	if r.report.from, err = identity(ctx, from); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	to, err := r.to.Reach(ctx)
	if r.absent = r.journal == nil && sdk.KindOf(err) == sdk.NoArchive; r.absent {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the destination: %w", err)
	}
	if r.report.to, err = identity(ctx, to); err != nil {
		return fmt.Errorf("the destination: %w", err)
	}
	if r.report.from == r.report.to {
		return output.Usagef("source and destination are one archive, %s", r.report.from).
			WithHint("a file that was copied by other means is the same archive; copy into a new one")
	}
	return nil
}

// count counts the records, to know how much there is, and looks up those that are
// named.
func (r *copyRun) count(ctx context.Context) error {
	var found []string
	for t, err := range r.targets.all(ctx, r.from.Read) {
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		name := t.Entry.Record.Tombstone.String()
		if len(r.targets.names) > 0 && t.Entry.Err == nil {
			if slices.Contains(found, name) {
				continue
			}
			found = append(found, name)
		} else if len(r.targets.names) > 0 {
			r.report.missing = append(r.report.missing, missing(t))
		}
		r.report.total++
	}
	r.targets.names = found
	return nil
}

// missing is what became of a target that was not found or cannot be read.
func missing(t target) copier.Result {
	result := copier.Result{Record: t.Entry.Record, Outcome: copier.Failed, Err: t.Entry.Err}
	id, err := sdk.ParseID(t.Name)
	if result.Record.Tombstone = id; err != nil {
		result.Err = fmt.Errorf("%s: %w", t.Name, t.Entry.Err)
	}
	return result
}

// records yields the records with their history. Those that are named and were
// not found are not among them.
func (r *copyRun) records(ctx context.Context) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		selections := []selection{r.targets.selected}
		if len(r.targets.names) > 0 || len(r.report.missing) > 0 {
			selections = namedSelections(r.targets.names)
		}
		for _, s := range selections {
			s.query.WithEvents, s.query.WithHolds = true, true
			for entry, err := range s.list(ctx, r.from.Read, nil) {
				if !yield(entry, err) || err != nil {
					return
				}
			}
		}
	}
}

func namedSelections(names []string) (all []selection) {
	for some := range slices.Chunk(names, sdk.MaxItems) {
		var s selection
		for _, name := range some {
			if id, err := sdk.ParseID(name); err == nil {
				s.query.Tombstones = append(s.query.Tombstones, id)
			}
		}
		all = append(all, s)
	}
	return all
}

// put has a group written, with evidence before and after.
func (r *copyRun) put(ctx context.Context, items []*copier.Item, send func(context.Context, sdk.Backend) error) error {
	sum := copier.Sum(items)
	t := r.report.transfer("group", evidence.Transfer{
		Records: len(items), Copied: sum.Copied, Updated: sum.Updated, Events: sum.Events, BytesOut: sum.Bytes,
	})
	return r.journal.CopyGroup(ctx, &t, send)
}

// done takes in what became of records. An error ends the run.
func (r *copyRun) done(results ...copier.Result) error {
	r.report.items(results)
	if r.journal == nil {
		return nil
	}
	for _, result := range results {
		if result.Err != nil {
			r.unsaid = append(r.unsaid, journal.NotCopied{Record: &result.Record, Err: result.Err})
		}
	}
	if len(r.unsaid) < sdk.MaxItems {
		return nil
	}
	return r.flush()
}

// flush records failures.
func (r *copyRun) flush() error {
	if len(r.unsaid) == 0 {
		return nil
	}
	failed := r.unsaid
	r.unsaid = nil
	return r.journal.LeftOut(r.report.transfer("record", evidence.Transfer{}), failed)
}
