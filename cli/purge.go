package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/custody"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func purgeCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "purge",
		Usage:     "remove content whose purge another person has asked for",
		UsageText: "codex archive purge TOMBSTONE...|selectors|--apply FILE --by WHO [flags]",
		Description: "Removes the content of each record for good. The record and its history stay. Content that\n" +
			"another live record has as well stays for that one. A record is refused while a hold is\n" +
			"active, while its retention lasts, and unless another person has asked for its purge with\n" +
			"codex archive prune-request. The archive judges that in the transaction that removes the\n" +
			"content, by the earlier of this machine's clock and its own. Afterwards the content is\n" +
			"looked up: the command succeeds when it is gone.\n" +
			"--dry-run prints the verdict on each record. --plan writes what would go to FILE; --apply\n" +
			"purges what a plan names, and nothing if anything has changed since. --certificate writes\n" +
			"a signed note of what was purged, by whom, and under which rule. A record whose holds or\n" +
			"retention are not what its events say was changed in the database: it is refused, unless\n" +
			"--accept-contradictions is given.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive purge 8e3531b9 --by bob\n" +
			"   codex archive purge --tag scratch --until 365d --by bob --plan p.json\n" +
			"   codex archive purge --apply p.json --by bob --certificate purged.txt",
		Flags: custodyFlags(append([]cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "write what would go to `FILE`, and do nothing"},
			&cli.StringFlag{Name: "apply", Usage: "purge what the plan in `FILE` names"},
			app.Switch(acceptContradictions, "purge also what was changed in the database"),
		}, certificateFlags()...)...),
	}, runPurge)
}

// purgeWords are what purge says of its work.
func purgeWords() custodyWords {
	return custodyWords{title: "Purge", doing: "Purging", done: "purged", unchanged: "purged before"}
}

const acceptContradictions = "accept-contradictions"

// purgeRun is a purge.
type purgeRun struct {
	run   *custodyRun
	order journal.PurgeOrder
	key   *evidence.PrivateKey // signs the certificate; nil where none is asked for
}

func runPurge(ctx context.Context, c *app.Command) error {
	plan, apply := c.Flags.String("plan"), c.Flags.String("apply")
	switch {
	case plan != "" && apply != "":
		return output.Usagef("--plan writes a plan and --apply reads one: choose")
	case plan != "" && c.Flags.String("certificate") != "":
		return output.Usagef("--plan purges nothing that --certificate could certify: choose")
	case apply != "":
		return runPurgePlan(ctx, c, apply)
	}
	if plan != "" {
		if err := durable.NewFile("--plan", plan); err != nil {
			return err
		}
	}
	run, err := newCustodyRun(c, purgeWords())
	if err != nil {
		return err
	}
	run.history = true
	r := &purgeRun{run: run}
	if err := r.openCertificate(c); err != nil {
		return err
	}
	if plan != "" || c.Flags.Bool("dry-run") {
		return r.rehearse(ctx, plan)
	}
	return r.purge(ctx)
}

// rehearse prints the verdicts, and writes them to the file plan where that is
// named.
func (r *purgeRun) rehearse(ctx context.Context, plan string) error {
	r.run.report.dry = true
	items, err := r.run.open(ctx, sdk.ReadOnly)
	if err != nil {
		return err
	}
	r.run.report.begin(items)
	backend, err := r.run.archive.Backend(ctx)
	if err != nil {
		return err
	}
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if err := r.addVerdicts(ctx, backend, group); err != nil {
			return r.run.report.end(ctx, err)
		}
		r.run.report.planned(group, sdk.Event{})
	}
	if plan == "" {
		return r.run.report.end(ctx, nil)
	}
	return r.writePlan(ctx, backend, items, plan)
}

// addVerdicts reads a group, and the verdict on each record.
func (r *purgeRun) addVerdicts(ctx context.Context, backend sdk.Backend, group []*custodyItem) error {
	if err := r.run.read(ctx, group); err != nil {
		return err
	}
	list, _ := purgings(group)
	if err := journal.Judge(ctx, backend, r.run.who, list); err != nil {
		return err
	}
	settle(group, list)
	return nil
}

// writePlan writes what would go. That some records would be refused is part of
// the plan and no failure.
func (r *purgeRun) writePlan(ctx context.Context, backend sdk.Backend, items []*custodyItem, path string) error {
	archive, err := identity(ctx, backend)
	if err != nil {
		return err
	}
	p := custody.NewPlan(archive, r.run.command.Config.Backend.Type, r.run.who, r.run.command.Started)
	for _, item := range items {
		switch {
		case item.err != nil:
			refused := custody.Refused{Tombstone: item.name, Path: item.entry.Record.Path, Why: output.Words(item.err)}
			if item.verdict != nil {
				refused.Verdict = item.verdict.Outcome
			}
			p.Refused = append(p.Refused, refused)
		case !item.unchanged:
			p.Add(&item.entry.Record, *item.verdict)
		}
	}
	if err := p.Write(path); err != nil {
		return durable.NamedFile("--plan", path, err, "")
	}
	r.run.report.rehearsed()
	r.run.command.Log.Info("The plan is written: " + path + ". Apply it with: codex archive purge --apply " + output.ShellPath(path) + " --by WHO")
	return r.run.report.progress.Err()
}

func (r *purgeRun) purge(ctx context.Context) error {
	items, err := r.run.open(ctx, sdk.ReadWrite)
	if err != nil {
		return err
	}
	return r.purgeAll(ctx, items)
}

// purgeAll purges records in groups.
func (r *purgeRun) purgeAll(ctx context.Context, items []*custodyItem) (err error) {
	r.run.report.begin(items)
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if err = r.purgeGroup(ctx, group); err != nil {
			break
		}
	}
	certificate := r.certifyAfter(ctx, items)
	return cmp.Or(r.run.report.end(ctx, err), certificate)
}

func (r *purgeRun) purgeGroup(ctx context.Context, group []*custodyItem) error {
	if err := r.run.read(ctx, group); err != nil {
		return err
	}
	list, refused := purgings(group)
	err := r.run.journal.Refuse(r.order, refused)
	if err == nil && len(list) > 0 {
		err = r.run.journal.PurgeGroup(ctx, r.order, list)
	}
	settle(group, list)
	r.run.report.group(group, sdk.Event{})
	return err
}

// purgings returns the records of a group that can be judged, and those that
// cannot be read.
func purgings(group []*custodyItem) (list, refused []*journal.Purging) {
	for _, item := range group {
		p := &journal.Purging{Name: item.name, Record: &item.entry.Record, Event: sdk.NewEventID(), Err: item.err}
		if item.err != nil {
			refused = append(refused, p)
		} else {
			list = append(list, p)
		}
	}
	return list, refused
}

// settle takes what became of list, which are the records of a group without an
// error, in order.
func settle(group []*custodyItem, list []*journal.Purging) {
	for _, item := range group {
		if item.err != nil {
			continue
		}
		p := list[0]
		list = list[1:]
		item.err = p.Err
		if p.Verdict.Outcome != "" {
			item.verdict = &p.Verdict
		}
		switch p.Verdict.Outcome {
		case sdk.OutcomeAlready:
			item.unchanged = true
		case sdk.OutcomePurged, sdk.OutcomeRepeated:
			item.event = p.Event
		}
	}
}
