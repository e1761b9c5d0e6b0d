package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/programs"
)

// block is a fenced block of a document; a Go block names its file in its
// first line.
type block struct{ language, file, text string }

var (
	fence = regexp.MustCompile("(?ms)^```(sh|go)\n(.*?)^```$")
	named = regexp.MustCompile(`\A// (\S+)\n`)
)

func blocks(t *testing.T, document string) (all []block) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(data), -1) {
		b := block{language: m[1], text: m[2]}
		if b.language == "go" {
			name := named.FindStringSubmatch(b.text)
			if name == nil {
				t.Fatalf("a Go block names no file: %s", b.text)
			}
			b.file = name[1]
			b.text = strings.TrimPrefix(b.text, name[0])
		}
		all = append(all, b)
	}
	return all
}

// TestWritingABackend does what the page tells a vendor to do, in directories
// outside this module: its files are written, its commands run, in their order.
// Nothing is downloaded.
func TestWritingABackend(t *testing.T) {
	runsKit(t)
	page := blocks(t, "writing-a-backend.md")
	work, env := t.TempDir(), vendorEnv(t)
	dir := work
	ran := map[string]bool{}
	for _, b := range page {
		if b.language == "go" {
			if err := os.WriteFile(filepath.Join(work, b.file), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if strings.HasPrefix(b.text, "mkdir ") {
			dir = work // a new module, beside the others
		}
		shell(t, dir, env, inPart(b.text, programRules))
		if _, into, ok := strings.Cut(b.text, "\ncd "); ok {
			into, _, _ = strings.Cut(into, "\n")
			dir = filepath.Join(work, into)
		}
		for _, command := range []string{"go test", "plugin inspect", "plugin test", "archive store"} {
			ran[command] = ran[command] || strings.Contains(b.text, command)
		}
	}
	if len(ran) != 4 || !ran["go test"] || !ran["plugin inspect"] || !ran["plugin test"] || !ran["archive store"] {
		t.Errorf("the page lost a step: %v", ran)
	}
}

// programRules are those that a process for each handle can break. The others look at
// the engine, which the page's backend has in common with ours for SQLite.
const programRules = "^(OPEN|CLOSE|CONTEXT|CONC|SECRET|WIRE|PROC|CRASH)-"

// inPart adds the rules to each command that would run the whole kit on a program.
// make kits runs the commands as the page has them.
func inPart(commands, rules string) string {
	if os.Getenv("CODEX_TEST_KITS") == "all" {
		return commands
	}
	return wholeKit.ReplaceAllString(commands, "$0 --run '"+rules+"'")
}

var wholeKit = regexp.MustCompile(`(?m)^codex plugin test \./.*$`)

// vendorEnv is the environment of a vendor: codex on PATH, the checkout in
// CODEX, no workspace, no network, and no plugins and no trust of the user.
func vendorEnv(t *testing.T) []string {
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	bin, own := programs.For(t), t.TempDir()
	return append(os.Environ(), "CODEX="+checkout, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"XDG_DATA_HOME="+own, "XDG_STATE_HOME="+own,
		"GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "CGO_ENABLED=0")
}

func shell(t *testing.T, dir string, env []string, script string) {
	t.Helper()
	cmd := exec.Command("sh", "-eu")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	t.Logf("%s\n%s", script, out)
}
