package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/sdk"
)

func (p *program) listCommand() *cli.Command {
	return p.command(&cli.Command{
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
			&cli.StringFlag{Name: "path", Usage: "only paths that begin with `PREFIX`"},
			&cli.StringFlag{Name: "since", Usage: "only archived at or after `TIME`"},
			&cli.StringFlag{Name: "until", Usage: "only archived before `TIME`"},
			&cli.StringFlag{Name: "by", Usage: "only archived by `WHO`"},
			&cli.StringFlag{Name: "reason", Usage: "only for this `CLASS` of reason"},
			&cli.StringFlag{Name: "tag", Usage: "only with this `TAG`"},
			&cli.IntFlag{Name: "limit", Usage: "at most `N` records, 0 for all", Value: 50},
		},
	}, (*session).list)
}

func (s *session) list(ctx context.Context) error {
	if err := s.arguments(0, 0); err != nil {
		return err
	}
	query, err := s.query(time.Now())
	if err != nil {
		return err
	}
	if err := s.dial(ctx, sdk.ReadOnly); err != nil {
		return err
	}
	backend, err := s.reach(ctx)
	if err != nil {
		return err
	}
	show := s.listRows
	if s.json {
		show = s.listJSON
	}
	return show(func(yield func(sdk.Entry, error) bool) {
		for entry, err := range backend.List(ctx, query) {
			if err == nil {
				s.warnRetention(entry.Record)
			}
			if !yield(entry, err) {
				return
			}
		}
	})
}

// query reads the flags. One more than the limit is asked for, to know whether
// something was left out.
func (s *session) query(now time.Time) (sdk.Query, error) {
	q := sdk.Query{
		Repo: s.flags.String("repo"), Path: s.flags.String("path"), Actor: s.flags.String("by"),
		Reason: s.flags.String("reason"), Tag: s.flags.String("tag"), Limit: s.flags.Int("limit"),
	}
	if q.Limit < 0 {
		return q, usageError("--limit: found %d, allowed 0 or more", q.Limit)
	}
	if q.Limit > 0 {
		q.Limit++
	}
	var err error
	if q.Since, err = parseTime("--since", s.flags.String("since"), now); err != nil {
		return q, err
	}
	q.Until, err = parseTime("--until", s.flags.String("until"), now)
	return q, err
}

// parseTime reads a date, an RFC 3339 time or an age.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return sdk.Time(now.AddDate(0, 0, -n)), nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return sdk.Time(now.Add(-age)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return sdk.Time(t), nil
		}
	}
	return time.Time{}, usageError("%s: found %q, allowed a date (2025-10-17), RFC 3339 (2025-10-17T13:22:36Z) or an age (36h, 7d)", flag, text)
}

type entries = func(yield func(sdk.Entry, error) bool)

func (s *session) listJSON(all entries) error {
	out := bufio.NewWriter(s.stdout)
	limit, n := s.flags.Int("limit"), 0
	for entry, err := range all {
		if err != nil {
			return err
		}
		if n++; limit > 0 && n > limit {
			break
		}
		view := viewRecord(entry.Record)
		view.Present = &entry.Present
		if err := writeJSONLine(out, view); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (s *session) listRows(all entries) error {
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	limit, n := s.flags.Int("limit"), 0
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
			printable(r.ArchivedBy), printable(r.Reason), size, printable(r.Repo), printable(r.Path))
		if n%1000 == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	if n == 0 {
		s.log.Info("No records match")
	}
	return w.Flush()
}
