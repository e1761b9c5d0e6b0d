//go:build unix

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// faultCommands are the commands that change an archive or hand out content. Each
// is run with each fault, and [faultProject.check] holds what is promised: a new
// command is a row.
var faultCommands = []struct {
	name string
	args func(p *faultProject) []string
}{
	{"store", func(p *faultProject) []string {
		return []string{"store", "repo", p.file("new content"), "--reason", "dead"}
	}},
	{"store of known content", func(p *faultProject) []string { return []string{"store", "repo", p.file("first"), "--reason", "dead"} }},
	{"store of large content", func(p *faultProject) []string {
		return []string{"store", "repo", p.file(strings.Repeat("large ", 100_000)), "--reason", "dead", "--set", "archive.codec=none"}
	}},
	{"store of many", func(p *faultProject) []string {
		return []string{"store", "repo", p.dirOf("many", 30), "--reason", "dead", "--json", "--continue-on-error"}
	}},
	{"store and remove", func(p *faultProject) []string {
		return []string{"store", "repo", p.dirOf("removed", 30), "--reason", "dead", "--remove", "--json", "--continue-on-error"}
	}},
	{"restore", func(p *faultProject) []string { return []string{"restore", p.first, p.output(p.first)} }},
	{"restore to standard output", func(p *faultProject) []string { return []string{"restore", p.first, "-"} }},
	{"batch-restore", func(p *faultProject) []string {
		return []string{"batch-restore", p.manifest(p.first, p.second), "--continue-on-error", "--results", "r.json"}
	}},
	{"batch-restore of a group", func(p *faultProject) []string {
		ids := []string{p.first, p.second}
		for id := range p.contents {
			ids = append(ids, id)
		}
		return []string{"batch-restore", p.manifest(ids...), "--continue-on-error", "--results", "r.json"}
	}},
}

func TestCommandsWithFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts hundreds of programs")
	}
	for _, faults := range []string{"fail:1", "fail:2", "lose:1", "lose:2", "cut:1", "cut:2", "flip:1", "lie:1", "lie:2", "hang:1"} {
		t.Run(faults, func(t *testing.T) {
			t.Parallel()
			p := newFaultProject(t)
			for i, c := range faultCommands {
				flags := []string{"--url", p.url(faults)}
				if i%2 == 1 {
					flags = append(flags, "--set", "retry.enabled=true", "--set", "retry.initial_delay=0")
				}
				if strings.HasPrefix(faults, "hang") {
					flags = append(flags, "--timeout", "1")
				}
				r := p.run(append(append([]string{"archive"}, c.args(p)...), flags...)...)
				p.acknowledged(r)
				if c.name == "restore to standard output" && r.stdout != "" && count(p.evidence(), "output=-") == 0 {
					t.Error("content was printed without a line of evidence")
				}
			}
			p.check()
		})
	}
}

// faultProject is a project on SQLite with faults, and what is known of it.
type faultProject struct {
	*project
	first, second string            // tombstones that were stored without faults
	contents      map[string]string // by tombstone: what was acknowledged
	outputs       map[string]string // by name: the tombstone
	stored        string            // what the command under way stores
	files         map[string]string // by path: what commands that store many were given
	n             int
}

func newFaultProject(t *testing.T) *faultProject {
	t.Helper()
	p := &faultProject{project: newProject(t), contents: map[string]string{}, outputs: map[string]string{}, files: map[string]string{}}
	p.env = append(p.env, "CODEX_ARCHIVE_PLUGIN_PATH="+filepath.Join(programs, "vendor"), "CODEX_ARCHIVE_BACKEND=faulty",
		"CODEX_ARCHIVE_URL="+p.url("fail:1000000"))
	for _, id := range []*string{&p.first, &p.second} {
		name := p.file([]string{"first", "second"}[len(p.contents)])
		*id = p.store(name)
		p.contents[*id] = p.stored
	}
	return p
}

func (p *faultProject) url(faults string) string {
	return "faulty:///./.codex/archive.sqlite?" +
		url.Values{"faults": {faults}, "program": {filepath.Join(programs, "plugins", "codex-archive-sqlite")}}.Encode()
}

// file writes a file to store and returns its name.
func (p *faultProject) file(content string) string {
	p.t.Helper()
	p.n++
	name := fmt.Sprintf("file%d", p.n)
	p.write(name, []byte(content))
	p.stored = content
	return name
}

// dirOf makes a directory of files to store, and returns its name.
func (p *faultProject) dirOf(name string, files int) string {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Join(p.dir, name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	for i := range files {
		path := fmt.Sprintf("%s/%d", name, i)
		p.files[path] = fmt.Sprintf("%s %d, %d\n", name, i, i/2)
		p.write(path, []byte(p.files[path]))
	}
	return name
}

// output returns a name to restore a record to.
func (p *faultProject) output(id string) string {
	p.n++
	name := fmt.Sprintf("out%d", p.n)
	p.outputs[name] = id
	return name
}

func (p *faultProject) manifest(ids ...string) string {
	p.t.Helper()
	p.n++
	name := fmt.Sprintf("manifest%d.csv", p.n)
	lines := "tombstone,output\n"
	for _, id := range ids {
		lines += id + "," + p.output(id) + "\n"
	}
	p.write(name, []byte(lines))
	return name
}

// acknowledged notes what a store has acknowledged: by its result, or by the
// error that it is stored and not recorded.
func (p *faultProject) acknowledged(r result) {
	var document struct{ Tombstone string }
	if json.Unmarshal([]byte(r.stdout), &document) == nil && document.Tombstone != "" {
		p.contents[document.Tombstone] = p.stored
	}
	for line := range strings.Lines(r.stdout) {
		var file struct{ Tombstone, Path, Status string }
		if json.Unmarshal([]byte(line), &file) == nil && file.Status != "" && file.Tombstone != "" {
			p.contents[file.Tombstone] = p.files[file.Path]
		}
	}
	if id := regexp.MustCompile(`stored, not recorded: ([0-9a-f-]{36})`).FindStringSubmatch(r.stderr); id != nil {
		p.contents[id[1]] = p.stored
	}
}

// check holds what is promised, whatever went wrong: what was acknowledged is
// restored whole; an output is whole or not there, and has a line; the evidence is
// chained, and has one line for each event of the archive and none for others.
func (p *faultProject) check() {
	p.t.Helper()
	var ids []string
	for id := range p.contents {
		ids = append(ids, id)
	}
	p.must("archive", "batch-restore", p.manifest(ids...), "--results", "check.json") // records what was not
	p.inPlaceOrArchived(p.files, 0)
	for name, id := range p.outputs {
		content, err := os.ReadFile(filepath.Join(p.dir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil || string(content) != p.contents[id] {
			p.t.Errorf("%s holds %.40q: %v", name, content, err)
		}
		if !p.hasLine(name) {
			p.t.Errorf("%s was restored without a line of evidence", name)
		}
	}
	p.checkEvents()
}

func (p *faultProject) hasLine(output string) bool {
	for _, r := range p.evidence() {
		if name, ok := r["output"].(string); ok && filepath.Base(name) == output {
			return true
		}
	}
	return false
}

func (p *faultProject) checkEvents() {
	p.t.Helper()
	lines := map[string]int{}
	for _, r := range p.evidence() {
		if hasAll(r, []string{"status=success"}) && r["db_event"] == nil && (r["action"] == "ARCHIVE" || r["action"] == "RESTORE") {
			lines[strings.ReplaceAll(r["id"].(string), "-", "")]++
		}
	}
	rows, err := p.db().Query("SELECT COALESCE(event, tombstone) FROM codex_item UNION ALL SELECT id FROM codex_event")
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			p.t.Fatal(err)
		}
		if n := lines[hex.EncodeToString(id)]; n != 1 {
			p.t.Errorf("%x has %d lines", id, n)
		}
		delete(lines, hex.EncodeToString(id))
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	for id := range lines {
		p.t.Errorf("the archive has no event %s", id)
	}
}
