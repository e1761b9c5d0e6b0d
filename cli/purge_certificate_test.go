package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/codex-archive/codex/cli/internal/output"
)

// TestPurgeCertificate checks a certificate with nothing but the public key, and
// writes it again after the purge was done before.
func TestPurgeCertificate(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.must("archive", "evidence", "keygen", "--output", "audit.key", "--name", "example.com/audit")
	for _, name := range []string{"a", "b", "twin"} {
		p.write(name, []byte(name))
	}
	p.write("twin", []byte("b"))
	a, b, twin := p.store("a"), p.store("b", "--note", "kept\nline"), p.store("twin")
	p.must("archive", "hold", a, "--case", "17", "--by", "legal")
	p.must("archive", "release", a, "--case", "17", "--by", "legal")
	p.must("archive", "prune-request", a, b, "--by", "ann")
	p.must("archive", "prune-request", a, "--by", "bob")
	certify := []string{"archive", "purge", a, b, twin, "--by", "bob", "--key", "audit.key", "--certificate"}

	// Without a key nothing is purged.
	for want, args := range map[output.Code][]string{
		output.ExitUsage:   {"archive", "purge", a, "--by", "bob", "--certificate", "x.txt", "--key", "none.key"},
		output.ExitRefused: {"archive", "purge", a, "--by", "bob", "--certificate", "a", "--key", "audit.key"}, // exists
	} {
		if r := p.run(args...); r.code != want {
			t.Errorf("%v: exit code %d\n%s", args, r.code, r.stderr)
		}
	}
	if n := p.purged([]string{a, b, twin}); n != 0 {
		t.Fatalf("%d records are purged already", n)
	}
	if r := p.run(append(certify, "first.txt")...); r.code != output.ExitBatch { // the twin was not asked for
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	records := p.certificate("first.txt")
	if len(records) != 2 {
		t.Fatalf("%d records are certified, want 2", len(records))
	}
	for i, want := range []struct {
		tombstone, sha256 string
		removed           bool
		holds             int
	}{{a, sha256Hex([]byte("a")), true, 1}, {b, sha256Hex([]byte("b")), false, 0}} {
		c := records[i]
		if c.Tombstone != want.tombstone || c.SHA256 != want.sha256 || c.Removed != want.removed || len(c.Holds) != want.holds {
			t.Errorf("record %d is %+v, want %+v", i, c, want)
		}
		if c.Purge.Actor != "bob" || len(c.Requests) != 1 || c.Requests[0].Actor != "ann" {
			t.Errorf("record %d was purged by %+v, and asked for by %+v", i, c.Purge, c.Requests)
		}
		if n := count(p.evidence(), "action=PURGE", "id="+c.Purge.Event, "certificate=first.txt"); n != 1 {
			t.Errorf("the evidence has %d lines of the purge of record %d", n, i)
		}
	}
	// What was purged before is certified as it was.
	p.run(append(certify, "again.txt")...)
	if again := p.certificate("again.txt"); !slices.EqualFunc(again, records, func(x, y certified) bool { return x.Purge == y.Purge }) {
		t.Errorf("the second certificate has %+v, the first %+v", again, records)
	}
}

// certified is what a certificate says of a record.
type certified struct {
	Tombstone, SHA256 string
	Removed           bool `json:"content_removed"`
	Purge             struct{ Event, Actor, At string }
	Requests          []struct{ Actor string }
	Holds             []struct{ Case string }
}

// certificate checks a certificate and returns its records.
func (p *project) certificate(name string) (records []certified) {
	p.t.Helper()
	key, err := os.ReadFile(filepath.Join(p.dir, "audit.pub"))
	if err != nil {
		p.t.Fatal(err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		p.t.Fatal(err)
	}
	signed := p.read(name)
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		p.t.Fatal(err)
	}
	if changed := strings.Replace(string(signed), "bob", "rob", 1); changed == string(signed) {
		p.t.Error("the certificate does not name who purged")
	} else if _, err := note.Open([]byte(changed), note.VerifierList(verifier)); err == nil {
		p.t.Error("a certificate that was changed is valid")
	}
	if !strings.HasPrefix(n.Text, "codex-archive purge certificate v1\narchive ") || !strings.Contains(n.Text, "\nrule ") {
		p.t.Errorf("the certificate begins %.80q", n.Text)
	}
	for line := range strings.Lines(n.Text) {
		if strings.HasPrefix(line, "{") {
			var c certified
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				p.t.Fatal(err)
			}
			records = append(records, c)
		}
	}
	return records
}

// purged counts those of some records that are purged.
func (p *project) purged(ids []string) (n int) {
	p.t.Helper()
	for _, id := range ids {
		if p.field(p.must("archive", "show", id, "--json"), "purged_at") != "" {
			n++
		}
	}
	return n
}
