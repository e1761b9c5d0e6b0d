package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func statsCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "stats",
		Usage:     "count what is in the archive, and how much room it takes",
		UsageText: "codex archive stats [flags]",
		Description: "Reads every record once. Sizes are of live records. The stored size is that of the\n" +
			"bodies; a database takes more for its rows and indices. Groups are in the order of\n" +
			"their sizes; the table shows the largest 20 of each kind, --json all.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive stats\n" +
			"   codex archive stats --json | jq .saved_by_deduplication_bytes",
	}, app.NoArguments(runStats))
}

// statsView is the result of stats.
type statsView struct {
	Live         int64       `json:"live_records"`
	Purged       int64       `json:"purged_records"`
	Held         int64       `json:"held_records"`     // a hold of theirs is active
	Retained     int64       `json:"retained_records"` // their retention lasts
	Missing      int64       `json:"records_without_content"`
	Unreadable   int         `json:"unreadable_records"`
	Content      int64       `json:"content"`
	Size         int64       `json:"size_bytes"`
	Stored       int64       `json:"stored_bytes"`
	Deduplicated int64       `json:"saved_by_deduplication_bytes"`
	Compressed   int64       `json:"saved_by_compression_bytes"`
	Repositories []groupView `json:"repositories"`
	Reasons      []groupView `json:"reasons"`
	Actors       []groupView `json:"actors"`
}

// groupView is what records with one name have in common.
type groupView struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
	Size    int64  `json:"size_bytes"`
}

func runStats(ctx context.Context, c *app.Command) error {
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	if err != nil {
		return err
	}
	l := &listing{command: c}
	t := tally{now: time.Now(), contents: map[uint64]struct{}{}, repos: groups{}, reasons: groups{}, actors: groups{}}
	all := selection{query: sdk.Query{WithHolds: true}}
	for entry, err := range all.list(ctx, archive.Read, nil) {
		if err != nil {
			return err
		}
		l.shown++
		if entry.Err != nil {
			l.unreadable = append(l.unreadable, entry.Record.Tombstone)
			continue
		}
		t.add(&entry)
	}
	view := t.view()
	view.Unreadable = len(l.unreadable)
	if c.JSON {
		err = output.WriteJSON(c.Env.Stdout, view)
	} else {
		err = writeStats(c.Env.Stdout, view)
	}
	if err == nil && len(l.unreadable) > 0 {
		err = output.Shown{Err: l.unreadableError()}
	}
	return err
}

// tally adds up records. It takes about 20 bytes for each content: the first 64
// bits of its SHA-256 tell 5 million of them apart with a probability of one in a
// million that any two are taken for one.
type tally struct {
	now                    time.Time
	sums                   statsView
	contents               map[uint64]struct{}
	unique                 int64 // plain bytes of contents
	repos, reasons, actors groups
}

// groups are sums by name.
type groups map[string]*groupView

func (g groups) add(name string, size int64) {
	if g[name] == nil {
		g[name] = &groupView{Name: name}
	}
	g[name].Records++
	g[name].Size += size
}

// largest returns the groups, the largest first.
func (g groups) largest() []groupView {
	all := make([]groupView, 0, len(g))
	for _, v := range g {
		all = append(all, *v)
	}
	slices.SortFunc(all, func(a, b groupView) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(b.Records, a.Records), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func (t *tally) add(e *sdk.Entry) {
	r := &e.Record
	if !r.PurgedAt.IsZero() {
		t.sums.Purged++
		return
	}
	t.sums.Live++
	if isHeld(e) {
		t.sums.Held++
	}
	if r.RetainUntil.After(t.now) {
		t.sums.Retained++
	}
	t.sums.Size += r.Content.Size
	if !e.Present {
		t.sums.Missing++
	}
	if key := binary.BigEndian.Uint64(r.Content.SHA256[:]); !has(t.contents, key) {
		t.contents[key] = struct{}{}
		t.unique += r.Content.Size
		t.sums.Stored += r.Content.StoredSize
	}
	t.repos.add(r.Repo, r.Content.Size)
	t.reasons.add(r.Reason, r.Content.Size)
	t.actors.add(r.ArchivedBy, r.Content.Size)
}

func has(set map[uint64]struct{}, key uint64) bool {
	_, ok := set[key]
	return ok
}

func (t *tally) view() statsView {
	v := t.sums
	v.Content = int64(len(t.contents))
	v.Deduplicated, v.Compressed = t.sums.Size-t.unique, t.unique-t.sums.Stored
	v.Repositories, v.Reasons, v.Actors = t.repos.largest(), t.reasons.largest(), t.actors.largest()
	return v
}

func writeStats(out io.Writer, v statsView) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Records:\t%d live, %d purged\n", v.Live, v.Purged)
	if v.Held+v.Retained > 0 {
		fmt.Fprintf(w, "Kept:\t%d held, %d retained\n", v.Held, v.Retained)
	}
	if v.Missing > 0 {
		fmt.Fprintf(w, "Without Content:\t%d\n", v.Missing)
	}
	if v.Unreadable > 0 {
		fmt.Fprintf(w, "Unreadable:\t%d\n", v.Unreadable)
	}
	fmt.Fprintf(w, "Content:\t%d\n", v.Content)
	for _, row := range []struct {
		name string
		n    int64
	}{{"Size", v.Size}, {"Stored Size", v.Stored}, {"Saved by Deduplication", v.Deduplicated}, {"Saved by Compression", v.Compressed}} {
		fmt.Fprintf(w, "%s:\t%s\n", row.name, bytesText(row.n))
	}
	writeGroups(w, "REPOSITORY", v.Repositories, output.Width(out))
	writeGroups(w, "REASON", v.Reasons, output.Width(out))
	writeGroups(w, "ACTOR", v.Actors, output.Width(out))
	return w.Flush()
}

// shownGroups is how many groups of a kind the table shows.
const shownGroups = 20

// writeGroups cuts names to the width of a terminal, 0 for any.
func writeGroups(w *tabwriter.Writer, title string, all []groupView, width int) {
	if len(all) == 0 {
		return
	}
	most := 0
	if width > 0 {
		most = max(width-len("  RECORDS  1234567890123 bytes (123.4 GiB)"), len(title))
	}
	fmt.Fprintf(w, "\n%s\tRECORDS\tSIZE\n", title)
	for _, g := range all[:min(len(all), shownGroups)] {
		fmt.Fprintf(w, "%s\t%d\t%s\n", cutEnd(escape.Text(g.Name), most), g.Records, bytesText(g.Size))
	}
	if more := len(all) - shownGroups; more > 0 {
		fmt.Fprintf(w, "… %d more: --json shows all\n", more)
	}
}

// bytesText is a number of bytes, also in a unit that people compare.
func bytesText(n int64) string {
	if n < 1024 && n > -1024 {
		return output.Count(n, "byte")
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		value /= 1024
		if value < 1024 && value > -1024 {
			break
		}
	}
	return fmt.Sprintf("%s (%.1f %s)", output.Count(n, "byte"), value, unit)
}
