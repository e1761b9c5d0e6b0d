package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func listCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "list",
		Usage:     "list archived files, newest first",
		UsageText: "codex archive list [flags]",
		Description: "Without flags the 50 newest records are shown. All selectors that are given must hold.\n" +
			"--path names a file or a directory as it was recorded, as it lies in the git work\n" +
			"tree, or from the current directory. --match does not tell A from a. With --json each\n" +
			"record is one object on a line. A row that cannot be read is shown with its tombstone,\n" +
			"and the command ends with 5.\n\n" +
			app.TimeHelp + "\n\n" +
			"--format manifest prints a manifest for codex archive batch-restore: the newest live\n" +
			"record of each path, restored to that path below --output-dir.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive list --repo my-repo --path src/ --since 30d\n" +
			"   codex archive list --by developer --reason dead --json | jq -r .tombstone\n" +
			"   codex archive list --path src --format manifest --output-dir back > m.json",
		Flags: append(selectorFlags(),
			&cli.IntFlag{Name: "limit", Usage: "at most `N` records, 0 for all; a manifest has all", Value: 50},
			app.Switch("short", "print the first 8 characters of tombstones"),
			&cli.StringFlag{Name: "format", Usage: "`FORMAT`: table or manifest", Value: "table"},
			&cli.StringFlag{Name: "output-dir", Usage: "outputs of the manifest are below `DIR`"},
		),
	}, app.NoArguments(runList))
}

func runList(ctx context.Context, c *app.Command) error {
	show, err := listForm(c)
	if err != nil {
		return err
	}
	s, err := readSelectors(c, time.Now())
	if err != nil {
		return err
	}
	s.query.WithHolds = c.Flags.String("format") == "table"
	// One more than the limit is asked for, to know whether something is left out.
	limit := c.Flags.Int("limit")
	switch {
	case limit < 0:
		return output.Usagef("--limit: found %d, allowed 0 or more", limit)
	case c.Flags.String("format") == "manifest" && !c.Flags.IsSet("limit"):
		limit = 0
	case limit > 0:
		s.query.Limit = limit + 1
	}
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	if err != nil {
		return err
	}
	l := &listing{command: c, limit: limit}
	err = show(c, l.readable(s.list(ctx, archive.Read, nil)), l)
	if err == nil {
		err = l.unreadableError()
	}
	if err != nil && c.JSON && l.shown > 0 {
		return output.Shown{Err: err}
	}
	return err
}

// listForm returns what prints the list in the form that was asked for.
func listForm(c *app.Command) (func(*app.Command, iter.Seq2[sdk.Entry, error], *listing) error, error) {
	format, dir := c.Flags.String("format"), c.Flags.String("output-dir")
	switch {
	case format != "table" && format != "manifest":
		return nil, output.Usagef("--format: found %q, allowed table, manifest", format)
	case format == "manifest" && dir == "":
		return nil, output.Usagef("a manifest says where files go: --output-dir is missing")
	case format == "table" && dir != "":
		return nil, output.Usagef("--output-dir is for --format manifest")
	case format == "manifest" && c.JSON:
		return nil, output.Usagef("--json and --format manifest are two forms of one result: choose")
	case format == "manifest":
		return listManifest, nil
	case c.JSON:
		return listJSON, nil
	}
	return listTable, nil
}

// listing counts what is listed.
type listing struct {
	command    *app.Command
	limit      int // 0: none
	shown      int
	more       bool // there is more than the limit
	unreadable []sdk.Tombstone
}

// readable yields the entries up to the limit, and keeps account of them.
func (l *listing) readable(all iter.Seq2[sdk.Entry, error]) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		for entry, err := range all {
			switch {
			case err != nil:
			case l.limit > 0 && l.shown == l.limit:
				l.more = true
				return
			case entry.Err != nil:
				l.unreadable = append(l.unreadable, entry.Record.Tombstone)
			default:
				l.command.WarnRetention(entry.Record)
			}
			l.shown++
			if !yield(entry, err) {
				return
			}
		}
	}
}

// unreadableError is how a list ends in which a row could not be read.
func (l *listing) unreadableError() error {
	if len(l.unreadable) == 0 {
		return nil
	}
	var names []string
	for _, id := range l.unreadable[:min(3, len(l.unreadable))] {
		names = append(names, id.String())
	}
	if len(l.unreadable) > len(names) {
		names = append(names, fmt.Sprintf("%d more", len(l.unreadable)-len(names)))
	}
	return output.Errorf(output.KindOf(sdk.Corrupt), "unreadable: %d of %s: %s", len(l.unreadable), output.Count(l.shown, "record"), strings.Join(names, ", ")).
		WithHint("codex archive show TOMBSTONE says what is wrong; restore their rows from a backup of the database")
}

// unreadableView is a row that cannot be read, in JSON.
type unreadableView struct {
	Tombstone string             `json:"tombstone"`
	Error     output.FailureView `json:"error"`
}

// listedView is a record, in JSON.
type listedView struct {
	output.RecordView
	Holds []holdView `json:"holds,omitempty"` // those that are active
}

func listJSON(c *app.Command, all iter.Seq2[sdk.Entry, error], _ *listing) (err error) {
	out := bufio.NewWriter(c.Env.Stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	for entry, err := range all {
		if err != nil {
			return err
		}
		if err := output.WriteJSONLine(out, viewListed(entry)); err != nil {
			return err
		}
	}
	return nil
}

func viewListed(entry sdk.Entry) any {
	if entry.Err != nil {
		return unreadableView{entry.Record.Tombstone.String(), output.ViewFailure(output.FailureOf(entry.Err))}
	}
	v := listedView{RecordView: output.ViewRecord(entry.Record)}
	v.Present = &entry.Present
	for _, h := range entry.Holds {
		if h.Released.IsZero() {
			v.Holds = append(v.Holds, viewHold(h))
		}
	}
	return v
}

// listManifest prints a manifest of what can be restored.
func listManifest(c *app.Command, all iter.Seq2[sdk.Entry, error], _ *listing) error {
	q := batch.NewQuery(c.Flags.String("output-dir"))
	for entry, err := range all {
		if err != nil {
			return err
		}
		if entry.Err == nil {
			q.Add(&entry.Record)
		}
	}
	items, err := q.Items()
	if err != nil {
		return output.Usagef("%w", err)
	}
	unnamed := slices.DeleteFunc(slices.Clone(items), batch.Item.Writable)
	items = slices.DeleteFunc(items, func(i batch.Item) bool { return !i.Writable() })
	if len(items) == 0 && len(unnamed) == 0 {
		c.Log.Info("No live records match")
	}
	if err := batch.WriteManifest(c.Env.Stdout, items); err != nil {
		return err
	}
	if len(unnamed) > 0 {
		return output.Errorf(output.Batch, "a manifest cannot name %s that are not UTF-8, the first is that of %s", output.Count(len(unnamed), "path"), unnamed[0].Tombstone).
			WithHint("codex archive restore TOMBSTONE OUTPUT restores them")
	}
	return nil
}

func listTable(c *app.Command, all iter.Seq2[sdk.Entry, error], l *listing) (err error) {
	out := bufio.NewWriter(c.Env.Stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	width := output.Width(c.Env.Stdout)
	t := newTable(width, c.Flags.Bool("short"))
	for entry, err := range all {
		if err != nil {
			return errors.Join(t.flush(out), err)
		}
		t.add(entry)
		if len(t.rows) == tableRows {
			if err := t.flush(out); err != nil {
				return err
			}
		}
	}
	if err := t.flush(out); err != nil {
		return err
	}
	if l.more {
		_, err = io.WriteString(out, "… more: use --limit 0 for all, or narrow the search\n")
	}
	if l.shown == 0 {
		c.Log.Info("No records match")
	}
	return err
}
