package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	build "github.com/codex-archive/codex/scripts/programs"
)

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// newNoise yields bytes that do not compress, the same for the same seed.
func newNoise(seed string) io.Reader {
	h := fnv.New64a()
	io.WriteString(h, seed)
	return rand.NewChaCha8(sha256.Sum256(h.Sum(nil)))
}

// project is a directory with an archive and evidence of its own, and codex to
// run in it.
type project struct {
	t   testing.TB
	dir string
	env []string

	runtime string               // where sockets are made
	as      *syscall.SysProcAttr // whom codex runs as; nil: whom the test runs as
}

func newProject(t testing.TB) *project {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".codex", "evidence"), 0o700); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	// Paths of sockets are limited to some 100 bytes, and those of tests are long.
	runtime, err := os.MkdirTemp("", "cx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(runtime) })
	return &project{t: t, dir: dir, runtime: runtime, env: []string{
		"XDG_RUNTIME_DIR=" + runtime,
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "CODEX_ACTOR=tester", "CODEX_ARCHIVE_LOG_FORMAT=text",
		"TMPDIR=" + home, "SystemRoot=" + os.Getenv("SystemRoot"),
	}}
}

// result is how a process ended.
type result struct {
	code           output.Code
	stdout, stderr string
}

// command prepares a run of codex.
func (p *project) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, "codex"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = p.dir, p.env, p.as
	return cmd
}

// run runs codex to its end.
func (p *project) run(args ...string) result {
	p.t.Helper()
	return finish(p.t, p.command(args...))
}

func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	stdout, stderr, code := build.Run(t, cmd)
	return result{output.Code(code), stdout, stderr}
}

// must runs codex and ends the test unless it succeeds.
func (p *project) must(args ...string) string {
	p.t.Helper()
	r := p.run(args...)
	if r.code != 0 {
		p.t.Fatalf("codex %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// store stores a file and returns its tombstone.
func (p *project) store(path string, flags ...string) string {
	p.t.Helper()
	out := p.must(append([]string{"archive", "store", "repo", path, "--reason", "dead"}, flags...)...)
	return p.field(out, "tombstone")
}

// field returns a text of a JSON document.
func (p *project) field(document, key string) string {
	p.t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(document), &fields); err != nil {
		p.t.Fatalf("%v in %q", err, document)
	}
	text, _ := fields[key].(string)
	return text
}

func (p *project) write(name string, content []byte) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), content, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) read(name string) []byte {
	p.t.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return content
}

// evidence returns the records of the log, and fails the test unless every
// line is whole and chained.
func (p *project) evidence() []map[string]any {
	p.t.Helper()
	var records []map[string]any
	prev := strings.Repeat("0", 64)
	for line := range bytes.Lines(p.read(".codex/evidence/archive_ops.jsonl")) {
		whole := bytes.TrimSuffix(line, []byte("\n"))
		var record map[string]any
		if err := json.Unmarshal(whole, &record); err != nil || len(whole) == len(line) {
			p.t.Fatalf("line %d is torn: %q: %v", len(records)+1, line, err)
		}
		if record["prev"] != prev || record["seq"] != float64(len(records)+1) {
			p.t.Fatalf("line %d is not chained: %s", len(records)+1, whole)
		}
		prev = sha256Hex(whole)
		records = append(records, record)
	}
	return records
}

// count returns how many records have all of these values.
func count(records []map[string]any, pairs ...string) int {
	n := 0
	for _, r := range records {
		if hasAll(r, pairs) {
			n++
		}
	}
	return n
}
