//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// hostile holds what a terminal obeys, or turns text around for: C0, C1 and a
// bidirectional control.
const hostile = "a\x1b[31mb\u009b31mc\u202ed\ne\u2066f"

// raw returns the first character of text that must not reach a terminal, -1 if
// there is none. Tabs and ends of lines are the program's own.
func raw(text string) rune {
	for _, r := range text {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return r
		}
	}
	return -1
}

// TestControlsAreEscaped runs every command that prints what others wrote, in
// text, in JSON and as a log.
func TestControlsAreEscaped(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	name := strings.ReplaceAll(hostile, "/", "_")
	p.write(name, []byte("content"))
	id := p.field(p.must("archive", "store", hostile, name, "--by", hostile, "--reason", "dead", "--note", hostile,
		"--tag", hostile, "--metadata", hostile+"="+hostile), "tombstone")
	p.must("archive", "restore", id, "out"+name, "--by", hostile)
	if _, err := p.db().Exec("INSERT INTO codex_hold (item, case_name, placed_at, placed_by) SELECT id, ?, 0, actor FROM codex_item", hostile); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
	line := `{"v":1,"id":"00000000-0000-4000-8000-000000000001","ts":"2026-01-01T00:00:00.000Z","action":"RESTORE","status":"success","duration_ms":1.0,` +
		"\"actor\":\"a\u009b\u202e\",\"backend\":\"b\u009b\u202e\",\"path\":\"\u009b\u202e\"}\n"
	old, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if raw(string(old)) != -1 {
		t.Errorf("the evidence holds it raw: %q", old)
	}
	if err := os.WriteFile(log+"2", append(old, line...), 0o644); err != nil {
		t.Fatal(err)
	}
	manifest := "m" + name + ".json"
	p.write(manifest, []byte(`{"items": [{"tombstone": "`+id+`", "output": "x\u001b\u009b\u202ey"}, {"tombstone": "00000000-0000-4000-8000-000000000001", "output": "z"}]}`))
	dir := t.TempDir()
	if err := os.Rename(log+"2", filepath.Join(dir, "archive_ops.jsonl")); err != nil {
		t.Fatal(err)
	}
	forged := []string{"--set", "evidence.dir=" + dir}
	commands := [][]string{
		{"archive", "list"}, {"archive", "list", "--short"}, {"archive", "list", "--format", "manifest", "--output-dir", name},
		{"archive", "list", "--repo", hostile, "--match", hostile, "--path", name},
		{"archive", "show", id}, {"archive", "stats"}, {"archive", "health-check"}, {"archive", "config-show", "--set", "logging.file=" + name},
		{"archive", "config-show", "--origin", "--set", "archive.reasons=" + hostile},
		{"archive", "show", hostile}, {"archive", "restore", hostile, "x"}, {"archive", "restore", id, name + "/x", "--by", "me"},
		{"archive", "store", "r", hostile + "-missing", "--by", "me", "--reason", "dead"},
		{"archive", "store", "r", name, "--by", "me", "--reason", hostile}, {"archive", "store", hostile, name, "--by", hostile, "--reason", "dead"},
		{"archive", "evidence", "show"}, append([]string{"archive", "evidence", "show"}, forged...),
		{"archive", "evidence", "verify"}, append([]string{"archive", "evidence", "verify"}, forged...),
		{"archive", "metrics"}, append([]string{"archive", "metrics"}, forged...),
		append([]string{"archive", "metrics", "--prometheus"}, forged...),
		{"archive", "batch-restore", manifest, "--by", hostile, "--continue-on-error", "--results", "r" + name},
		{"archive", "batch-restore", manifest, "--by", hostile, "--dry-run"},
		{"archive", "list", "--set", "backend.type=" + hostile}, {"archive", "list", "--url", "sqlite:///" + hostile},
		{"archive", hostile}, {hostile}, {"explain", hostile}, {"archive", "list", "--" + hostile}, {"plugin", "inspect", hostile},
		{"plugin", "list", "--plugin-dir", hostile}, {"__complete", "archive", "restore", ""},
	}
	for _, command := range commands {
		for _, form := range [][]string{nil, {"--json"}, {"--log-format", "json", "--log-level", "debug"}} {
			if len(form) > 0 && (command[0] != "archive" && len(form) > 1 || command[0] == "__complete") {
				continue
			}
			args := append(append([]string{}, command...), form...)
			r := p.run(args...)
			if c := raw(r.stdout); c != -1 {
				t.Errorf("%q prints %U:\n%q", args, c, r.stdout)
			}
			if c := raw(r.stderr); c != -1 {
				t.Errorf("%q logs %U:\n%q", args, c, r.stderr)
			}
		}
	}
	for _, file := range []string{log, filepath.Join(p.dir, "r"+name)} {
		if text, err := os.ReadFile(file); err != nil || raw(string(text)) != -1 {
			t.Errorf("%q holds it raw: %v %q", file, err, text)
		}
	}
	// A program that reads the output of restore needs the path's own bytes.
	if r := p.run("archive", "restore", id, "own"+name, "--by", "me"); r.stdout != "own"+name+"\n" {
		t.Errorf("restore printed %q", r.stdout)
	}
}
