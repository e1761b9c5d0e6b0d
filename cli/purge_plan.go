package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/custody"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// runPurgePlan purges what a plan names.
func runPurgePlan(ctx context.Context, c *app.Command, file string) error {
	if c.Flags.NArg() > 0 || hasSelectors(c) {
		return output.Usagef("--apply takes its records from the plan: no TOMBSTONE and no selector beside it")
	}
	plan, err := readPlan(file)
	if err != nil {
		return err
	}
	who, err := c.Actor()
	if err != nil {
		return err
	}
	r := &purgeRun{run: &custodyRun{command: c, who: who, report: newCustodyReport(c, purgeWords()), history: true}}
	r.order.Plan = plan.Digest
	if err := r.openCertificate(c); err != nil {
		return err
	}
	for _, p := range plan.Records {
		r.run.targets.names = append(r.run.targets.names, p.Tombstone.String())
	}
	if len(plan.Records) == 0 {
		return output.Usagef("%s: the plan names no record that would be purged", file)
	}
	items, err := r.run.open(ctx, actingMode(c))
	if err != nil {
		return err
	}
	if err := r.compare(ctx, plan, items); err != nil {
		return err
	}
	if r.run.report.dry {
		r.run.report.begin(items)
		r.run.report.planned(items, sdk.Event{})
		return r.run.report.end(ctx, nil)
	}
	return r.purgeAll(ctx, items)
}

// readPlan reads a plan. One that was changed is refused.
func readPlan(file string) (*custody.Plan, error) {
	plan, err := custody.Read(file)
	switch {
	case errors.Is(err, custody.ErrEdited):
		return nil, output.Errorf(output.KindOf(sdk.Refused), "%s: %w", file, err).WithHint("make a new one: codex archive purge --plan FILE")
	case err != nil:
		return nil, durable.NamedFile("--apply", file, err, "make a plan: codex archive purge --plan FILE")
	}
	return plan, nil
}

// compare holds the archive against the plan, before anything is purged. What
// was purged meanwhile is as it was planned.
func (r *purgeRun) compare(ctx context.Context, plan *custody.Plan, items []*custodyItem) error {
	backend, err := r.run.archive.Backend(ctx)
	if err != nil {
		return err
	}
	archive, err := identity(ctx, backend)
	if err != nil {
		return err
	}
	planned := map[sdk.Tombstone]*custody.Planned{}
	for i := range plan.Records {
		planned[plan.Records[i].Tombstone] = &plan.Records[i]
	}
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if err := r.addVerdicts(ctx, backend, group); err != nil {
			return err
		}
		for _, item := range group {
			why := ""
			if archive != plan.Archive {
				why = "the plan is of the archive " + plan.Archive.String() + ", and this is " + archive.String()
			} else if item.err == nil {
				why = planned[item.id].Drift(&item.entry.Record)
			}
			if why != "" {
				item.err = sdk.Errorf(sdk.Refused, "%s", why)
				item.verdict = &sdk.Verdict{Tombstone: item.id, Outcome: journal.Drifted, Why: why}
			}
		}
	}
	return r.drifted(items)
}

// drifted refuses a plan of which something has changed, names it, and records
// that.
func (r *purgeRun) drifted(items []*custodyItem) error {
	var drifted []*journal.Purging
	for _, item := range items {
		if item.err != nil {
			p := &journal.Purging{Name: item.name, Record: &item.entry.Record, Err: item.err}
			if item.verdict != nil {
				p.Verdict = *item.verdict
			}
			drifted = append(drifted, p)
		}
	}
	if len(drifted) == 0 {
		return nil
	}
	first := drifted[0]
	message := fmt.Sprintf("the plan no longer fits, and nothing was purged: %s: %s", first.Name, output.Words(first.Err))
	if len(drifted) > 1 {
		message += fmt.Sprintf(" (and %d more)", len(drifted)-1)
	}
	if r.run.journal != nil {
		for group := range slices.Chunk(drifted, sdk.MaxItems) {
			if err := r.run.journal.Refuse(r.order, group); err != nil {
				return err
			}
		}
	}
	return output.Errorf(output.KindOf(sdk.Refused), "%s", message).WithHint("make a new one: codex archive purge --plan FILE")
}
