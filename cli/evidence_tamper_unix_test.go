//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// tampered is a project whose log or archive a test changes behind the program's
// back. Its log has seven lines: three of ARCHIVE, RESTORE, RESTORE_FAIL,
// CHECKPOINT of the five before, and RESTORE.
type tampered struct {
	*project
	backend, url string
	db           *sql.DB
	blob         string   // how SQL writes bytes, as a format
	lines        [][]byte // of the log, with their newlines
}

const tamperedLog = ".codex/evidence/archive_ops.jsonl"

// newTampered makes such a project. Without a database it is on SQLite.
func newTampered(t *testing.T, backend, blob string, database *databases.Database) *tampered {
	t.Helper()
	w := &tampered{project: newProject(t), backend: backend, url: "sqlite:///./.codex/archive.sqlite", blob: blob}
	if database != nil {
		w.url, w.db = database.URL(), database.Admin(t)
		w.env = append(w.env, "CODEX_ARCHIVE_URL="+w.url)
	}
	for _, name := range []string{"a", "b", "c"} {
		w.write(name, []byte(name))
	}
	w.must("archive", "evidence", "keygen")
	w.must("archive", "store", "repo", "a", "b", "c", "--reason", "dead")
	w.load()
	w.must("archive", "restore", w.field(string(w.lines[0]), "tombstone"), "out")
	if r := w.run("archive", "restore", "00000000-0000-4000-8000-000000000000", "none"); r.code != output.ExitNotFound {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
	w.must("archive", "evidence", "checkpoint", "--output", "signed")
	w.must("archive", "restore", w.field(string(w.lines[1]), "tombstone"), "out2")
	w.load()
	if len(w.lines) != 7 {
		t.Fatalf("%d lines", len(w.lines))
	}
	return w
}

// copyOf is another copy of a project on SQLite.
func (w *tampered) copyOf(t *testing.T) *tampered {
	t.Helper()
	c, p := *w, *w.project
	c.lines = slices.Clone(w.lines)
	p.t, p.dir = t, t.TempDir()
	c.project = &p
	if err := os.CopyFS(p.dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	c.db = p.db()
	return &c
}

func (w *tampered) load() {
	w.t.Helper()
	w.lines = slices.Collect(bytes.Lines(w.read(tamperedLog)))
}

// save writes lines as the log.
func (w *tampered) save(lines ...[]byte) {
	w.t.Helper()
	w.write(tamperedLog, bytes.Join(lines, nil))
}

// edited is line n, from 1, by another actor.
func (w *tampered) edited(n int) []byte {
	return bytes.Replace(w.lines[n-1], []byte(`"actor":"tester"`), []byte(`"actor":"mallory"`), 1)
}

// chained computes numbers and hashes anew.
func chained(lines ...[]byte) [][]byte {
	prev := strings.Repeat("0", 64)
	var all [][]byte
	for i, line := range lines {
		line = regexp.MustCompile(`"seq":\d+`).ReplaceAll(line, fmt.Appendf(nil, `"seq":%d`, i+1))
		line = regexp.MustCompile(`"prev":"[0-9a-f]*"`).ReplaceAll(line, fmt.Appendf(nil, `"prev":"%s"`, prev))
		prev = sha256Hex(bytes.TrimSuffix(line, []byte("\n")))
		all = append(all, line)
	}
	return all
}

// invented is a line about an event that never was.
func (w *tampered) invented(of int) []byte {
	return bytes.Replace(w.lines[of-1], []byte(w.id(of)), []byte(sdk.NewID().String()), 1)
}

// id is the event of line n, and tombstone its record.
func (w *tampered) id(n int) string        { return w.field(string(w.lines[n-1]), "id") }
func (w *tampered) tombstone(n int) string { return w.field(string(w.lines[n-1]), "tombstone") }

// bytesOf is a UUID as SQL writes it.
func (w *tampered) bytesOf(id string) string {
	parsed, err := sdk.ParseID(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf(w.blob, parsed[:])
}

// sql changes one row.
func (w *tampered) sql(format string, args ...any) {
	w.t.Helper()
	result, err := w.db.Exec(fmt.Sprintf(format, args...))
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		w.t.Fatalf("%s: %d rows, %v", fmt.Sprintf(format, args...), n, err)
	}
}

// digestWith is the digest of the record of line n with another mode.
func (w *tampered) digestWith(n int, mode uint32) string {
	w.t.Helper()
	ctx := context.Background()
	process, err := plugin.Launch(ctx, plugin.Command{Path: filepath.Join(programs, "plugins", "codex-archive-"+w.backend)})
	if err != nil {
		w.t.Fatal(err)
	}
	defer process.Close()
	backend, err := process.Open(ctx, sdk.Options{URL: w.url, Dir: w.dir, Mode: sdk.ReadOnly, Parallel: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	defer backend.Close()
	id, err := sdk.ParseID(w.tombstone(n))
	if err != nil {
		w.t.Fatal(err)
	}
	for entry, err := range backend.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{id}}) {
		if err != nil {
			w.t.Fatal(err)
		}
		entry.Record.Mode = mode
		digest := entry.Record.ComputeDigest()
		return fmt.Sprintf(w.blob, digest[:])
	}
	w.t.Fatal("no record")
	return ""
}

// tampering is one way to change a log or an archive, how it is found, and what
// is named: patterns of the output, in which LINE:n and ROW:n are the event and
// the tombstone of line n.
type tampering struct {
	name  string
	how   func(w *tampered)
	args  []string
	names []string
}

// ofTheLog are tamperings with the file alone.
func ofTheLog() []tampering {
	reconcile, checkpoint := []string{"--reconcile"}, []string{"--checkpoint", "signed"}
	return []tampering{
		{"a line edited", func(w *tampered) { w.lines[1] = w.edited(2); w.save(w.lines...) }, nil, []string{"line 3: prev is .*the line before it was changed"}},
		{"a line edited", func(w *tampered) { w.lines[1] = w.edited(2); w.save(w.lines...) }, reconcile, []string{`changed: line 2, row ROW:2, event LINE:2: actor is "mallory" in the log and "tester" in the archive`}},
		{"the last line edited", func(w *tampered) { w.lines[6] = w.edited(7); w.save(w.lines...) }, reconcile, []string{`changed: line 7, row ROW:7, event LINE:7: actor is "mallory" in the log`}},
		{"a line removed", func(w *tampered) { w.save(slices.Delete(slices.Clone(w.lines), 3, 4)...) }, nil, []string{"line 4: seq is 5, should be 4"}},
		{"a line inserted", func(w *tampered) { w.save(slices.Insert(slices.Clone(w.lines), 2, w.invented(2))...) }, nil, []string{"line 3: seq is 2, should be 3"}},
		{"lines exchanged", func(w *tampered) { w.lines[1], w.lines[2] = w.lines[2], w.lines[1]; w.save(w.lines...) }, nil, []string{"line 2: seq is 3, should be 2"}},
		{"a line duplicated", func(w *tampered) { w.save(slices.Insert(slices.Clone(w.lines), 2, w.lines[1])...) }, nil, []string{"line 3: seq is 2, should be 3"}},
		{"a line duplicated", func(w *tampered) { w.save(chained(append(w.lines, w.lines[1])...)...) }, reconcile, []string{"twice: line 8, event LINE:2: the event has a line already: line 2"}},
		{"the end cut off", func(w *tampered) { w.save(w.lines[:6]...) }, reconcile, []string{"no line: row ROW:7, event LINE:7: the archive has RESTORE by tester on "}},
		{"the end cut off", func(w *tampered) { w.save(w.lines[:4]...) }, checkpoint, []string{"has 4 lines, the checkpoint was signed with 5"}},
		{"an older copy put back", func(w *tampered) { w.save(w.lines[:3]...) }, reconcile, []string{"no line: row ROW:4, event LINE:4: ", "no line: row ROW:7, event LINE:7: "}},
		{"the chain computed anew", func(w *tampered) { w.lines[1] = w.edited(2); w.save(chained(w.lines...)...) }, reconcile, []string{`changed: line 2, row ROW:2, event LINE:2: actor is "mallory"`}},
		{"the chain computed anew", func(w *tampered) { w.lines[4] = w.edited(5); w.save(chained(w.lines...)...) }, checkpoint, []string{"what was signed is not its first 5 lines"}},
		{"the chain computed anew", func(w *tampered) { w.save(chained(slices.Delete(slices.Clone(w.lines), 3, 4)...)...) }, reconcile, []string{"no line: row ROW:4, event LINE:4: "}},
		{"the log deleted", func(w *tampered) { os.Remove(filepath.Join(w.dir, tamperedLog)) }, reconcile, []string{"no line: row ROW:1, event LINE:1: the archive has ARCHIVE", "no line: row ROW:7, event LINE:7: "}},
		{"the log deleted", func(w *tampered) { os.Remove(filepath.Join(w.dir, tamperedLog)) }, checkpoint, []string{"has 0 lines, the checkpoint was signed with 5"}},
	}
}

// ofTheArchive are tamperings that only a comparison with the archive finds.
func ofTheArchive() []tampering {
	reconcile := []string{"--reconcile"}
	return []tampering{
		{"an event in the log alone", func(w *tampered) { w.save(chained(append(w.lines, w.invented(7))...)...) }, reconcile, []string{"no row: line 8, row ROW:7, event [0-9a-f-]+: the archive has no event RESTORE by tester"}},
		{"an event in the archive alone", func(w *tampered) {
			w.sql(`INSERT INTO codex_event (id, item, action, actor, happened_at, case_name, retain_until, detail, host, no_effect)
				SELECT %s, item, action, actor, happened_at, case_name, retain_until, detail, host, no_effect FROM codex_event WHERE id = %s`, w.bytesOf(sdk.NewID().String()), w.bytesOf(w.id(4)))
		}, reconcile, []string{"no line: row ROW:4, event [0-9a-f-]+: the archive has RESTORE by tester on "}},
		{"an event row changed", func(w *tampered) {
			w.sql(`UPDATE codex_event SET happened_at = happened_at + 60000000 WHERE id = %s`, w.bytesOf(w.id(4)))
		}, reconcile, []string{"changed: line 4, row ROW:4, event LINE:4: the time is .* in the log and .* in the archive"}},
		{"an event row changed", func(w *tampered) {
			w.sql(`UPDATE codex_event SET host = 'elsewhere' WHERE id = %s`, w.bytesOf(w.id(4)))
		}, reconcile, []string{`changed: line 4, row ROW:4, event LINE:4: host is .* in the log and "elsewhere" in the archive`}},
		{"an event row changed", func(w *tampered) {
			w.sql(`UPDATE codex_event SET happened_at = happened_at + 1 WHERE id = %s`, w.bytesOf(w.id(4)))
		}, reconcile, []string{"changed: line 4, row ROW:4, event LINE:4: the time is .* in the log and .* in the archive"}},
		{"an event row removed", func(w *tampered) {
			w.sql(`DELETE FROM codex_event WHERE id = %s`, w.bytesOf(w.id(4)))
		}, reconcile, []string{"no row: line 4, row ROW:4, event LINE:4: the archive has no event RESTORE by tester"}},
		{"a record changed", func(w *tampered) {
			w.sql(`UPDATE codex_item SET file_mode = 384 WHERE tombstone = %s`, w.bytesOf(w.tombstone(2)))
		}, reconcile, []string{"unreadable: row ROW:2: .*digest"}},
		{"a record changed", func(w *tampered) {
			w.sql(`UPDATE codex_item SET file_mode = 384, digest = %s WHERE tombstone = %s`, w.digestWith(2, 0o600), w.bytesOf(w.tombstone(2)))
		}, reconcile, []string{"changed: line 2, row ROW:2, event LINE:2: record digest is "}},
		{"a record removed", func(w *tampered) {
			w.sql(`DELETE FROM codex_item WHERE tombstone = %s`, w.bytesOf(w.tombstone(3)))
		}, reconcile, []string{"no row: line 3, row ROW:3, event LINE:3: the archive has no event ARCHIVE by tester"}},
		{"the archive given another identity", func(w *tampered) {
			w.sql(`UPDATE codex_archive_meta SET archive = %s`, w.bytesOf(sdk.NewID().String()))
		}, reconcile, []string{`identity: line \d, event [0-9a-f-]+: the archive is [0-9a-f-]+ and has this event, the line is about the archive [0-9a-f-]+, and no COPY`}},
		{"the end cut off", func(w *tampered) { w.save(w.lines[:6]...) }, reconcile, []string{"no line: row ROW:7, event LINE:7: the archive has RESTORE by tester on "}},
		{"the log deleted", func(w *tampered) { os.Remove(filepath.Join(w.dir, tamperedLog)) }, reconcile, []string{"no line: row ROW:1, event LINE:1: ", "no line: row ROW:7, event LINE:7: "}},
	}
}

// run tampers and holds what evidence verify says, and how it ends, against what
// it must find.
func (c tampering) run(t *testing.T, w *tampered) {
	t.Helper()
	names := slices.Clone(c.names)
	for i := range names {
		names[i] = regexp.MustCompile(`(LINE|ROW):\d`).ReplaceAllStringFunc(names[i], func(word string) string {
			n := int(word[len(word)-1] - '0')
			if strings.HasPrefix(word, "ROW") {
				return w.tombstone(n)
			}
			return w.id(n)
		})
	}
	c.how(w)
	r := w.run(append([]string{"archive", "evidence", "verify"}, c.args...)...)
	if r.code != output.ExitIntegrity {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, name := range names {
		if !regexp.MustCompile(name).MatchString(r.stdout + r.stderr) {
			t.Errorf("does not name %q:\n%s%s", name, r.stdout, r.stderr)
		}
	}
}

// TestTampering changes log and archive in every way, on SQLite.
func TestTampering(t *testing.T) {
	t.Parallel()
	whole := newTampered(t, "sqlite", "x'%x'", nil)
	whole.untouched()
	for _, c := range append(ofTheLog(), ofTheArchive()...) {
		t.Run(strings.Join(append([]string{c.name}, c.args...), " "), func(t *testing.T) {
			t.Parallel()
			c.run(t, whole.copyOf(t))
		})
	}
	t.Run("the archive put back to an older copy", func(t *testing.T) {
		t.Parallel()
		w := whole.copyOf(t)
		w.sql(`DELETE FROM codex_event WHERE id = %s`, w.bytesOf(w.id(7)))
		w.sql(`DELETE FROM codex_event WHERE id = %s`, w.bytesOf(w.id(4)))
		tampering{how: func(*tampered) {}, args: []string{"--reconcile"}, names: []string{"no row: line 4, ", "no row: line 7, "}}.run(t, w)
	})
}

// TestTamperingPostgres and TestTamperingMariaDB change what --reconcile compares.
func TestTamperingPostgres(t *testing.T) {
	t.Parallel()
	tamperOnServer(t, databases.Postgres(t).Server(), "postgres", `'\x%x'::bytea`)
}

func TestTamperingMariaDB(t *testing.T) {
	t.Parallel()
	tamperOnServer(t, databases.MariaDB(t).Server(), "mariadb", "x'%x'")
}

func tamperOnServer(t *testing.T, server *databases.Server, backend, blob string) {
	for i, c := range ofTheArchive() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newTampered(t, backend, blob, server.Database(t))
			if i == 0 {
				w.untouched()
			}
			c.run(t, w)
		})
	}
}

// untouched holds that nothing is found where nothing was changed, also when
// checkpoint and archive are compared at once.
func (w *tampered) untouched() {
	w.t.Helper()
	out := w.must("archive", "evidence", "verify", "--reconcile", "--checkpoint", "signed")
	if !strings.Contains(out, "Checked: 5 events of the archive") || !strings.Contains(out, "has signed its first 5 lines") {
		w.t.Errorf("untouched:\n%s", out)
	}
}

// TestReconcileOfClones: two clones on one machine share an archive. Each has
// events that the other lacks, unless --also names its log; those of another host
// are counted.
func TestReconcileOfClones(t *testing.T) {
	t.Parallel()
	w := newTampered(t, "sqlite", "x'%x'", nil)
	clone := newProject(t)
	clone.env = append(clone.env, "CODEX_ARCHIVE_URL=sqlite:///"+filepath.Join(w.dir, ".codex/archive.sqlite"))
	clone.must("archive", "restore", w.tombstone(1), "out")
	line := clone.evidence()[0]
	if r := w.run("archive", "evidence", "verify", "--reconcile"); r.code != output.ExitIntegrity || !strings.Contains(r.stdout, fmt.Sprint(line["id"])) {
		t.Errorf("exit code %d: %s%s", r.code, r.stdout, r.stderr)
	}
	also := filepath.Join(clone.dir, ".codex/evidence")
	if out := w.must("archive", "evidence", "verify", "--reconcile", "--also", also); !strings.Contains(out, "Checked: 6 events") {
		t.Error(out)
	}
	w.db = w.project.db()
	w.sql(`UPDATE codex_event SET host = 'elsewhere' WHERE id = %s`, w.bytesOf(fmt.Sprint(line["id"])))
	var view struct {
		Reconcile struct {
			Others map[string]int `json:"events_of_other_hosts"`
		}
	}
	if err := json.Unmarshal([]byte(w.must("archive", "evidence", "verify", "--reconcile", "--json")), &view); err != nil || view.Reconcile.Others["elsewhere"] != 1 {
		t.Errorf("%+v, %v", view, err)
	}
	if r := w.run("archive", "evidence", "verify", "--reconcile", "--host", "elsewhere"); r.code != output.ExitIntegrity {
		t.Errorf("exit code %d: %s", r.code, r.stdout)
	}
}

// TestTamperingIsDocumented: docs/security.md has a line for each tampering and
// what finds it, and a test runs each line: one of this file, or one that has the
// words of the line.
func TestTamperingIsDocumented(t *testing.T) {
	t.Parallel()
	run := map[string]bool{"the archive put back to an older copy | `--reconcile`": true}
	for _, c := range append(ofTheLog(), ofTheArchive()...) {
		by := "`verify`"
		if len(c.args) > 0 {
			by = "`" + c.args[0] + "`"
		}
		run[c.name+" | "+by] = true
	}
	elsewhere := map[string]string{
		"a hold removed": "verify_structure", "a retention made shorter": "verify_structure", "a purge feigned": "verify_structure", "the request of a purge removed": "verify_structure",
		"a record removed, and its events": "verify_structure", "the row of a content removed": "verify_structure",
		"a hold hidden": "custody_tampered", "tags by which records are found": "custody_tampered", "a codec": "custody_tampered",
		"a part of the log removed": "evidence_signed", "a receipt changed": "evidence_signed", "a certificate changed": "evidence_signed",
		"the log emptied": "evidence_signed", "a checkpoint of a closed part changed": "evidence_signed",
	}
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| changed | how | found by | what is named |\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	changed := ""
	documented := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			t.Fatalf("not a line of the table: %q", line)
		}
		if name := strings.TrimSpace(cells[1]); name != "" {
			changed = name
		}
		if script := elsewhere[changed]; script != "" {
			text, err := os.ReadFile("testdata/script/" + script + ".txtar")
			if err != nil || !strings.Contains(string(text), changed) {
				t.Errorf("%s does not say that it tests %q, %v", script, changed, err)
			}
			continue
		}
		documented[changed+" | "+strings.TrimSpace(cells[3])] = true
	}
	for line := range run {
		if !documented[line] {
			t.Errorf("not in the table: %s", line)
		}
	}
	for line := range documented {
		if !run[line] {
			t.Errorf("not run by a test: %s", line)
		}
	}
}
