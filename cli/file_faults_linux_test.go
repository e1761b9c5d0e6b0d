package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/soak"
)

// fileFault has system calls of a whole command fail, those of the backend
// included. strace counts the calls of each thread.
type fileFault struct {
	calls string
	err   string
	when  string // the n-th call, or n+step
	log   bool   // only calls on the evidence log
}

func (f fileFault) String() string {
	where := "any file"
	if f.log {
		where = "the log"
	}
	return fmt.Sprintf("%s %s %s on %s", f.calls, f.err, f.when, where)
}

// first is the number of the first call that fails, among those of a thread.
func (f fileFault) first() int {
	n, _, _ := strings.Cut(f.when, "+")
	first, err := strconv.Atoi(n)
	if err != nil {
		panic(err)
	}
	return first
}

// faultedCalls are the calls of a fault's kind that commands made.
type faultedCalls struct {
	failed int // of all threads
	most   int // of one call by one thread, which is how strace counts
}

func (c *faultedCalls) add(more faultedCalls) {
	c.failed += more.failed
	c.most = max(c.most, more.most)
}

// countCalls reads what strace has written: a line begins with thread and call.
func countCalls(trace []byte) (c faultedCalls) {
	threads := map[string]int{}
	for line := range bytes.Lines(trace) {
		call, _, found := bytes.Cut(line, []byte("("))
		if found && !bytes.Contains(call, []byte("<...")) { // that is the end of a call which was counted
			threads[string(call)]++
			c.most = max(c.most, threads[string(call)])
		}
	}
	c.failed = bytes.Count(trace, []byte("(INJECTED)"))
	return c
}

// fileFaults are those of every test run, and more under make soak.
func fileFaults() []fileFault {
	faults := []fileFault{
		{"fsync", "ENOSPC", "1", true},
		{"write", "ENOSPC", "1", true},
		{"fsync,fdatasync", "EIO", "1", false},
	}
	if os.Getenv(soak.Variable) == "" {
		return faults
	}
	faults = faults[2:] // those below have the others
	for _, when := range []string{"1", "2", "3", "1+2", "2+2", "2+3"} {
		for _, calls := range []string{"write", "fsync", "write,fsync", "ftruncate,fsync"} {
			faults = append(faults, fileFault{calls, "EIO", when, true}, fileFault{calls, "ENOSPC", when, true})
		}
		faults = append(faults,
			fileFault{"fsync,fdatasync", "ENOSPC", when, false},
			fileFault{"pwrite64", "ENOSPC", when, false},
			fileFault{"?renameat,?renameat2,?linkat,?unlinkat,?mkdirat", "ENOSPC", when, false},
			fileFault{"ftruncate,fallocate", "EIO", when, false})
	}
	return faults
}

// fileFaultActs are what is done with each fault: a new command is a row.
var fileFaultActs = []struct {
	name string
	args func(p *fileFaultProject) []string
}{
	{"store", func(p *fileFaultProject) []string {
		return []string{"store", "repo", p.file("new"), "--reason", "dead"}
	}},
	{"store of many", func(p *fileFaultProject) []string {
		return []string{"store", "repo", "many", "--reason", "dead", "--json", "--continue-on-error"}
	}},
	{"restore", func(p *fileFaultProject) []string { return []string{"restore", p.ids[0], "out/0"} }},
	{"restore to standard output", func(p *fileFaultProject) []string { return []string{"restore", p.ids[0], "-"} }},
	{"batch-restore", func(p *fileFaultProject) []string {
		return []string{"batch-restore", "batch.csv", "--continue-on-error", "--results", "r.json"}
	}},
	{"hold", func(p *fileFaultProject) []string { return []string{"hold", p.ids[1], "--case", "x"} }},
	{"release", func(p *fileFaultProject) []string { return []string{"release", p.ids[1], "--case", "x"} }},
	{"retain", func(p *fileFaultProject) []string { return []string{"retain", p.ids[1], "--days", "9"} }},
	{"prune-request", func(p *fileFaultProject) []string { return []string{"prune-request", p.ids[2], p.ids[3]} }},
	{"purge", func(p *fileFaultProject) []string { return []string{"purge", p.ids[2], p.ids[4], "--by", "another"} }},
	{"verify", func(p *fileFaultProject) []string { return []string{"verify", "--results", "v.json"} }},
	{"rotate", func(p *fileFaultProject) []string { return []string{"evidence", "rotate", "--key", "k"} }},
	{"store after", func(p *fileFaultProject) []string {
		return []string{"store", "repo", p.file("after"), "--reason", "dead"}
	}},
}

// TestFileFaultsSoak has system calls of every command fail, on the evidence log
// and on any file. Whatever a command said, afterwards the log is chained, the log
// and the archive name the same acts, each once, and what was acknowledged is
// there. It takes some seconds: every command meets every fault.
func TestFileFaultsSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts hundreds of programs")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v (scripts/databases/install.sh installs it)", err)
	}
	for _, fault := range fileFaults() {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			p := newFileFaultProject(t)
			var all faultedCalls
			for _, act := range fileFaultActs {
				all.add(p.act(act.name, fault, act.args(p)))
			}
			switch {
			case all.failed > 0:
			case all.most >= fault.first():
				t.Errorf("no call failed, and a thread made one %d times", all.most)
			case os.Getenv(soak.Variable) == "":
				t.Error("no call failed: no command makes such a call")
			default:
				t.Logf("not reached: no thread of a command makes a call of these more than %d times", all.most)
			}
			p.check()
		})
	}
}

type fileFaultProject struct {
	*project
	ids   []string          // stored and prepared without faults
	acked map[string]string // contents by tombstone
	given string            // what the store under way stores
	many  map[string]string
	n     int
}

func newFileFaultProject(t *testing.T) *fileFaultProject {
	t.Helper()
	p := &fileFaultProject{project: newProject(t), acked: map[string]string{}, many: map[string]string{}}
	for i := range 5 {
		id := p.store(p.file(fmt.Sprint("prepared ", i)))
		p.ids, p.acked[id] = append(p.ids, id), p.given
	}
	if err := os.Mkdir(filepath.Join(p.dir, "many"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		path := fmt.Sprintf("many/%d", i)
		p.many[path] = fmt.Sprint("many ", i)
		p.write(path, []byte(p.many[path]))
	}
	p.must("archive", "prune-request", p.ids[4])
	p.must("archive", "evidence", "keygen", "--output", "k")
	p.write("batch.csv", []byte("tombstone,output\n"+p.ids[0]+",out/b0\n"+p.ids[1]+",out/b1\n"+p.ids[3]+",out/b3\n"))
	return p
}

func (p *fileFaultProject) file(content string) string {
	p.n++
	p.given = content
	name := fmt.Sprint("file", p.n)
	p.write(name, []byte(content))
	return name
}

// act runs one command with the fault, and returns its calls of that kind.
func (p *fileFaultProject) act(name string, fault fileFault, args []string) faultedCalls {
	p.t.Helper()
	trace := filepath.Join(p.runtime, "trace")
	strace := []string{"-f", "--seccomp-bpf", "-qq", "-o", trace, "-e", "trace=" + fault.calls, "-e", "inject=" + fault.calls + ":error=" + fault.err + ":when=" + fault.when}
	if fault.log {
		strace = append(strace, "-P", filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl"))
	}
	codex := p.command(append([]string{"archive"}, args...)...)
	cmd := exec.Command("strace", append(append(strace, codex.Path), codex.Args[1:]...)...)
	cmd.Dir, cmd.Env = codex.Dir, codex.Env
	r := finish(p.t, cmd)
	text, err := os.ReadFile(trace)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, r.stderr)
	}
	calls := countCalls(text)
	p.t.Logf("%s: exit code %d, %d calls failed %s", name, r.code, calls.failed, r.stderr)
	if r.code != 0 && calls.failed == 0 {
		p.t.Errorf("%s: no call failed, exit code %d\n%s", name, r.code, r.stderr)
	}
	if strings.Contains(r.stderr, "panic") {
		p.t.Errorf("%s:\n%s", name, r.stderr)
	}
	p.acknowledged(name, r)
	return calls
}

// acknowledged notes what was promised.
func (p *fileFaultProject) acknowledged(name string, r result) {
	p.t.Helper()
	for line := range strings.Lines(r.stdout) {
		var file struct{ Tombstone, Path, Status string }
		if json.Unmarshal([]byte(line), &file) == nil && file.Status != "" && file.Tombstone != "" {
			p.acked[file.Tombstone] = p.many[file.Path]
		}
	}
	var one struct{ Tombstone string }
	if strings.HasPrefix(name, "store") && json.Unmarshal([]byte(r.stdout), &one) == nil && one.Tombstone != "" {
		p.acked[one.Tombstone] = p.given
	}
	if id := regexp.MustCompile(`stored, not recorded: ([0-9a-f-]{36})`).FindStringSubmatch(r.stderr); id != nil && name != "store of many" {
		p.acked[id[1]] = p.given
	}
	switch {
	case name == "restore" && r.code == 0 && string(p.read("out/0")) != p.acked[p.ids[0]]:
		p.t.Errorf("%s succeeded, and the output is another", name)
	case name == "restore to standard output" && r.code == 0 && r.stdout != p.acked[p.ids[0]]:
		p.t.Errorf("%s succeeded, and printed %q", name, r.stdout)
	}
}

// check holds what is promised after the next command without faults.
func (p *fileFaultProject) check() {
	p.t.Helper()
	p.store(p.file("last"))
	p.must("archive", "evidence", "verify", "--reconcile")
	lines := map[string]int{}
	parts, err := filepath.Glob(filepath.Join(p.dir, ".codex/evidence/archive_ops*.jsonl"))
	if err != nil || len(parts) == 0 {
		p.t.Fatalf("%q, %v", parts, err)
	}
	log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
	for _, part := range parts {
		if part != log && isFile(part, log) {
			continue // a rotation that failed has left a second name
		}
		text, err := os.ReadFile(part)
		if err != nil {
			p.t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r map[string]any
			if err := json.Unmarshal(line, &r); err != nil {
				p.t.Fatalf("%s: %q", part, line)
			}
			if hasAll(r, []string{"status=success"}) {
				lines[r["id"].(string)]++
			}
		}
	}
	for id, n := range lines {
		if n != 1 {
			p.t.Errorf("the act %s has %d lines", id, n)
		}
	}
	for id, content := range p.acked {
		r := p.run("archive", "restore", id, "-")
		asked := id == p.ids[2] || id == p.ids[4]
		if r.stdout != content && !(asked && strings.Contains(r.stderr, "its content was purged")) {
			p.t.Errorf("%s: exit code %d, %q, want %q\n%s", id, r.code, r.stdout, content, r.stderr)
		}
	}
}
