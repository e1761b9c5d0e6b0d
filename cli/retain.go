package main

import (
	"context"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func retainCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "retain",
		Usage:     "keep records from being purged until a time",
		UsageText: "codex archive retain TOMBSTONE...|selectors --days N|--until TIME --by WHO",
		Description: "Sets the end of the retention of each record, N days from now or TIME. It only ever moves\n" +
			"later: an earlier end is refused, and the record keeps the one that it has. Until then the\n" +
			"content is not purged, by the earlier of this machine's clock and the database's.\n" +
			"--until is the new end here, and selects nothing.\n\n" +
			"TIME is a date (2035-10-17) or RFC 3339 (2035-10-17T13:22:36Z); --since also takes an\n" +
			"age (90m, 36h, 7d). A date or a time without a zone is local.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive retain 8e3531b9 --days 3650 --by records\n" +
			"   codex archive retain --repo shop --path bill/ --until 2035-12-31 --by records",
		Flags: custodyFlags(
			&cli.StringFlag{Name: "days", Usage: "retain for `N` days from now"},
			&cli.StringFlag{Name: "until", Usage: "retain until `TIME`"},
			noteFlag(),
		),
	}, runRetain)
}

func runRetain(ctx context.Context, c *app.Command) error {
	until, err := retainUntil(c, time.Now())
	if err != nil {
		return err
	}
	return runAct(ctx, c, custodyAct{
		words: custodyWords{title: "Retain", doing: "Retaining", done: "retained", unchanged: "retained so before"},
		event: sdk.Event{Action: sdk.ActionRetain, RetainUntil: until},
		own:   []string{"until"},
		clock: c.Flags.IsSet("days"),
		check: func(e *sdk.Entry) error {
			if err := purgedBefore(e); err != nil {
				return err
			}
			if until.Before(e.Record.RetainUntil) {
				return sdk.Errorf(sdk.Refused, "retained until %s, which only ever moves later", output.Stamp(e.Record.RetainUntil))
			}
			return nil
		},
		unchanged: func(e *sdk.Entry) bool { return until.Equal(e.Record.RetainUntil) },
	})
}

// retainUntil reads --days and --until.
func retainUntil(c *app.Command, now time.Time) (time.Time, error) {
	days, until := c.Flags.String("days"), c.Flags.String("until")
	switch {
	case days == "" && until == "":
		return time.Time{}, output.Usagef("for how long? --days or --until is missing").WithHint("add --days N, or --until DATE such as 2030-01-31")
	case days != "" && until != "":
		return time.Time{}, output.Usagef("--days and --until are two ways to say for how long: choose")
	case days != "":
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > maxRetainDays {
			return time.Time{}, output.Usagef("--days: found %q, allowed 1-%d, in whole days", days, maxRetainDays)
		}
		return now.UTC().AddDate(0, 0, n).Truncate(time.Second), nil
	}
	end, err := c.Time("until", now)
	if err == nil && !end.After(now) {
		err = output.Usagef("--until: %s is not in the future", output.Stamp(end)).
			WithHint("give a date such as 2030-01-31, or --days N from now: an age such as 7d is in the past")
	}
	return end, err
}
