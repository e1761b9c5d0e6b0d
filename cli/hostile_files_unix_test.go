//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/soak"
)

// hostileFiles are what the program opens below .codex, and the results of runs. A
// clone can bring anything under these names. The commands are those that open the
// file first.
var hostileFiles = []struct{ path, commands string }{
	{".codex/archive.sqlite", "health-check, store repo new.txt --reason dead, restore ID out --force"},
	{".codex/archive.sqlite-wal", "health-check, store repo new.txt --reason dead"},
	{".codex/archive.sqlite-shm", "health-check, store repo new.txt --reason dead"},
	{".codex/archive.sqlite-journal", "health-check, store repo new.txt --reason dead"},
	{".codex/archive.toml", "config-show, store repo new.txt --reason dead"},
	{".codex/plugins.lock", "list, store repo new.txt --reason dead"},
	{".codex/.gitignore", "init"},
	{".codex/archive.log", "list --set logging.file=.codex/archive.log"},
	{".codex/evidence", "store repo new.txt --reason dead, evidence verify, evidence rotate --key k"},
	{".codex/evidence/archive_ops.jsonl", "store repo new.txt --reason dead, evidence verify, metrics, evidence rotate --key k"},
	{".codex/evidence/archive_ops.lock", "store repo new.txt --reason dead, evidence rotate --key k"},
	{".codex/evidence/archive_ops.000001.jsonl", "store repo new.txt --reason dead, evidence verify, evidence rotate --key k"},
	{".codex/evidence/archive_ops.000001.checkpoint", "evidence verify, evidence rotate --key k"},
	{".codex/evidence/archive_ops.000002.jsonl", "evidence rotate --key k, evidence verify"},
	{".codex/evidence/archive_ops.000002.checkpoint", "evidence rotate --key k, evidence verify"},
	{".codex/evidence/pending", "store repo new.txt --reason dead, restore ID out --force"},
	{".codex/evidence/pending/00000000-0000-4000-8000-000000000000.json", "store repo new.txt --reason dead"},
	{"batch_restore_20990101_000000.json", "batch-restore m.csv --resume"},
	{"verify_20990101_000000.json", "verify --resume"},
	{"recrypt_20990101_000000.json", "recrypt --all --decrypt --resume"},
	{"plan", "purge --apply plan --by another"},
}

// sparse is the form of a file that takes no space and has no end.
const sparse = "10 GB of nothing"

// hostileForms are what can be there instead of a file of the program.
var hostileForms = []struct {
	name string
	make func(path, victim string) error
}{
	{"link to a file", func(path, victim string) error { return os.Symlink(filepath.Join(victim, "file"), path) }},
	{"link to a directory", func(path, victim string) error { return os.Symlink(victim, path) }},
	{"link to nothing", func(path, victim string) error { return os.Symlink(filepath.Join(victim, "new"), path) }},
	{"link to a device", func(path, _ string) error { return os.Symlink("/dev/zero", path) }},
	{"pipe", func(path, _ string) error { return syscall.Mkfifo(path, 0o600) }},
	{"hard link", func(path, victim string) error { return os.Link(filepath.Join(victim, "file"), path) }},
	{sparse, func(path, _ string) error {
		return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 10<<30))
	}},
	{"directory", func(path, _ string) error { return os.MkdirAll(filepath.Join(path, "sub"), 0o700) }},
}

// everyCommand is what make soak runs for each file.
const everyCommand = "config-show, list, health-check, store repo new.txt --reason dead, show ID, restore ID out --force, stats, metrics, verify ID, " +
	"hold ID --case x, prune-request ID, purge ID --by another --plan plan2, evidence verify, evidence verify --reconcile, evidence show, " +
	"evidence checkpoint --key k, evidence rotate --key k, batch-restore m.csv --resume, verify --resume, recrypt --all --decrypt --resume, repair ID --from ., " +
	"copy --to sqlite:///./copy.sqlite, init, trust --print"

// TestHostileFilesSoak has one file at a time be a link, a pipe, a device, huge, or
// another file's second name. Every command ends, and nothing outside changes. It
// takes some seconds: each of many files meets each form in turn.
func TestHostileFilesSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts hundreds of programs")
	}
	t.Parallel()
	origin := newProject(t)
	origin.write("a.txt", []byte("a"))
	origin.write("new.txt", []byte("new"))
	id := origin.store("a.txt")
	origin.must("archive", "evidence", "keygen", "--output", "k")
	origin.must("archive", "evidence", "rotate", "--key", "k")
	origin.write("m.csv", []byte("tombstone,output\n"+id+",out\n"))
	for i, file := range hostileFiles {
		t.Run(file.path, func(t *testing.T) {
			t.Parallel()
			for j, form := range hostileForms {
				switch {
				case os.Getenv(soak.Variable) != "":
					plantFile(t, origin, file.path, form.name, form.make).run(id, everyCommand)
				case (i+j)%3 == 0 || form.name == sparse:
					plantFile(t, origin, file.path, form.name, form.make).run(id, file.commands)
				}
			}
		})
	}
}

type plantedFile struct {
	*project
	file, form, victim string
}

// plantFile copies the project, with one file of another form.
func plantFile(t *testing.T, origin *project, file, form string, plant func(path, victim string) error) *plantedFile {
	t.Helper()
	p := *origin
	p.t, p.dir = t, t.TempDir()
	h := &plantedFile{project: &p, file: file, form: form, victim: t.TempDir()}
	if err := os.CopyFS(p.dir, os.DirFS(origin.dir)); err != nil {
		t.Fatal(err)
	}
	// A copy has other modes, and the key of others is refused.
	if err := errors.Join(os.Chmod(filepath.Join(p.dir, "k"), 0o600), os.WriteFile(filepath.Join(h.victim, "file"), []byte("precious"), 0o644)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.dir, file)
	if err := errors.Join(os.RemoveAll(path), plant(path, h.victim)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *plantedFile) run(id, commands string) {
	h.t.Helper()
	for line := range strings.SplitSeq(commands, ", ") {
		args := append([]string{"archive"}, strings.Fields(strings.ReplaceAll(line, "ID", id))...)
		ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Minute)
		codex := h.command(args...)
		cmd := exec.CommandContext(ctx, codex.Path, codex.Args[1:]...)
		cmd.Dir, cmd.Env = codex.Dir, codex.Env
		r := finish(h.t, cmd)
		cancel()
		if r.code < 0 || strings.Contains(r.stderr, "panic") {
			h.t.Errorf("%s, %s: %s: exit code %d\n%s", h.file, h.form, line, r.code, r.stderr)
		}
		// What is read whole is never huge.
		results := strings.HasPrefix(h.file, strings.ReplaceAll(strings.Fields(line)[0], "-", "_")+"_")
		if h.form == sparse && results && strings.HasSuffix(line, "--resume") && !strings.Contains(r.stderr, "has more than") {
			h.t.Errorf("%s, %s: %s: exit code %d\n%s", h.file, h.form, line, r.code, r.stderr)
		}
	}
	content, err := os.ReadFile(filepath.Join(h.victim, "file"))
	names, listErr := os.ReadDir(h.victim)
	if err != nil || listErr != nil || string(content) != "precious" || !slices.Equal(entryNames(names), []string{"file"}) {
		h.t.Errorf("%s, %s: outside there is %q: %.20q, %v", h.file, h.form, entryNames(names), content, errors.Join(err, listErr))
	}
}

func entryNames(entries []os.DirEntry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
