package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func showCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "show",
		Usage:     "show everything recorded about one archived file",
		UsageText: "codex archive show TOMBSTONE [flags]",
		Description: "Prints the record, its history in order, and the command that restores it.\n" +
			"TOMBSTONE may be shortened to 8 or more characters.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive show 8e3531b9\n" +
			"   codex archive show 8e3531b9-c839-4a07-9dec-507c36136eb1 --json | jq .events",
	}, runShow)
}

// eventView is an event as results show it.
type eventView struct {
	ID          string            `json:"id"`
	Action      string            `json:"action"`
	Actor       string            `json:"actor"`
	At          time.Time         `json:"at"`
	Case        string            `json:"case,omitempty"`
	RetainUntil *time.Time        `json:"retain_until,omitempty"`
	Detail      map[string]string `json:"detail,omitempty"`
}

// holdView is a hold as results show it.
type holdView struct {
	Case     string     `json:"case"`
	PlacedAt time.Time  `json:"placed_at"`
	PlacedBy string     `json:"placed_by"`
	Released *time.Time `json:"released_at,omitempty"`
}

type entryView struct {
	output.RecordView
	Events  []eventView `json:"events"`
	Holds   []holdView  `json:"holds"`
	Restore string      `json:"restore_command"`
}

func runShow(ctx context.Context, c *app.Command) error {
	if err := c.Arguments(1, 1, "TOMBSTONE"); err != nil {
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
	id, err := find.Tombstone(ctx, backend, c.Flags.Args().First())
	if err != nil {
		return err
	}
	query := sdk.Query{Tombstones: []sdk.Tombstone{id}, WithEvents: true, WithHolds: true}
	for entry, err := range backend.List(ctx, query) {
		if err != nil {
			return err
		}
		c.WarnRetention(entry.Record)
		view := viewEntry(entry)
		if c.JSON {
			return output.WriteJSON(c.Env.Stdout, view)
		}
		return writeEntry(c.Env.Stdout, view)
	}
	return find.NotFound(id.String())
}

func viewEntry(entry sdk.Entry) entryView {
	v := entryView{RecordView: output.ViewRecord(entry.Record), Events: []eventView{}, Holds: []holdView{}}
	v.Present = &entry.Present
	for _, e := range entry.Events {
		v.Events = append(v.Events, eventView{e.ID.String(), string(e.Action), e.Actor, e.At, e.Case, output.OptionalTime(e.RetainUntil), e.Detail})
	}
	for _, h := range entry.Holds {
		v.Holds = append(v.Holds, holdView{h.Case, h.Placed, h.PlacedBy, output.OptionalTime(h.Released)})
	}
	v.Restore = "codex archive restore " + v.Tombstone + " " + output.ShellWord(escape.Text(path.Base(entry.Record.Path))) + " --by YOU"
	return v
}

func writeEntry(out io.Writer, v entryView) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, value any) {
		if text := fmt.Sprint(value); text != "" {
			fmt.Fprintf(w, "%s:\t%s\n", name, escape.Text(text))
		}
	}
	row("Tombstone", v.Tombstone)
	row("Repository", v.Repo)
	row("Path", v.Path)
	row("Path (base64)", v.PathB64)
	row("Path in work tree", v.WorkTreePath)
	row("Commit", v.Commit)
	row("Reason", v.Reason)
	row("Note", v.Note)
	row("Kind", v.Kind)
	row("Tags", strings.Join(v.Tags, ", "))
	for _, key := range slices.Sorted(maps.Keys(v.Metadata)) {
		row("Metadata "+escape.Text(key), v.Metadata[key])
	}
	row("Archived", output.Stamp(v.ArchivedAt)+" by "+v.ArchivedBy)
	row("Size", fmt.Sprintf("%d bytes, %d stored (%s)", v.Size, v.CompressedSize, v.Codec))
	row("SHA-256", v.SHA256)
	row("Mode", v.Mode)
	row("Modified", output.Stamp(v.ModifiedAt))
	if v.RetainUntil != nil {
		row("Retain until", output.Stamp(*v.RetainUntil))
	}
	switch {
	case v.PurgedAt != nil:
		row("Content", "purged "+output.Stamp(*v.PurgedAt))
	case !*v.Present:
		row("Content", "LOST: the archive has the record and not the bytes")
	default:
		row("Content", "present")
	}
	for _, h := range v.Holds {
		state := "active"
		if h.Released != nil {
			state = "released " + output.Stamp(*h.Released)
		}
		row("Hold "+escape.Text(h.Case), output.Stamp(h.PlacedAt)+" by "+h.PlacedBy+", "+state)
	}
	fmt.Fprintln(w, "\nHistory:")
	for _, e := range v.Events {
		line := fmt.Sprintf("  %s\t%s\t%s", output.Stamp(e.At), e.Action, escape.Text(e.Actor))
		if more := details(e); more != "" {
			line += "\t" + escape.Text(more)
		}
		fmt.Fprintln(w, line)
	}
	if v.PurgedAt == nil {
		fmt.Fprintf(w, "\nRestore with:\n  %s\n", v.Restore)
	}
	return w.Flush()
}

func details(e eventView) string {
	var words []string
	if e.Case != "" {
		words = append(words, "case "+e.Case)
	}
	if e.RetainUntil != nil {
		words = append(words, "until "+output.Stamp(*e.RetainUntil))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		words = append(words, key+" "+e.Detail[key])
	}
	return strings.Join(words, ", ")
}
