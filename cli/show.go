package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
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
		Description: "Prints the record, its history in order, and the command that restores it to its place\n" +
			"in the tree. Whether the content is there is looked up; its bytes are not read.\n" +
			"TOMBSTONE may be shortened to 8 or more characters.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive show 8e3531b9\n" +
			"   codex archive show 8e3531b9-c839-4a07-9dec-507c36136eb1 --json | jq .events",
	}, app.Arguments(runShow, "TOMBSTONE"))
}

// eventView is an event as results show it.
type eventView struct {
	ID          string            `json:"id"`
	Action      string            `json:"action"`
	Actor       string            `json:"actor"`
	At          time.Time         `json:"at"`
	Case        string            `json:"case,omitempty"`
	NoEffect    bool              `json:"no_effect,omitempty"` // the case was active already, or was not
	RetainUntil *time.Time        `json:"retain_until,omitempty"`
	Host        string            `json:"host,omitempty"`
	Detail      map[string]string `json:"detail,omitempty"`
}

// holdView is a hold as results show it.
type holdView struct {
	Case     string     `json:"case"`
	PlacedAt time.Time  `json:"placed_at"`
	PlacedBy string     `json:"placed_by"`
	Released *time.Time `json:"released_at,omitempty"`
}

func viewHold(h sdk.Hold) holdView {
	return holdView{h.Case, h.Placed, h.PlacedBy, output.OptionalTime(h.Released)}
}

type entryView struct {
	output.RecordView
	DigestOK bool        `json:"record_digest_ok"`
	Events   []eventView `json:"events"`
	Holds    []holdView  `json:"holds"`
	Restore  string      `json:"restore_command"`
}

func runShow(ctx context.Context, c *app.Command) error {
	backend, err := c.Reach(ctx)
	if err != nil {
		return err
	}
	id, err := find.Tombstone(ctx, backend, c.Flags.Args().First())
	if err != nil {
		return err
	}
	query := sdk.Query{Tombstones: []sdk.Tombstone{id}, WithEvents: true, WithHolds: true}
	for entry, err := range find.List(ctx, backend, query, nil) {
		if err == nil {
			err = entry.Err
		}
		if err != nil {
			return err
		}
		c.WarnRetention(entry.Record)
		view := viewEntry(entry)
		view.Restore = restoreCommandOf(&entry.Record, c.Env.Dir)
		if c.JSON {
			return output.WriteJSON(c.Env.Stdout, view)
		}
		return writeEntry(c.Env.Stdout, view)
	}
	return find.NotFound(id.String())
}

// restoreCommandOf is the command line that restores r to its place in the tree,
// as seen from the directory dir.
func restoreCommandOf(r *sdk.Record, dir string) string {
	place := filepath.FromSlash(r.Path)
	if r.WorkTreePath != "" {
		place = filepath.FromSlash(r.WorkTreePath)
		if top := find.WorkTree(dir); top != "" {
			if rel, err := filepath.Rel(dir, filepath.Join(top, place)); err == nil {
				place = rel
			}
		}
	}
	return "codex archive restore " + r.Tombstone.String() + " " + output.ShellPath(place) + " --by WHO"
}

func viewEntry(entry sdk.Entry) entryView {
	v := entryView{RecordView: output.ViewRecord(entry.Record), Events: []eventView{}, Holds: []holdView{}}
	v.Present = &entry.Present
	for _, e := range entry.Events {
		v.Events = append(v.Events, eventView{e.ID.String(), string(e.Action), e.Actor, e.At, e.Case, e.NoEffect, output.OptionalTime(e.RetainUntil), e.Host, e.Detail})
	}
	for _, h := range entry.Holds {
		v.Holds = append(v.Holds, viewHold(h))
	}
	v.DigestOK = true // an entry without Err: see find.List
	return v
}

func writeEntry(out io.Writer, v entryView) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	writeRecord(w, v)
	for _, h := range v.Holds {
		state := "active"
		switch {
		case h.Released != nil:
			state = "released " + output.Stamp(*h.Released)
		case v.PurgedAt != nil: // a purge of what is held is refused
			state = "without effect: the content was purged first"
		}
		writeRow(w, "Hold "+h.Case, output.Stamp(h.PlacedAt)+" by "+h.PlacedBy+", "+state)
	}
	fmt.Fprintln(w, "\nHistory:")
	for _, e := range v.Events {
		line := fmt.Sprintf("  %s\t%s\t%s", output.Stamp(e.At), escape.Text(e.Action), escape.Text(e.Actor))
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

func writeRow(w *tabwriter.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "%s:\t%s\n", escape.Text(name), escape.Text(value))
	}
}

// writeRecord writes what was recorded, and whether the content is there.
func writeRecord(w *tabwriter.Writer, v entryView) {
	row := func(name, value string) { writeRow(w, name, value) }
	row("Tombstone", v.Tombstone)
	row("Set", v.Set)
	row("Repository", v.Repo)
	row("Path", v.Path)
	row("Path (base64)", v.PathB64)
	row("Path in work tree", v.WorkTreePath)
	row("Type", v.Type)
	row("Commit", v.Commit)
	row("Work tree", v.WorkTreeState)
	row("Reason", v.Reason)
	row("Note", v.Note)
	row("Kind", v.Kind)
	row("Tags", strings.Join(v.Tags, ", "))
	for _, key := range slices.Sorted(maps.Keys(v.Metadata)) {
		row("Metadata "+key, v.Metadata[key])
	}
	archived := output.Stamp(v.ArchivedAt) + " by " + v.ArchivedBy
	if v.Host != "" {
		archived += " on " + v.Host
	}
	row("Archived", archived)
	row("Size", fmt.Sprintf("%s, %d stored (%s)", output.Count(v.Size, "byte"), v.CompressedSize, v.Codec))
	row("SHA-256", v.SHA256)
	row("Git blob", v.GitBlob)
	row("SWHID", v.SWHID)
	row("Record digest", "checked: the record is what was stored")
	row("Mode", v.Mode)
	if v.ModifiedAt != nil {
		row("Modified", output.Stamp(*v.ModifiedAt))
	}
	if v.RetainUntil != nil {
		row("Retain until", output.Stamp(*v.RetainUntil))
	}
	switch {
	case v.PurgedAt != nil:
		row("Content", "purged "+output.Stamp(*v.PurgedAt)+purgedBy(v.Events))
	case !*v.Present:
		row("Content", "MISSING: the archive has the record and not the bytes")
	default:
		row("Content", "present")
	}
}

// purgedBy says who purged a record, and who had asked for it.
func purgedBy(events []eventView) string {
	var asked []string
	for _, e := range events {
		switch sdk.Action(e.Action) {
		case sdk.ActionPruneRequest:
			if !slices.Contains(asked, e.Actor) {
				asked = append(asked, e.Actor)
			}
		case sdk.ActionPurge:
			return " by " + e.Actor + ", asked for by " + strings.Join(asked, " and ")
		}
	}
	return ""
}

func details(e eventView) string {
	var words []string
	if e.Host != "" {
		words = append(words, "on "+e.Host)
	}
	if e.Case != "" {
		words = append(words, "case "+e.Case)
	}
	if e.NoEffect {
		words = append(words, "without effect")
	}
	if e.RetainUntil != nil {
		words = append(words, "until "+output.Stamp(*e.RetainUntil))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		if !strings.HasSuffix(key, "_ms") { // metrics --from archive counts them
			words = append(words, key+" "+e.Detail[key])
		}
	}
	return strings.Join(words, ", ")
}
