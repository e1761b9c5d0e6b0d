package main

import (
	"bufio"
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func listCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "list",
		Usage:     "list archived files, newest first",
		UsageText: "codex archive list [flags]",
		Description: "Without flags the 50 newest records are shown. With --json each is one object on a\n" +
			"line, with everything that was recorded.\n\n" +
			"Times are dates (2025-10-17), RFC 3339 (2025-10-17T13:22:36Z) or ages (90m, 36h, 7d).\n\n" +
			"EXAMPLES:\n" +
			"   codex archive list --repo my-repo --path src/ --since 30d\n" +
			"   codex archive list --by developer --reason dead --json | jq -r .tombstone",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "repo", Usage: "only of this `REPOSITORY`"},
			&cli.StringFlag{Name: "path", Usage: "only this `PATH`, or everything below it"},
			&cli.StringFlag{Name: "since", Usage: "only archived at or after `TIME`"},
			&cli.StringFlag{Name: "until", Usage: "only archived before `TIME`"},
			&cli.StringFlag{Name: "by", Usage: "only archived by `WHO`"},
			&cli.StringFlag{Name: "reason", Usage: "only for this `CLASS` of reason"},
			&cli.StringFlag{Name: "tag", Usage: "only with this `TAG`"},
			&cli.IntFlag{Name: "limit", Usage: "at most `N` records, 0 for all", Value: 50},
		},
	}, runList)
}

func runList(ctx context.Context, c *app.Command) error {
	if err := c.Arguments(0, 0); err != nil {
		return err
	}
	q, err := query(c, time.Now())
	if err != nil {
		return err
	}
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	if err != nil {
		return err
	}
	backend, err := archive.Reach(ctx)
	if err != nil {
		return err
	}
	show := listRows
	if c.JSON {
		show = listJSON
	}
	return show(c, func(yield func(sdk.Entry, error) bool) {
		for entry, err := range backend.List(ctx, q) {
			if err == nil {
				c.WarnRetention(entry.Record)
			}
			if !yield(entry, err) {
				return
			}
		}
	})
}

// query reads the flags. One more than the limit is asked for, to know whether
// something was left out.
func query(c *app.Command, now time.Time) (sdk.Query, error) {
	q := sdk.Query{
		Repo: c.Flags.String("repo"), Path: c.Flags.String("path"), Actor: c.Flags.String("by"),
		Reason: c.Flags.String("reason"), Tag: c.Flags.String("tag"), Limit: c.Flags.Int("limit"),
	}
	if q.Limit < 0 {
		return q, output.Usagef("--limit: found %d, allowed 0 or more", q.Limit)
	}
	if q.Limit > 0 {
		q.Limit++
	}
	var err error
	if q.Since, err = app.Time("--since", c.Flags.String("since"), now); err != nil {
		return q, err
	}
	q.Until, err = app.Time("--until", c.Flags.String("until"), now)
	return q, err
}

type entries = func(yield func(sdk.Entry, error) bool)

func listJSON(c *app.Command, all entries) error {
	out := bufio.NewWriter(c.Env.Stdout)
	limit, n := c.Flags.Int("limit"), 0
	for entry, err := range all {
		if err != nil {
			return err
		}
		if n++; limit > 0 && n > limit {
			break
		}
		view := output.ViewRecord(entry.Record)
		view.Present = &entry.Present
		if err := output.WriteJSONLine(out, view); err != nil {
			return err
		}
	}
	return out.Flush()
}

func listRows(c *app.Command, all entries) error {
	w := tabwriter.NewWriter(c.Env.Stdout, 0, 0, 2, ' ', 0)
	limit, n := c.Flags.Int("limit"), 0
	for entry, err := range all {
		if err != nil {
			return err
		}
		if n++; limit > 0 && n > limit {
			fmt.Fprintf(w, "… more: use --limit 0 for all, or narrow the search\n")
			break
		}
		if n == 1 {
			fmt.Fprintln(w, "TOMBSTONE\tARCHIVED AT\tBY\tREASON\tSIZE\tREPO\tPATH")
		}
		r := entry.Record
		size := fmt.Sprint(r.Content.Size)
		if !r.PurgedAt.IsZero() {
			size = "purged"
		} else if !entry.Present {
			size = "lost"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Tombstone, r.ArchivedAt.Format("2006-01-02 15:04:05Z"),
			escape.Text(r.ArchivedBy), escape.Text(r.Reason), size, escape.Text(r.Repo), escape.Text(r.Path))
		if n%1000 == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	if n == 0 {
		c.Log.Info("No records match")
	}
	return w.Flush()
}
