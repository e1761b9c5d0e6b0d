package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/sdk"
)

func holdCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "hold",
		Usage:     "keep records from being purged, for a case",
		UsageText: "codex archive hold TOMBSTONE...|selectors --case ID --by WHO [flags]",
		Description: "Places a hold of the case ID on each record. While any hold of a record is active its\n" +
			"content is not purged. A case that is active already stays as it was placed. A record that\n" +
			"was purged cannot be held. TOMBSTONE may be shortened to 8 or more characters.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive hold 8e3531b9 --case 2025-017 --by legal\n" +
			"   codex archive hold --repo shop --path billing/ --case 2025-017 --by legal \\\n" +
			"       --note 'letter of 3 May'",
		Flags: custodyFlags(caseFlag(), noteFlag()),
	}, runHold)
}

func runHold(ctx context.Context, c *app.Command) error {
	id, err := caseID(c)
	if err != nil {
		return err
	}
	return runAct(ctx, c, custodyAct{
		words:     custodyWords{title: "Hold", doing: "Holding", done: "held", unchanged: "held before"},
		event:     sdk.Event{Action: sdk.ActionHold, Case: id},
		check:     purgedBefore,
		unchanged: func(e *sdk.Entry) bool { return activeHold(e, id) },
	})
}
