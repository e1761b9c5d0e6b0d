// Package wine runs the programs for Windows under Wine, as a user of Windows
// would: make test-windows. It takes minutes, so make test leaves it out.
package wine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/programs"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// variable asks for the test.
const variable = "CODEX_TEST_WINE"

// machine is a Windows with codex on its drive C.
type machine struct {
	env     []string
	drive   string // of C:\
	project string // of C:\project, where commands run
}

func TestWindows(t *testing.T) {
	m := newMachine(t)
	t.Run("StoreAndRestore", m.testStoreAndRestore)
	t.Run("Names", m.testNames)
	t.Run("Tree", m.testTree)
	t.Run("Batch", m.testBatch)
	t.Run("Remove", m.testRemove)
	t.Run("Evidence", m.testEvidence)
	t.Run("Upkeep", m.testUpkeep)
	t.Run("Kit", m.testKit)
}

// newMachine sets Wine up and builds the programs, or says what is missing.
func newMachine(t *testing.T) machine {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skip("make test-windows sets " + variable)
	}
	for _, program := range []string{"wine", "wineserver", "x86_64-w64-mingw32-gcc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	prefix := t.TempDir()
	m := machine{env: append(os.Environ(), "WINEPREFIX="+prefix, "WINEARCH=win64", "WINEDEBUG=-all")}
	m.drive = filepath.Join(prefix, "drive_c")
	m.project = filepath.Join(m.drive, "project")
	m.host(t, "wine", "wineboot", "--init")
	t.Cleanup(func() { // ends the processes of this prefix
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "wineserver", "--kill", "--wait")
		cmd.Env = m.env
		_ = cmd.Run() // it may have ended
	})
	library := filepath.Join(m.drive, "windows", "system32", "bcryptprimitives.dll")
	if _, err := os.Stat(library); errors.Is(err, fs.ErrNotExist) {
		m.host(t, "x86_64-w64-mingw32-gcc", "-shared", "-O2", "-s", "-o", library, "testdata/bcryptprimitives.c", "-ladvapi32")
	}
	m.build(t, "cli", "codex.exe")
	m.build(t, "plugins/sqlite", "plugins/codex-archive-sqlite.exe")
	if err := os.Mkdir(m.project, 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

// host runs a program of this machine.
func (m machine) host(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = m.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func (m machine) build(t *testing.T, source, program string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-ldflags", "-s -w", "-o", filepath.Join(m.drive, "codex", program), "./"+source)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// codex runs a command line in C:\project and returns what it printed.
func (m machine) codex(t *testing.T, args ...string) string {
	t.Helper()
	out, code, log := m.try(t, args...)
	if code != 0 {
		t.Fatalf("codex %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, log)
	}
	return out
}

// refused runs a command line that must end with a code and say why.
func (m machine) refused(t *testing.T, code int, why string, args ...string) {
	t.Helper()
	out, got, log := m.try(t, args...)
	if got != code || !strings.Contains(out+log, why) {
		t.Errorf("codex %s: exit code %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, why, out, log)
	}
}

func (m machine) try(t *testing.T, args ...string) (out string, code int, log string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "wine", append([]string{`C:\codex\codex.exe`}, args...)...)
	cmd.Dir, cmd.Env = m.project, append(m.env, "CODEX_ACTOR=tester")
	out, log, code = programs.Run(t, cmd)
	return out, code, log
}

func (m machine) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(m.project, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// has reports a file below the project that is not there with this text.
func (m machine) has(t *testing.T, name, text string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(m.project, name))
	if err != nil || string(got) != text {
		t.Errorf("%s: %q, %v, want %q", name, got, err, text)
	}
}

// names are all below a directory of the project, without directories.
func (m machine) names(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(filepath.Join(m.project, dir)), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

type record struct{ Tombstone, Set, Path string }

func (m machine) store(t *testing.T, path string) record {
	t.Helper()
	var r record
	out := m.codex(t, "archive", "store", "repo", path, "--reason", "dead", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

func (m machine) testStoreAndRestore(t *testing.T) {
	m.write(t, "sub/old.py", "print(1)\n")
	r := m.store(t, `sub\old.py`)
	if r.Path != "sub/old.py" {
		t.Errorf("the path is recorded as %s", r.Path)
	}
	if out := m.codex(t, "archive", "restore", r.Tombstone, `out\back.py`); out != `out\back.py`+"\n" {
		t.Errorf("restore printed %q", out)
	}
	m.codex(t, "archive", "restore", r.Tombstone, `out\back.py`) // the same bytes are success
	m.codex(t, "archive", "restore", r.Tombstone, `C:\project\out\new\drive.py`)
	m.codex(t, "archive", "restore", r.Tombstone, "out/slash.py")
	m.codex(t, "archive", "restore", r.Tombstone, `out\new\`)
	if out := m.codex(t, "archive", "restore", r.Tombstone, "-"); out != "print(1)\n" {
		t.Errorf("restore to stdout printed %q", out)
	}
	m.write(t, "out/other.py", "print(2)\n")
	m.refused(t, 7, "exists", "archive", "restore", r.Tombstone, `out\other.py`)
	m.has(t, "out/other.py", "print(2)\n")
	m.codex(t, "archive", "restore", r.Tombstone, `out\other.py`, "--force")
	want := []string{"back.py", "new/drive.py", "new/old.py", "other.py", "slash.py"}
	if got := m.names(t, "out"); !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
	for _, name := range want {
		m.has(t, filepath.Join("out", name), "print(1)\n")
	}
	if out := m.codex(t, "archive", "list", "--path", `sub\old.py`); !strings.Contains(out, r.Tombstone) {
		t.Errorf("list does not find a path with a backslash:\n%s", out)
	}
}

// Names that Windows gives another meaning are refused by name, and nothing is
// written.
func (m machine) testNames(t *testing.T) {
	m.write(t, "plain.py", "print(3)\n")
	r := m.store(t, "plain.py")
	for _, name := range []string{"CON", "NUL", "nul.txt", "COM1", "LPT9", "dot.", "blank ", "file.txt:stream", "a?b", "a*b", "a|b", `CON\file`, `dot.\file`} {
		m.refused(t, 2, "cannot be the name of a file", "archive", "restore", r.Tombstone, `names\`+name)
	}
	m.refused(t, 2, "cannot be the name of a file", "archive", "restore", r.Tombstone, "CON")
	if got := m.names(t, "names"); len(got) > 0 {
		t.Errorf("refused outputs left %v", got)
	}
}

func (m machine) testTree(t *testing.T) {
	for i := range 40 {
		m.write(t, fmt.Sprintf("tree/d%d/f%d.txt", i%4, i), strings.Repeat("line\n", i*100))
	}
	out := m.codex(t, "archive", "store", "repo", `tree\`, "--reason", "dead", "--json")
	var r record
	for line := range strings.Lines(out) {
		var one record
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if one.Set != "" {
			r = one
		}
		if strings.Contains(one.Path, `\`) {
			t.Errorf("a path is recorded as %s", one.Path)
		}
	}
	m.codex(t, "archive", "batch-restore", "--set", r.Set, "--output-dir", `C:\project\back`)
	want := m.names(t, "tree")
	if got := m.names(t, "back/tree"); len(want) != 40 || !slices.Equal(got, want) {
		t.Fatalf("files are %v, want %v", got, want)
	}
	for _, name := range want {
		text, err := os.ReadFile(filepath.Join(m.project, "tree", name))
		if err != nil {
			t.Fatal(err)
		}
		m.has(t, filepath.Join("back/tree", name), string(text))
	}
}

func (m machine) testBatch(t *testing.T) {
	m.write(t, "one.py", "print(11)\n")
	m.write(t, "two.py", "print(22)\n")
	one, two := m.store(t, "one.py"), m.store(t, `C:\project\two.py`)
	m.write(t, "manifest.json", fmt.Sprintf(`{"items": [{"tombstone": %q, "output": "batch\\one.py"}, {"tombstone": %q, "output": "C:\\project\\batch\\two.py"}]}`, one.Tombstone, two.Tombstone))
	m.codex(t, "archive", "batch-restore", "manifest.json", "--results", "results.json")
	m.write(t, "manifest.csv", fmt.Sprintf("tombstone,output\r\n%s,csv\\one.py\r\n%s,csv/two.py\r\n", one.Tombstone, two.Tombstone))
	m.codex(t, "archive", "batch-restore", "manifest.csv", "--results", "results.json") // replaced
	for _, dir := range []string{"batch", "csv"} {
		if got := m.names(t, dir); !slices.Equal(got, []string{"one.py", "two.py"}) {
			t.Errorf("%s has %v", dir, got)
		}
		m.has(t, dir+"/one.py", "print(11)\n")
		m.has(t, dir+"/two.py", "print(22)\n")
	}
	m.write(t, "bad.json", fmt.Sprintf(`{"items": [{"tombstone": %q, "output": "batch\\a:b"}]}`, one.Tombstone))
	m.refused(t, 2, "cannot be the name of a file", "archive", "batch-restore", "bad.json")
}

func (m machine) testRemove(t *testing.T) {
	m.write(t, "gone/a.py", "a = 1\n")
	m.write(t, "gone/b.py", "b = 2\n")
	m.codex(t, "archive", "store", "repo", "gone", "--reason", "dead", "--remove")
	if got := m.names(t, "gone"); len(got) > 0 {
		t.Errorf("--remove left %v", got)
	}
}

// A rotation replaces a log that is open. A key that all users can read is
// refused; Wine makes access lists of modes.
func (m machine) testEvidence(t *testing.T) {
	m.codex(t, "archive", "evidence", "verify")
	m.codex(t, "archive", "evidence", "keygen", "--output", "private.key")
	key := filepath.Join(m.project, "private.key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	m.refused(t, 2, "found rights for Everyone", "archive", "evidence", "rotate", "--key", "private.key")
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	m.codex(t, "archive", "evidence", "rotate", "--key", "private.key")
	m.codex(t, "archive", "evidence", "verify", "--reconcile")
}

func (m machine) testUpkeep(t *testing.T) {
	m.codex(t, "archive", "verify")
	m.codex(t, "archive", "health-check")
	m.codex(t, "archive", "stats")
	if out := m.codex(t, "plugin", "list"); !strings.Contains(out, "sqlite") {
		t.Errorf("plugin list printed %s", out)
	}
}

// notOnWindows are the rules that cannot be tried there, and what they need.
var notOnWindows = map[string]string{
	"PROC-04":    "a system that can interrupt another process",
	"PROC-07":    "a system that says how much memory a process has had at most",
	"PROC-09":    "a system that says how much memory a process has had at most",
	"PROC-10":    "a system that lists the open files of a process",
	"PROC-11":    "a system that shows the environment of a process",
	"CLOSE-07":   "a Go value",
	"CUT-01":     "a URL that names the host and the port of a database",
	"CUT-02":     "a URL that names the host and the port of a database",
	"CUT-03":     "a URL that names the host and the port of a database",
	"SECRET-04":  "a URL with a password",
	"GET-08":     "a way to damage a stored body",
	"GET-09":     "a way to damage a stored body",
	"PUT-17":     "a way to damage a stored body",
	"PUT-18":     "a way to damage a stored body",
	"TAMPER-01":  "a way to tamper with rows",
	"TAMPER-02":  "a way to tamper with rows",
	"TAMPER-03":  "a way to tamper with rows",
	"TAMPER-04":  "a way to tamper with rows",
	"TAMPER-05":  "a way to tamper with rows",
	"INSPECT-03": "a way to tamper with rows",
	"INSPECT-04": "a way to tamper with rows",
	"INSPECT-05": "a way to tamper with rows",
}

// testKit: every rule passes that can be tried. The kit starts many hundred
// processes, which takes Wine about a second each, so no rule has a deadline that
// matters.
func (m machine) testKit(t *testing.T) {
	report := filepath.Join(m.project, "report.json")
	out, code, log := m.try(t, "plugin", "test", "sqlite", "--url", "sqlite:///./kit-{}.sqlite", "--deadline", "3600", "--report", "report.json")
	if code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, log)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var r backendtest.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules passed, %d failed, %d skipped", r.Passed, r.Failed, r.Skipped)
	for _, res := range r.Results {
		if res.Status == backendtest.Skipped && !(notOnWindows[res.ID] != "" && strings.Contains(res.Why, notOnWindows[res.ID])) {
			t.Errorf("%s was not tried: it needs %s", res.ID, res.Why)
		}
	}
}
