//go:build unix

package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/scripts/soak"
)

// filesProject stores so many files of a size, and keeps them in the directory
// files.
func filesProject(t *testing.T, n, size int) *project {
	t.Helper()
	p := newProject(t)
	if err := os.Mkdir(filepath.Join(p.dir, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		content := make([]byte, size)
		if _, err := newNoise(fmt.Sprint("file", i)).Read(content); err != nil {
			t.Fatal(err)
		}
		p.write(filepath.Join("files", fmt.Sprint(i)), content)
	}
	p.must("archive", "store", "r", "files", "--reason", "dead")
	return p
}

// TestVerifyInterrupted: after Ctrl-C the results file holds how far the run came,
// and --resume verifies the rest and nothing twice.
func TestVerifyInterrupted(t *testing.T) {
	t.Parallel()
	const files = 40
	p := filesProject(t, files, 2<<20) // each is read by itself
	cmd := p.command("archive", "verify", "--jobs", "1", "--results", "r.json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Progress:") {
			_ = cmd.Process.Signal(syscall.SIGINT) // it may be over
			break
		}
	}
	for lines.Scan() { // to its end
	}
	_ = cmd.Wait() // the code counts
	code := output.Code(cmd.ProcessState.ExitCode())
	first := p.verified()
	if code == output.ExitDone {
		t.Log("the verification was over before the signal came")
		return
	}
	if code != output.ExitInterrupted || first.Complete || first.Summary.Records == 0 || first.Summary.Records == files {
		t.Fatalf("exit code %d, %+v", code, first.Summary)
	}
	if n := count(p.evidence(), "action=VERIFY", "status=failed"); n != 1 {
		t.Errorf("%d lines say that it was stopped", n)
	}
	p.must("archive", "verify", "--resume", "--results", "r.json")
	all := p.verified()
	if s := all.Summary; !all.Complete || s.Records != files || s.Intact != files || s.Contents != files || !all.Begun.Equal(first.Begun) {
		t.Errorf("after --resume: %+v", all)
	}
	log := p.evidence()
	verified, _ := log[len(log)-1]["verified"].(map[string]any)
	if fmt.Sprint(verified["earlier_records"]) != fmt.Sprint(first.Summary.Records) {
		t.Errorf("%d records were verified before, and the evidence says %v", first.Summary.Records, verified)
	}
	if r := p.run("archive", "verify", "--resume", "--results", "r.json"); r.code != output.ExitUsage {
		t.Errorf("a complete run was resumed: exit code %d\n%s", r.code, r.stderr)
	}
}

// verified reads the results file r.json.
func (p *project) verified() (r verifier.Results) {
	p.t.Helper()
	if err := json.Unmarshal(p.read("r.json"), &r); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// damage changes the stored bytes of all content behind the archive's back.
func (p *project) damage() {
	p.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, ".codex", "archive.sqlite"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE codex_body SET data = zeroblob(length(data))",
		"DELETE FROM codex_artifact_chunk WHERE seq = 0",
	} {
		if _, err := db.Exec(statement); err != nil {
			p.t.Fatal(err)
		}
	}
}

// piecesProject is a project for rounds of kills, with files of several pieces and
// a large one.
func piecesProject(t *testing.T, files int) *project {
	t.Helper()
	if testing.Short() {
		t.Skip("short: it starts some programs that it kills")
	}
	t.Parallel()
	p := filesProject(t, files, 100<<10)
	p.write("files/large", make([]byte, 9<<20))
	return p
}

// TestRepairKilledSoak kills a repair at any moment. Each content is damaged then
// or whole, each one that is whole has evidence, and a rerun repairs the rest.
func TestRepairKilledSoak(t *testing.T) {
	const files = 12
	p := piecesProject(t, files)
	p.must("archive", "store", "r", "files/large", "--reason", "dead")
	begun := time.Now()
	p.damage()
	p.must("archive", "repair", "--all", "--from", "files")
	took := time.Since(begun)
	for i := range soak.Rounds(t, 2) {
		p.damage()
		before := count(p.evidence(), "action=REPAIR", "status=started")
		cmd := p.command("archive", "repair", "--all", "--from", "files")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(took))))
		_ = cmd.Process.Kill() // it may be over
		_ = cmd.Wait()         // it was killed
		if r := p.run("archive", "verify", "--results", "r.json"); r.code != output.ExitDone && r.code != output.ExitIntegrity {
			t.Fatalf("round %d: verify: exit code %d\n%s", i, r.code, r.stderr)
		}
		s := p.verified().Summary
		if s.Intact+s.Damaged+s.Missing != files+1 {
			t.Errorf("round %d: %+v", i, s)
		}
		if n := count(p.evidence(), "action=REPAIR", "status=started") - before; int64(n) < s.Intact {
			t.Errorf("round %d: %d contents are whole, and %d repairs are in the evidence", i, s.Intact, n)
		}
		p.must("archive", "repair", "--all", "--from", "files")
		p.must("archive", "verify", "--results", "r.json")
		p.must("archive", "evidence", "verify")
	}
}

// TestRecryptKilledSoak kills a recryption at any moment. Each content can be read
// then, with the old key or the new one, and a run that goes on does the rest.
func TestRecryptKilledSoak(t *testing.T) {
	const files = 12
	p := piecesProject(t, files)
	const small = 20 // they share a key
	if err := os.Mkdir(filepath.Join(p.dir, "small"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range small {
		p.write(fmt.Sprintf("small/%d", i), []byte(fmt.Sprint("small ", i)))
	}
	p.must("archive", "store", "r", "small", "--reason", "dead")
	keys := [2]struct{ public, private string }{
		{"age19575rf5g85ahakpze352tpa5fr04tarrs8y2nt0h74k77t9uqq8sxpdrm8", "AGE-SECRET-KEY-162M2M69LT9UWF7XW8LRJ7LTFKPTVCG20DQSHSGGKMF0NJZ5S78USQDM6US"},
		{"age1940rlq794al094npvudhpye04j3xf9zy5rc3dv8gvaelrgesnsnsgaalnv", "AGE-SECRET-KEY-1VUTD3X57D62QC8QR5WWC59QGJQ93W6VE3C2UV2U4WRK683D6NV6QPTDUSJ"},
	}
	identity := ""
	for i, key := range keys {
		p.write(fmt.Sprintf("to%d", i), []byte(key.public))
		identity += key.private + "\n"
		if err := os.WriteFile(filepath.Join(p.dir, fmt.Sprintf("key%d", i)), []byte(key.private), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.dir, "keys"), []byte(identity), 0o600); err != nil {
		t.Fatal(err)
	}
	const both = "archive.identity_file=keys"
	p.must("archive", "store", "r", "files/large", "--reason", "dead")
	recrypt := func(to int, more ...string) []string {
		return append([]string{"archive", "recrypt", "--all", "--results", "k.json", "--set", both, "--set", fmt.Sprintf("archive.recipients_file=to%d", to)}, more...)
	}
	begun := time.Now()
	p.must(recrypt(0)...)
	took := time.Since(begun)
	for i := range soak.Rounds(t, 2) {
		to := 1 - i%2
		if err := os.RemoveAll(filepath.Join(p.dir, "k.json")); err != nil {
			t.Fatal(err)
		}
		cmd := p.command(recrypt(to)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(took))))
		_ = cmd.Process.Kill() // it may be over
		_ = cmd.Wait()         // it was killed
		p.must("archive", "verify", "--results", "r.json", "--set", both)
		if s := p.verified().Summary; s.Intact != files+1+small {
			t.Errorf("round %d: %+v", i, s)
		}
		r := p.run(recrypt(to, "--resume")...)
		if r.code == output.ExitUsage { // it was killed before it had results, or was complete
			p.must(recrypt(to)...)
		} else if r.code != output.ExitDone {
			t.Errorf("round %d: exit code %d\n%s", i, r.code, r.stderr)
		}
		p.must("archive", "verify", "--results", "r.json", "--set", fmt.Sprintf("archive.identity_file=key%d", to))
		p.must("archive", "verify", "--structure")
		p.must("archive", "evidence", "verify", "--reconcile")
	}
}
