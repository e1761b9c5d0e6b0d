package main

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/sdk"
)

// tableRows is how many rows are laid out together: it bounds memory.
const tableRows = 1000

// Widths of a terminal, in columns.
const (
	wideTable   = 140 // whole tombstones
	mediumTable = 100 // time, repository and size
	narrowTable = 70  // who and why; below only tombstone, day and path
	slimTable   = 40  // day
)

// column is one column of a list.
type column struct {
	title string
	most  int // columns of the terminal; 0: no limit
	text  func(*sdk.Entry) string
}

// table lays out a list so that a row fits on a line of the terminal. The last
// column takes what is left, and is cut at its beginning.
type table struct {
	width   int // 0: no terminal, and no limit
	columns []column
	rows    [][]string
	begun   bool
}

func newTable(width int, short bool) *table {
	id := column{"TOMBSTONE", 0, func(e *sdk.Entry) string { return e.Record.Tombstone.String() }}
	if short || width > 0 && width < wideTable {
		id.text = func(e *sdk.Entry) string { return e.Record.Tombstone.String()[:sdk.MinPrefix] }
	}
	at := column{"ARCHIVED AT", 0, func(e *sdk.Entry) string { return e.Record.ArchivedAt.UTC().Format("2006-01-02 15:04:05Z") }}
	day := column{"DAY (UTC)", 0, func(e *sdk.Entry) string { return e.Record.ArchivedAt.UTC().Format("2006-01-02") }}
	text := func(title string, most int, of func(*sdk.Record) string) column {
		if width == 0 {
			most = 0
		}
		return column{title, most, func(e *sdk.Entry) string { return escape.Text(of(&e.Record)) }}
	}
	by := text("BY", 12, func(r *sdk.Record) string { return r.ArchivedBy })
	reason := text("REASON", 8, func(r *sdk.Record) string { return r.Reason })
	repo := text("REPO", 16, func(r *sdk.Record) string { return r.Repo })
	path := text("PATH", 0, func(r *sdk.Record) string { return r.Path })
	size := column{"SIZE", 0, sizeText}
	t := &table{width: width}
	switch {
	case width == 0 || width >= mediumTable:
		t.columns = []column{id, at, by, reason, size, repo, path}
	case width >= narrowTable:
		t.columns = []column{id, day, by, reason, path}
	case width >= slimTable:
		t.columns = []column{id, day, path}
	default:
		t.columns = []column{id, path}
	}
	return t
}

// sizeText is the size of a file that can be restored, and what keeps it from
// being purged.
func sizeText(e *sdk.Entry) string {
	size := strconv.FormatInt(e.Record.Content.Size, 10)
	switch {
	case !e.Record.PurgedAt.IsZero():
		return "purged"
	case !e.Present:
		return "missing"
	case isHeld(e):
		return size + " held"
	case e.Record.RetainUntil.After(time.Now()):
		return size + " retained"
	}
	return size
}

// add adds a row. One that cannot be read has its tombstone and why.
func (t *table) add(e sdk.Entry) {
	if e.Err != nil {
		t.rows = append(t.rows, []string{e.Record.Tombstone.String(), escape.Text("unreadable: " + e.Err.Error())})
		return
	}
	row := make([]string, len(t.columns))
	for i, c := range t.columns {
		row[i] = cutEnd(c.text(&e), c.most)
	}
	t.rows = append(t.rows, row)
}

// flush writes the rows, the first time below a line of titles.
func (t *table) flush(out io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	rows := t.rows
	t.rows = nil
	if !t.begun {
		t.begun = true
		titles := make([]string, len(t.columns))
		for i, c := range t.columns {
			titles[i] = c.title
		}
		rows = append([][]string{titles}, rows...)
	}
	widths := make([]int, len(t.columns))
	for _, row := range rows {
		for i, cell := range row {
			if len(row) == len(widths) && i < len(row)-1 {
				widths[i] = max(widths[i], uniseg.StringWidth(cell))
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		t.line(&b, row, widths)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// line writes one row.
func (t *table) line(b *strings.Builder, row []string, widths []int) {
	used := 0
	for i, cell := range row[:len(row)-1] {
		b.WriteString(cell)
		gap := max(widths[i]-uniseg.StringWidth(cell), 0) + 2
		b.WriteString(strings.Repeat(" ", gap))
		used += uniseg.StringWidth(cell) + gap
	}
	last := row[len(row)-1]
	if t.width > 0 && len(row) == len(widths) {
		last = cutBegin(last, max(t.width-used, 8))
	}
	b.WriteString(last + "\n")
}

// cutEnd cuts s to so many columns, 0 for any.
func cutEnd(s string, most int) string {
	if most == 0 || uniseg.StringWidth(s) <= most {
		return s
	}
	for r := []rune(s); ; r = r[:len(r)-1] {
		if cut := string(r) + "…"; uniseg.StringWidth(cut) <= most {
			return cut
		}
	}
}

// cutBegin cuts s to so many columns: the end of a path tells more.
func cutBegin(s string, most int) string {
	if uniseg.StringWidth(s) <= most {
		return s
	}
	for r := []rune(s); ; r = r[1:] {
		if cut := "…" + string(r); uniseg.StringWidth(cut) <= most {
			return cut
		}
	}
}
