package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/sdk"
)

func pruneRequestCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "prune-request",
		Usage:     "ask for records to be purged, by another person",
		UsageText: "codex archive prune-request TOMBSTONE...|selectors --by WHO [flags]",
		Description: "Records that WHO asks for the content to be removed. It changes nothing else. Another\n" +
			"person then runs codex archive purge; names that differ only in upper and lower case or\n" +
			"in blanks around them are one person.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive prune-request 8e3531b9 --by ann --note 'holds an API key'\n" +
			"   codex archive prune-request --tag scratch --until 365d --by ann",
		Flags: custodyFlags(noteFlag()),
	}, runPruneRequest)
}

func runPruneRequest(ctx context.Context, c *app.Command) error {
	return runAct(ctx, c, custodyAct{
		words:     custodyWords{title: "Prune Request", doing: "Requesting the purge of", done: "requested", unchanged: "purged before"},
		event:     sdk.Event{Action: sdk.ActionPruneRequest},
		check:     func(*sdk.Entry) error { return nil },
		unchanged: func(e *sdk.Entry) bool { return !e.Record.PurgedAt.IsZero() },
	})
}
