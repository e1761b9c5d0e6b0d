//go:build unix

// Package rescue_test stores with the programs and restores without them.
package rescue_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/programs"
)

// tools are what the script says that it needs, and what POSIX has.
var tools = []string{"sh", "awk", "sha256sum", "zstd", "age", "mktemp", "base64", "cat", "chmod", "cut", "grep", "ln", "mkdir", "mv",
	"readlink", "rm", "touch", "tr", "wc"}

// archive is an archive on one database, and what the script needs to read it.
type archive struct {
	t       *testing.T
	url     string
	client  string   // the program of the database
	args    []string // of the script, before the directory
	env     []string // of the script
	execute func(statement string)
	blob    string // a format for bytes in hexadecimal digits

	dir    string // where files are stored from
	codex  string
	script string
}

func newArchive(t *testing.T, client string) *archive {
	t.Helper()
	a := &archive{t: t, client: client, dir: t.TempDir(), blob: "x'%x'"}
	for _, tool := range append([]string{client}, tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	bin := programs.For(t)
	a.codex = filepath.Join(bin, "codex")
	var err error
	if a.script, err = filepath.Abs("rescue.sh"); err != nil {
		t.Fatal(err)
	}
	return a
}

func sqliteArchive(t *testing.T) *archive {
	a := newArchive(t, "sqlite3")
	file := filepath.Join(t.TempDir(), "an 'archive'.sqlite")
	a.url, a.args = "sqlite:///"+file, []string{"sqlite", file}
	a.execute = func(statement string) {
		t.Helper()
		if out, err := exec.Command("sqlite3", file, statement).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", statement, err, out)
		}
	}
	return a
}

func serverArchive(t *testing.T, client string, d *databases.Database) *archive {
	a := newArchive(t, client)
	a.url = d.URL()
	db := d.Admin(t)
	a.execute = func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return a
}

func postgresArchive(t *testing.T) *archive {
	d := databases.Postgres(t)
	a := serverArchive(t, "psql", d)
	host, port, _ := strings.Cut(d.Server().Address(), ":")
	a.args, a.blob = []string{"postgres", d.Name}, `'\x%x'::bytea`
	a.env = []string{"PGHOST=" + host, "PGPORT=" + port, "PGUSER=" + d.User, "PGPASSWORD=" + d.Password}
	return a
}

func mariadbArchive(t *testing.T) *archive {
	d := databases.MariaDB(t)
	a := serverArchive(t, "mariadb", d)
	host, port, _ := strings.Cut(d.Server().Address(), ":")
	file := filepath.Join(t.TempDir(), "login file.cnf")
	login := fmt.Sprintf("[client]\nhost=%s\nport=%s\nuser=%s\npassword=\"%s\"\n", host, port, d.User, d.Password)
	if err := os.WriteFile(file, []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	a.args = []string{"--defaults-extra-file=" + file, "mariadb", d.Name}
	return a
}

func onEach(t *testing.T, test func(t *testing.T, a *archive)) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) *archive{"sqlite": sqliteArchive, "postgres": postgresArchive, "mariadb": mariadbArchive} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, make(t))
		})
	}
}

// run runs codex in a directory below that of the files, and returns its output.
func (a *archive) run(below string, args ...string) []byte {
	a.t.Helper()
	cmd := exec.Command(a.codex, append([]string{"archive"}, args...)...)
	cmd.Dir = filepath.Join(a.dir, below)
	cmd.Env = []string{"HOME=" + a.dir, "PATH=" + os.Getenv("PATH"), "CODEX_ARCHIVE_URL=" + a.url, "CODEX_ARCHIVE_LOG_LEVEL=error"}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		a.t.Fatalf("%s: %v\n%s%s", cmd, err, out, exit.Stderr)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// record is what store says of a file.
type record struct{ Tombstone, SHA256 string }

// store stores one file.
func (a *archive) store(below, repo, path string, flags ...string) (r record) {
	a.t.Helper()
	out := a.run(below, append([]string{"store", repo, path, "--by", "me", "--reason", "dead"}, flags...)...)
	if err := json.Unmarshal(out, &r); err != nil {
		a.t.Fatalf("%v: %s", err, out)
	}
	return r
}

// write makes a file with a mode and a time.
func (a *archive) write(path string, content []byte, mode fs.FileMode, at time.Time) {
	a.t.Helper()
	full := filepath.Join(a.dir, path)
	err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.RemoveAll(full), os.WriteFile(full, content, 0o600), os.Chmod(full, mode), os.Chtimes(full, at, at))
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) link(target, path string) {
	a.t.Helper()
	if err := os.Symlink(target, filepath.Join(a.dir, path)); err != nil {
		a.t.Fatal(err)
	}
}

// rescue runs the script where only its tools are on PATH, and returns its exit
// code, what it says, and the place of each tombstone.
func (a *archive) rescue(out string, args ...string) (code int, stderr string, places map[string]string) {
	a.t.Helper()
	path := a.t.TempDir()
	for _, tool := range append([]string{a.client}, tools...) {
		program, err := exec.LookPath(tool)
		if mawk, failed := exec.LookPath("mawk"); tool == "awk" && a.client == "psql" && failed == nil {
			program = mawk // the awk of Debian; others have gawk
		}
		if err == nil {
			err = os.Symlink(program, filepath.Join(path, tool))
		}
		if err != nil {
			a.t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(path, "sh"), slices.Concat([]string{a.script}, args, a.args, []string{out})...)
	cmd.Env = append([]string{"HOME=" + path, "PATH=" + path}, a.env...)
	var stdout, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &said
	if err := cmd.Run(); cmd.ProcessState == nil {
		a.t.Fatal(err)
	}
	places = map[string]string{}
	for line := range strings.Lines(stdout.String()) {
		tombstone, place, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		places[tombstone] = place
	}
	return cmd.ProcessState.ExitCode(), said.String(), places
}

// describe says what a file is.
func describe(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return fmt.Sprintf("link to %q %v", target, err)
	}
	content, err := os.ReadFile(path)
	return fmt.Sprintf("%v %v %d bytes %x %v", info.Mode(), info.ModTime().UTC().Truncate(time.Microsecond), len(content), sha256.Sum256(content), err)
}

// expect compares what is below out with files below a.dir, both by paths.
func (a *archive) expect(out string, want map[string]string) {
	t := a.t
	t.Helper()
	for place, source := range want {
		if got, want := describe(t, filepath.Join(out, place)), describe(t, filepath.Join(a.dir, source)); got != want {
			t.Errorf("%q is\n%s, it was\n%s", place, got, want)
		}
	}
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		place, _ := filepath.Rel(out, path)
		if _, ok := want[place]; !ok && err == nil && !d.IsDir() {
			t.Errorf("%q was not to be restored", place)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func noise(size int) []byte {
	content := make([]byte, size)
	seed := [32]byte{byte(size), byte(size >> 8)}
	_, _ = rand.NewChaCha8(seed).Read(content) // never fails
	return content
}

// storeTree stores a tree of files that are difficult, and returns them by place.
func (a *archive) storeTree() (want map[string]string) {
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	words := bytes.Repeat([]byte("all work and no play "), 10)
	large := slices.Concat(noise(3<<20), bytes.Repeat(words, 10000))
	for name, content := range map[string][]byte{
		"plain": words, "empty": nil, "with\nnewline\n": []byte("\n"), "caf\xe9": {0}, " spaces  here ": words, "-n": []byte("-"), "-/-": words,
		`quo"te's $(x) \101 %s *`: words[:30], "tab\there": noise(100), "a/b/c/d": words[:7], "small": noise(65536), "edge": noise(65537),
		"three": noise(3 * 262144), "four": noise(3*262144 + 1), "incompressible": noise(5<<20 + 17), "large": large,
	} {
		a.write("tree/"+name, content, 0o640, at)
	}
	a.write("tree/program", words, 0o755, time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC))
	a.write("tree/read only", words, 0o400, time.Date(2038, 1, 20, 0, 0, 0, 1000, time.UTC))
	a.link("plain", "tree/link")
	a.link("../../../etc", "tree/out")
	a.link("to\nnowhere\n", "tree/dangling\n")
	a.link("a", "tree/-f")
	a.run("", "store", "repo", "tree", "--by", "me", "--reason", "dead")
	want = map[string]string{}
	err := filepath.WalkDir(filepath.Join(a.dir, "tree"), func(path string, d fs.DirEntry, err error) error {
		place, _ := filepath.Rel(a.dir, path)
		if err == nil && !d.IsDir() {
			want[place] = place
		}
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return want
}

// TestRescue restores a tree, the newest version of each path and what leads out
// of the directory, and nothing that was purged. A second run finds all in place.
func TestRescue(t *testing.T) {
	onEach(t, func(t *testing.T, a *archive) {
		want := a.storeTree()
		for name, content := range map[string]string{"version 1": "1", "version 2": "2", "other": "other", "gone": "gone", "up": "up", "root": "root"} {
			a.write(name, []byte(content), 0o644, time.Date(2020, 1, 2, 3, 4, 5, 6000, time.UTC))
		}
		first := a.store("", "repo", "version 1", "--path", "dir/versions")
		a.store("", "repo", "version 2", "--path", "dir/versions")
		a.store("", "repo", "up", "--path", "../../up")
		a.store("", "repo", "root", "--path", "/srv/root")
		other := a.store("", "elsewhere", "other", "--path", "dir")
		purged := a.store("", "repo", "gone")
		a.run("", "prune-request", purged.Tombstone, "--by", "one")
		a.run("", "purge", purged.Tombstone, "--by", "two")
		// dir is the newer record, so it has its place, and the versions have not.
		want["dir"], want["_outside/up"], want["_outside/srv/root"] = "other", "up", "root"

		out := filepath.Join(t.TempDir(), "-a 'new' directory")
		code, said, places := a.rescue(out)
		var versions string
		for tombstone, place := range places {
			if strings.HasSuffix(place, "/versions") {
				versions = place
				want[place] = "version 2"
				if place != "_outside/"+tombstone+"/versions" {
					t.Errorf("%s is at %q", tombstone, place)
				}
			}
		}
		if code != 0 || len(places) != len(want) || versions == "" || places[other.Tombstone] != "dir" {
			t.Fatalf("exit code %d, %d of %d records\n%s", code, len(places), len(want), said)
		}
		a.expect(out, want)
		if code, said, again := a.rescue(out); code != 0 || len(again) != len(want) {
			t.Errorf("again: exit code %d, %d of %d records\n%s", code, len(again), len(want), said)
		}
		a.expect(out, want)

		want["_outside/"+first.Tombstone+"/versions"] = "version 1"
		every := t.TempDir()
		if code, said, places := a.rescue(every, "--all"); code != 0 || len(places) != len(want) {
			t.Errorf("--all: exit code %d, %d of %d records\n%s", code, len(places), len(want), said)
		}
		a.expect(every, want)
	})
}

// TestRescueWorkTree restores files of a git work tree at their paths in it.
func TestRescueWorkTree(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("needs git: %v", err)
	}
	a := sqliteArchive(t)
	now := time.Now()
	a.write("sub/one", []byte("1"), 0o644, now)
	a.write("sub/two", []byte("2"), 0o644, now)
	if out, err := exec.Command("git", "init", "-q", a.dir).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	a.store("sub", "repo", "one")
	a.store("sub", "repo", "two")
	out := t.TempDir()
	if code, said, _ := a.rescue(out); code != 0 {
		t.Errorf("exit code %d\n%s", code, said)
	}
	a.expect(out, map[string]string{"sub/one": "sub/one", "sub/two": "sub/two"})
}

// TestRescueDamaged names each record that cannot be restored, and restores the
// others.
func TestRescueDamaged(t *testing.T) {
	onEach(t, func(t *testing.T, a *archive) {
		now := time.Now()
		content := map[string][]byte{
			"whole": []byte("whole"), "whole large": noise(1 << 20), "changed": noise(1000), "lost": noise(1001), "torn": noise(2 << 20),
			"short": noise(1<<20 + 5), "compressed": bytes.Repeat([]byte("words "), 1000), "unknown": noise(1002), "untied": noise(1003),
		}
		stored, wrong := map[string]record{}, map[string]bool{}
		for name, content := range content {
			a.write(name, content, 0o644, now)
			stored[name] = a.store("", "repo", name)
			wrong[name] = !strings.HasPrefix(name, "whole")
		}
		artifact := func(name string) string {
			sum := sha256.Sum256(content[name])
			return fmt.Sprintf("(SELECT id FROM codex_artifact WHERE sha256 = "+a.blob+")", sum[:])
		}
		upload := func(name string) string {
			return "(SELECT id FROM codex_upload WHERE artifact = " + artifact(name) + ")"
		}
		a.execute(fmt.Sprintf("UPDATE codex_body SET data = "+a.blob+" WHERE artifact = "+artifact("changed"), noise(999)))
		a.execute(fmt.Sprintf("UPDATE codex_body SET data = "+a.blob+" WHERE artifact = "+artifact("compressed"), "not compressed"))
		a.execute("DELETE FROM codex_body WHERE artifact = " + artifact("lost"))
		a.execute(fmt.Sprintf("UPDATE codex_artifact_chunk SET data = "+a.blob+" WHERE seq = 1 AND upload = "+upload("torn"), noise(1004)))
		a.execute("DELETE FROM codex_artifact_chunk WHERE seq = 4 AND upload = " + upload("short"))
		sum := sha256.Sum256(content["unknown"])
		a.execute(fmt.Sprintf("UPDATE codex_artifact SET codec = 'lzma' WHERE sha256 = "+a.blob, sum[:]))
		raw, err := hex.DecodeString(strings.ReplaceAll(stored["untied"].Tombstone, "-", ""))
		if err != nil {
			t.Fatal(err)
		}
		a.execute(fmt.Sprintf("UPDATE codex_item SET artifact = 0 WHERE tombstone = "+a.blob, raw))

		out := t.TempDir()
		code, said, places := a.rescue(out)
		want := map[string]string{}
		for name, r := range stored {
			if wrong[name] != strings.Contains(said, "rescue: "+r.Tombstone+" "+name+": ") {
				t.Errorf("%s is %s: named %v", r.Tombstone, name, !wrong[name])
			}
			if !wrong[name] {
				want[name] = name
			}
		}
		if code != 1 || len(places) != len(want) || !strings.Contains(said, "rescue: 2 restored, 7 failed\n") {
			t.Errorf("exit code %d\n%s", code, said)
		}
		a.expect(out, want)
	})
}

// TestRescueDamagedFile restores everything but what was on a damaged page of a
// SQLite file.
func TestRescueDamagedFile(t *testing.T) {
	a := sqliteArchive(t)
	for i := range 50 {
		a.write(fmt.Sprintf("tree/%d", i), noise(20000+i), 0o644, time.Now())
	}
	a.run("", "store", "repo", "tree", "--by", "me", "--reason", "dead")
	a.execute("PRAGMA wal_checkpoint(TRUNCATE)")
	file, err := os.OpenFile(a.args[1], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := os.ReadFile(a.args[1])
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	at := bytes.Index(data, noise(20025)[:32]) / page * page // where the body begins
	if _, err := file.WriteAt(bytes.Repeat([]byte{0xff}, page), int64(at)); err != nil || at <= 0 {
		t.Fatalf("page at %d: %v", at, err)
	}
	code, said, places := a.rescue(t.TempDir())
	if code != 1 || !strings.Contains(said, " tree/25: ") || len(places) < 40 || len(places) == 50 {
		t.Errorf("exit code %d, %d of 50 records\n%s", code, len(places), said)
	}
}

// TestRescueOutside follows no symlink, neither one of the archive nor one that
// is there already, and replaces nothing.
func TestRescueOutside(t *testing.T) {
	a := sqliteArchive(t)
	elsewhere, out := t.TempDir(), t.TempDir()
	a.write("file", []byte("content"), 0o644, time.Now())
	a.write("tree/other", []byte("other"), 0o644, time.Now())
	a.link(elsewhere, "tree/link")
	a.run("", "store", "repo", "tree", "--by", "me", "--reason", "dead")
	through := a.store("", "repo", "file", "--path", "tree/link/through")
	there := a.store("", "repo", "file", "--path", "there/file")
	taken := a.store("", "repo", "file", "--path", "taken")
	lost := a.store("", "repo", "file", "--path", "lost/directory/file")
	a.execute("DELETE FROM codex_directory WHERE path = CAST('lost/directory/' AS BLOB)")
	a.execute("UPDATE codex_item SET file_mode = file_mode + 2048") // setuid
	err := errors.Join(os.Symlink(elsewhere, filepath.Join(out, "there")), os.WriteFile(filepath.Join(out, "taken"), []byte("mine"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	code, said, places := a.rescue(out)
	if code != 1 || !strings.Contains(said, there.Tombstone) || !strings.Contains(said, taken.Tombstone) || places[through.Tombstone] != "tree/link/through" {
		t.Errorf("exit code %d, restored %v\n%s", code, places, said)
	}
	if found, err := os.ReadDir(elsewhere); err != nil || len(found) > 0 {
		t.Errorf("outside is %v, %v", found, err)
	}
	where := "_outside/" + lost.Tombstone + "/file"
	if got, want := describe(t, filepath.Join(out, where)), describe(t, filepath.Join(a.dir, "file")); got != want || places[lost.Tombstone] != where {
		t.Errorf("the file without a directory is at %q\n%s, it was\n%s", places[lost.Tombstone], got, want)
	}
	if mine, err := os.ReadFile(filepath.Join(out, "taken")); err != nil || string(mine) != "mine" {
		t.Errorf("the file that was there is %q, %v", mine, err)
	}
}

// The key pair of the archives that are encrypted in tests.
const (
	recipient = "age19575rf5g85ahakpze352tpa5fr04tarrs8y2nt0h74k77t9uqq8sxpdrm8\n"
	identity  = "AGE-SECRET-KEY-162M2M69LT9UWF7XW8LRJ7LTFKPTVCG20DQSHSGGKMF0NJZ5S78USQDM6US\n"
)

// TestRescueEncrypted: stock age and zstd read what is encrypted, small, in pieces
// and empty. Without the identity it is named, and what is not encrypted restored.
func TestRescueEncrypted(t *testing.T) {
	onEach(t, func(t *testing.T, a *archive) {
		at := time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC)
		contents := map[string][]byte{
			"plain.txt": []byte("plain\n"), "small.txt": []byte(strings.Repeat("small\n", 99)),
			"empty": {}, "large.bin": noise(700 << 10), "key.txt": []byte(identity), "to.txt": []byte(recipient),
		}
		for path, content := range contents {
			a.write(path, content, 0o600, at)
		}
		want := map[string]string{}
		for _, path := range []string{"plain.txt", "small.txt", "empty", "large.bin"} {
			flags := []string{"--set", "archive.recipients_file=to.txt"}
			if path == "plain.txt" {
				flags = nil
			}
			a.store("", "repo", path, flags...)
			want[path] = path
		}
		out := filepath.Join(t.TempDir(), "out")
		code, stderr, places := a.rescue(out)
		if code != 1 || len(places) != 1 || strings.Count(stderr, "it is encrypted: --identity=FILE names the key") != 3 {
			t.Errorf("without an identity: code %d, %d restored\n%s", code, len(places), stderr)
		}
		code, stderr, places = a.rescue(out, "--identity="+filepath.Join(a.dir, "key.txt"))
		if code != 0 || len(places) != len(want) {
			t.Errorf("with the identity: code %d, %d restored\n%s", code, len(places), stderr)
		}
		a.expect(out, want)
	})
}

// TestFormatExample runs the commands that docs/format.md shows.
func TestFormatExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "\n```sh\n")
	block, _, _ = strings.Cut(block, "\n```\n")
	a := sqliteArchive(t)
	for _, content := range [][]byte{nil, bytes.Repeat([]byte("words "), 1000)} {
		a.write("dir/old.py", content, 0o644, time.Now())
		a.store("", "repo", "dir/old.py")
	}
	dir := t.TempDir()
	if err := os.Symlink(a.args[1], filepath.Join(dir, "archive.sqlite")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-euc", block)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", block, err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "old.py"))
	if err != nil || string(got) != strings.Repeat("words ", 1000) {
		t.Errorf("restored are %d bytes, %v", len(got), err)
	}
}

// TestRescueUsage refuses what it cannot do before it makes anything.
func TestRescueUsage(t *testing.T) {
	a := sqliteArchive(t)
	for _, args := range [][]string{{"postgres", "postgres://me:secret@host/db"}, {"mariadb", "password=secret"}, {"sqlite", "no such file"}, {"oracle", "x"}, {"sqlite"}, {"--al", "sqlite", "x"}} {
		a.args = args
		out := filepath.Join(t.TempDir(), "out")
		if code, said, _ := a.rescue(out); code != 2 || strings.Contains(said, "secret") {
			t.Errorf("%q: exit code %d\n%s", args, code, said)
		}
		if _, err := os.Lstat(out); err == nil {
			t.Errorf("%q: made the directory", args)
		}
	}
}
