//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReceiptInPython runs the program that docs/format.md shows on receipts of
// this program: of logs of many sizes and several parts, on a certificate, and on
// some that were changed.
func TestReceiptInPython(t *testing.T) {
	t.Parallel()
	python := pythonWithEd25519(t)
	p := newProject(t)
	p.must("archive", "evidence", "keygen")
	text, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d programs are shown", len(blocks))
	}
	p.write("check.py", blocks[0][1])
	key := filepath.Join(strings.TrimPrefix(p.env[1], "HOME="), ".config/codex/evidence.pub")
	check := func(receipt string) (string, error) {
		cmd := exec.Command(python, "check.py", receipt, key)
		cmd.Dir = p.dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for i := range 11 {
		p.write(fmt.Sprint("f", i), fmt.Append(nil, i))
	}
	p.store("f0", "--receipt", "one")
	p.must("archive", "evidence", "rotate")
	p.must("archive", "store", "repo", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "--reason", "dead", "--receipt", "many")
	receipts, _ := filepath.Glob(filepath.Join(p.dir, "many/*.receipt"))
	if len(receipts) != 10 {
		t.Fatalf("%d receipts", len(receipts))
	}
	for _, receipt := range append(receipts, "one") {
		line, err := check(receipt)
		if err != nil || !strings.Contains(line, `"action":"ARCHIVE"`) || receipt != "one" && !strings.Contains(line, strings.TrimSuffix(filepath.Base(receipt), ".receipt")) {
			t.Errorf("%s: %v\n%s", receipt, err, line)
		}
		p.must("archive", "evidence", "verify", "--receipt", receipt)
	}
	id := p.field(p.must("archive", "list", "--path", "f0", "--json"), "tombstone")
	p.must("archive", "prune-request", id, "--by", "ann")
	p.must("archive", "purge", id, "--by", "bob", "--certificate", "purged")
	if text, err := check("purged"); err != nil || !strings.Contains(text, id) || !strings.HasPrefix(text, "codex-archive purge certificate v1\n") {
		t.Errorf("the certificate: %v\n%s", err, text)
	}
	p.write("bad", bytes.Replace(p.read("purged"), []byte("ann"), []byte("bob"), 1))
	if text, err := check("bad"); err == nil {
		t.Errorf("a certificate that was changed: %s", text)
	}
	good := p.read("one")
	for name, bad := range map[string][]byte{
		"line":      bytes.Replace(good, []byte("tester"), []byte("mallory"), 1),
		"index":     bytes.Replace(good, []byte("index 0"), []byte("index 1"), 1),
		"signature": bytes.Replace(good, []byte("\n— "), []byte("\n— x"), 1),
	} {
		p.write("bad", bad)
		if out, err := check("bad"); err == nil {
			t.Errorf("%s changed: %s", name, out)
		}
		if r := p.run("archive", "evidence", "verify", "--receipt", "bad"); r.code != 5 {
			t.Errorf("%s changed: exit code %d\n%s", name, r.code, r.stderr)
		}
	}
}

// pythonWithEd25519 is an interpreter that has the package cryptography.
func pythonWithEd25519(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "from cryptography.hazmat.primitives.asymmetric import ed25519").Run() == nil {
			return python
		}
	}
	t.Skip("there is no python3 with the package cryptography, which the shown program needs for Ed25519")
	return ""
}
