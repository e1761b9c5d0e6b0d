//go:build unix

package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/databases"
)

// TestContentRowDeleted: a record whose content row was deleted is named. The
// statements of docs/operations.md, with the hash that the evidence has, make a row
// that repair can give its content.
func TestContentRowDeleted(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(t *testing.T) *tampered{
		"sqlite": func(t *testing.T) *tampered {
			w := newTampered(t, "sqlite", "x'%x'", nil)
			w.db = w.project.db()
			return w
		},
		"postgres": func(t *testing.T) *tampered {
			return newTampered(t, "postgres", `'\x%x'::bytea`, databases.Postgres(t))
		},
		"mariadb": func(t *testing.T) *tampered {
			return newTampered(t, "mariadb", "x'%x'", databases.MariaDB(t))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of(t).contentRowDeleted()
		})
	}
}

func (w *tampered) contentRowDeleted() {
	w.t.Helper()
	id := w.tombstone(1)
	w.sql("DELETE FROM codex_artifact WHERE id = (SELECT artifact FROM codex_item WHERE tombstone = %s)", w.bytesOf(id))
	r := w.run("archive", "verify", "--structure")
	if r.code != output.ExitIntegrity || !strings.Contains(r.stdout, "records without the row of their content: 1 ("+id+")") {
		w.t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if r := w.run("archive", "repair", id, "--from", "."); r.code != output.ExitIntegrity || !strings.Contains(r.stdout+r.stderr, id) {
		w.t.Errorf("repair ends with %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, statement := range w.contentRow(id) {
		if _, err := w.db.Exec(statement); err != nil {
			w.t.Fatalf("%s: %v", statement, err)
		}
	}
	w.must("archive", "repair", id, "--from", ".")
	w.must("archive", "verify", "--structure")
	w.must("archive", "verify", "--results", "r.json")
	if got := w.must("archive", "restore", id, "-"); got != string(w.read("a")) && got != string(w.read("b")) && got != string(w.read("c")) {
		w.t.Errorf("restored %q", got)
	}
}

// contentRow returns the statements of docs/operations.md, after it has run the
// first, which asks for the number.
func (w *tampered) contentRow(id string) []string {
	w.t.Helper()
	var number int64
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		w.t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "-- a content row\n")
	block, _, _ = strings.Cut(block, "```")
	if !found {
		w.t.Fatal("operations.md shows no statements")
	}
	var line struct {
		SHA256 string
		Size   json.Number
	}
	if err := json.Unmarshal(w.lines[0], &line); err != nil {
		w.t.Fatal(err)
	}
	if w.backend == "postgres" {
		block = regexp.MustCompile(`x'(\w+)'`).ReplaceAllString(block, `'\x$1'::bytea`)
	}
	block = strings.NewReplacer("TOMBSTONE", strings.ReplaceAll(id, "-", ""), "HASH", line.SHA256, "SIZE", line.Size.String()).Replace(block)
	all := strings.Split(strings.TrimSpace(block), "\n")
	if err := w.db.QueryRow(all[0]).Scan(&number); err != nil {
		w.t.Fatal(err)
	}
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "NUMBER", strconv.FormatInt(number, 10))
	}
	return all[1:]
}
