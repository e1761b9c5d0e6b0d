package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/sdk"
)

func releaseCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "release",
		Usage:     "release the holds of a case",
		UsageText: "codex archive release TOMBSTONE...|selectors --case ID --by WHO [flags]",
		Description: "Releases the hold of the case ID on each record; holds of other cases stay active. A record\n" +
			"on which the case is not active is counted and left as it is.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive release 8e3531b9 --case 2025-017 --by legal --note 'settled'\n" +
			"   codex archive release --repo shop --case 2025-017 --by legal --dry-run",
		Flags: custodyFlags(caseFlag(), noteFlag()),
	}, runRelease)
}

func runRelease(ctx context.Context, c *app.Command) error {
	id, err := caseID(c)
	if err != nil {
		return err
	}
	return runAct(ctx, c, custodyAct{
		words:     custodyWords{title: "Release", doing: "Releasing", done: "released", unchanged: "not held", warnUnchanged: "The case was not active on any of these records: " + id},
		event:     sdk.Event{Action: sdk.ActionRelease, Case: id},
		check:     func(*sdk.Entry) error { return nil },
		unchanged: func(e *sdk.Entry) bool { return !activeHold(e, id) },
	})
}
