//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/output"
)

const guidePath = "../docs/guide.md"

// TestGuideCommands runs the console blocks of the user's guide from the first
// to the last in one project, and holds what they print against what it shows.
func TestGuideCommands(t *testing.T) {
	for _, program := range []string{"git", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the guide's commands need %s: %v", program, err)
		}
	}
	commands := shownCommands(fences(t, "console"))
	if len(commands) < 20 {
		t.Fatalf("only %d commands found in %s", len(commands), guidePath)
	}
	runShown(t, newProject(t), commands, "HOME="+homeWithDownloads(t))
}

// homeWithDownloads is a home directory with what the guide's user has downloaded:
// the archive of a vendor's backend, its signature, and the vendor's key.
func homeWithDownloads(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, "Downloads")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "codex-archive-slow.tar.gz")
	tar := exec.Command("tar", "-C", filepath.Join(programs, "vendor"), "-czf", archive, "codex-archive-slow")
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := signFiles(filepath.Join(dir, "vendor.pub"), archive); err != nil {
		t.Fatal(err)
	}
	return home
}

// TestReadmeCommands does the same with the README, whose blocks are indented,
// and show what goes to standard output.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for line := range strings.Lines(string(text)) {
		if line, ok := strings.CutPrefix(line, "    "); ok && !strings.HasPrefix(line, "make ") {
			blocks = append(blocks, line)
		}
	}
	commands := shownCommands(blocks)
	if len(commands) != 5 {
		t.Fatalf("%d commands found, the README promises five", len(commands))
	}
	p := newProject(t)
	p.write("old_module.py", []byte("print('hello')\n"))
	runShown(t, p, commands, "CODEX_ARCHIVE_LOG_LEVEL=error")
}

// runShown runs commands one after the other in a project and holds what they
// print against what a document shows.
func runShown(t *testing.T, p *project, commands []shownCommand, env ...string) {
	t.Helper()
	p.env = []string{
		"HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "CODEX_ARCHIVE_LOG_FORMAT=text", // as on a terminal
		"PATH=" + programs + string(os.PathListSeparator) + os.Getenv("PATH"),
		"GIT_AUTHOR_NAME=me", "GIT_AUTHOR_EMAIL=me@example.com", "GIT_COMMITTER_NAME=me", "GIT_COMMITTER_EMAIL=me@example.com",
	}
	p.env = append(p.env, env...)
	learned := learner{}
	for _, c := range commands {
		shell := exec.Command("sh", "-c", learned.replace(c.line))
		shell.Dir, shell.Env = p.dir, p.env
		out, err := shell.CombinedOutput()
		if _, ended := err.(*exec.ExitError); err != nil && !ended {
			t.Fatal(err)
		}
		if !learned.match(c.want, string(out)) {
			t.Errorf("$ %s\nprinted:\n%s\nshown is:\n%s", c.line, out, c.want)
		}
	}
}

// TestGuideInstall runs the make lines of the guide in a copy of the sources, and
// the installed program, which finds its backends where they were put.
func TestGuideInstall(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds all programs again")
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Skipf("installing needs make: %v", err)
	}
	p := newProject(t)
	sources, dest := t.TempDir(), t.TempDir()
	for _, part := range []string{"cli", "internal", "sdk", "plugins", "docs", "scripts/rescue"} {
		if err := os.CopyFS(filepath.Join(sources, part), os.DirFS("../"+part)); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"Makefile", "go.mod", "go.sum"} {
		text, err := os.ReadFile("../" + part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sources, part), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lines := regexp.MustCompile(`(?m)^    (make [^ ].*?)(  .*)?$`).FindAllStringSubmatch(readGuide(t), -1)
	if len(lines) != 2 {
		t.Fatalf("the guide has %d lines of make", len(lines))
	}
	for _, line := range lines {
		// Built as this test's own programs are, most of it is there already.
		shell := exec.Command("sh", "-c", line[1]+` VERSION=1.2.3 COMMIT=0123456789ab GOBUILD="go build -ldflags '-s -w -X main.version=1.2.3'"`)
		shell.Dir, shell.Env = sources, append(os.Environ(), "DESTDIR="+dest, "CGO_ENABLED=0")
		if out, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line[1], err, out)
		}
	}
	root := filepath.Join(dest, "usr/local")
	for _, file := range []string{
		"libexec/codex/codex-archive-sqlite", "libexec/codex/codex-archive-postgres", "libexec/codex/codex-archive-mariadb",
		"share/man/man1/codex.1", "share/bash-completion/completions/codex", "share/zsh/site-functions/_codex", "share/fish/vendor_completions.d/codex.fish",
		"share/codex/rescue.sh", "share/codex/format.md",
	} {
		if info, err := os.Stat(filepath.Join(root, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	for want, args := range map[string]string{"codex version 1.2.3 ": "--version", "Archive: sqlite": "archive init"} {
		run := exec.Command(filepath.Join(root, "bin/codex"), strings.Fields(args)...)
		run.Dir, run.Env = p.dir, p.env
		if r := finish(t, run); r.code != 0 || !strings.Contains(r.stdout, want) {
			t.Errorf("codex %s: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
}

// TestGuideSettings loads every TOML block of the guide.
func TestGuideSettings(t *testing.T) {
	blocks := fences(t, "toml")
	if len(blocks) == 0 {
		t.Fatal("the guide shows no configuration")
	}
	for _, block := range blocks {
		p := newProject(t)
		p.env = append(p.env, "DB_PASSWORD=p@ss", "DB_URL=postgres://u@localhost/archive")
		p.write("shown.toml", []byte(block))
		if r := p.run("archive", "config-show", "--config", "shown.toml"); r.code != 0 || strings.Contains(r.stderr, "WARN") {
			t.Errorf("%s\nexit code %d: %s", block, r.code, r.stderr)
		}
	}
}

// TestGuideTables holds the guide's tables against the tables of the program.
func TestGuideTables(t *testing.T) {
	var keys, codes strings.Builder
	for _, k := range config.Keys() {
		fmt.Fprintf(&keys, "| `%s` | %s | `%s` | %s | %s |\n", k.Name, k.Default, k.Variable, k.Allowed, k.Doc)
	}
	for _, c := range output.Codes() {
		fmt.Fprintf(&codes, "| %d | %s |\n", c.Code, strings.ReplaceAll(c.Meaning, "\n", " "))
	}
	guide := readGuide(t)
	for _, table := range []string{keys.String(), codes.String()} {
		if !strings.Contains(guide, "|\n"+table+"\n") {
			t.Errorf("the guide lacks these rows, whole and in this order:\n%s", table)
		}
	}
}

// TestGuideLinks follows the links to other files of the project.
func TestGuideLinks(t *testing.T) {
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(readGuide(t), -1) {
		if strings.Contains(link[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(guidePath), link[1])); err != nil {
			t.Error(err)
		}
	}
}

func readGuide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(guidePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fences returns the guide's fenced blocks of one language.
func fences(t *testing.T, language string) []string {
	t.Helper()
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(readGuide(t), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// shownCommand is a command line as a document shows it, and what it prints.
type shownCommand struct{ line, want string }

// shownCommands takes console blocks apart. A command begins with "$ "; lines
// that begin with "> " continue it.
func shownCommands(blocks []string) []shownCommand {
	var commands []shownCommand
	for line := range strings.Lines(strings.Join(blocks, "")) {
		last := len(commands) - 1
		if text, ok := strings.CutPrefix(line, "$ "); ok {
			commands = append(commands, shownCommand{line: text})
		} else if text, ok := strings.CutPrefix(line, "> "); ok {
			commands[last].line += text
		} else {
			commands[last].want += line
		}
	}
	return commands
}

// learner knows what replaces the names in a document that are others on every
// run: tombstones, whole or shortened, and results files. Times, durations and
// hashes match any of their kind; "…" matches anything.
type learner map[string]string

var (
	namePattern  = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|batch_restore_\d{8}_\d{6}(?:_\d+)?`)
	variesByRun  = regexp.MustCompile(`…|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z|\b\d+\.\d+ms|\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b`)
	variesExpect = map[byte]string{'Z': `\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z`, 's': `\d+\.\d+ms`}
)

func (l learner) replace(text string) string {
	for shown, real := range l {
		text = strings.ReplaceAll(text, shown, real)
		if short := shown[:8]; !strings.HasPrefix(shown, "batch") {
			text = strings.ReplaceAll(text, short, real[:8])
		}
	}
	return text
}

// match reports whether got is what a document shows as want, and learns names
// that it had not seen.
func (l learner) match(want, got string) bool {
	want = l.replace(want)
	var pattern strings.Builder
	var names []string
	at := 0
	for _, span := range allMatches(want) {
		literal, varies := want[at:span[0]], want[span[0]:span[1]]
		at = span[1]
		pattern.WriteString(regexp.QuoteMeta(literal))
		switch {
		case varies == "…":
			pattern.WriteString("(?s:.*)")
		case namePattern.MatchString(varies) && !l.knows(varies):
			names = append(names, varies)
			pattern.WriteString("(" + namePattern.String() + ")")
		case l.knows(varies):
			pattern.WriteString(regexp.QuoteMeta(varies))
		case variesExpect[varies[len(varies)-1]] != "":
			pattern.WriteString(variesExpect[varies[len(varies)-1]])
		default:
			fmt.Fprintf(&pattern, "[0-9a-f]{%d}", len(varies))
		}
	}
	pattern.WriteString(regexp.QuoteMeta(want[at:]))
	found := regexp.MustCompile(`\A` + pattern.String() + `\z`).FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, name := range names {
		l[name] = found[1+2*i] // the pattern of a name has a group of its own
	}
	return true
}

func (l learner) knows(real string) bool {
	for _, known := range l {
		if known == real {
			return true
		}
	}
	return false
}

func allMatches(text string) [][]int {
	return regexp.MustCompile(namePattern.String()+"|"+variesByRun.String()).FindAllStringIndex(text, -1)
}
