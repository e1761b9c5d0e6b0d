//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// hostileRows are rows that cannot be restored, by the number of their file: what makes
// them so, %x being the tombstone, and the exit code of their item.
var hostileRows = map[int]struct {
	statement string
	code      output.Code
}{
	5:  {"UPDATE codex_artifact SET size = 9223372036854775807 WHERE id = (SELECT artifact FROM codex_item WHERE tombstone = x'%s')", output.ExitIntegrity},
	11: {"UPDATE codex_item SET artifact = (SELECT min(id) FROM codex_artifact) WHERE tombstone = x'%s'", output.ExitIntegrity},
	23: {"UPDATE codex_body SET data = zeroblob(length(data)) WHERE artifact = (SELECT artifact FROM codex_item WHERE tombstone = x'%s')", output.ExitIntegrity},
	31: {"DELETE FROM codex_body WHERE artifact = (SELECT artifact FROM codex_item WHERE tombstone = x'%s')", output.ExitIntegrity},
	37: {"UPDATE codex_artifact SET stored_size = stored_size + 1 WHERE id = (SELECT artifact FROM codex_item WHERE tombstone = x'%s')", output.ExitIntegrity},
	41: {"UPDATE codex_item SET file_mode = -1 WHERE tombstone = x'%s'", output.ExitIntegrity},
	43: {"", output.ExitNotFound}, // there is no such record
}

// TestHostileRowsInGroup: in a group each item that cannot be restored fails by
// itself, with its own code, and the others are restored.
func TestHostileRowsInGroup(t *testing.T) {
	t.Parallel()
	const files = 60
	p := newProject(t)
	if err := os.Mkdir(filepath.Join(p.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		p.write(fmt.Sprintf("in/%02d", i), fmt.Appendf(nil, "content of %d\n", i))
	}
	p.must("archive", "store", "repo", "in", "--reason", "dead")
	records, db := p.listed(), p.db()
	manifest := "tombstone,output\n"
	for i := range files {
		id := records[fmt.Sprintf("in/%02d", i)][0]["tombstone"].(string)
		if h, ok := hostileRows[i]; ok && h.statement == "" {
			id = "00000000-0000-4000-8000-000000000001"
		} else if ok {
			if _, err := db.Exec(fmt.Sprintf(h.statement, strings.ReplaceAll(id, "-", ""))); err != nil {
				t.Fatal(err)
			}
		}
		manifest += fmt.Sprintf("%s,out/%02d\n", id, i)
	}
	p.write("m.csv", []byte(manifest))
	r := p.run("archive", "batch-restore", "m.csv", "--results", "r.json", "--continue-on-error")
	var results struct {
		Items []struct {
			Status string
			Code   output.Code
			Error  string
		}
	}
	if err := json.Unmarshal(p.read("r.json"), &results); err != nil || r.code != output.ExitBatch {
		t.Fatalf("exit code %d, %v\n%s", r.code, err, r.stderr)
	}
	for i, item := range results.Items {
		name := fmt.Sprintf("out/%02d", i)
		found, err := os.ReadFile(filepath.Join(p.dir, name))
		h, bad := hostileRows[i]
		switch {
		case bad && (item.Status != "failed" || item.Code != h.code || item.Error == "" || err == nil):
			t.Errorf("item %d: %+v, %v", i+1, item, err)
		case !bad && (item.Status != "success" || string(found) != fmt.Sprintf("content of %d\n", i)):
			t.Errorf("item %d: %+v, %q", i+1, item, found)
		}
		if n := count(p.evidence(), "action=RESTORE", "status=success", "output="+name); (n == 1) == bad {
			t.Errorf("%s has %d lines of evidence", name, n)
		}
	}
	if n := count(p.evidence(), "action=RESTORE_FAIL"); n != len(hostileRows) {
		t.Errorf("%d failures are recorded of %d", n, len(hostileRows))
	}
}
