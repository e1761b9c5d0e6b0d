//go:build unix

package main

import (
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/soak"
)

// TestKillDuringRepairSoak kills repairs at many moments, the host or its plugin:
// each content is as it was or whole, the evidence says what was begun, and a rerun
// completes.
func TestKillDuringRepairSoak(t *testing.T) {
	t.Parallel()
	needsProc(t)
	p := newProject(t)
	p.plantTree(60)
	p.must("archive", "store", "repo", "tree", "--reason", "dead")
	db := p.db()
	inside := 0
	for round := range soak.Rounds(t, 2) {
		for _, damage := range []string{"DELETE FROM codex_body", "UPDATE codex_artifact SET crc32c = -1 WHERE stored_size > 1000"} {
			if _, err := db.ExecContext(t.Context(), damage); err != nil {
				t.Fatal(err)
			}
		}
		damaged := p.number(db, "SELECT count(*) FROM codex_artifact") - p.number(db, "SELECT count(*) FROM codex_body")
		earlier := len(p.evidence())
		run := p.start("archive", "repair", "--all", "--from", "tree")
		run.killSomewhere(round, 60000)
		lines := p.evidence()[earlier:]
		begun, ended := count(lines, "action=REPAIR", "status=started"), count(lines, "action=REPAIR", "status=success")
		whole := p.number(db, "SELECT count(*) FROM codex_body")
		if ended > begun || whole > begun {
			t.Fatalf("round %d: %d repairs began, %d ended, %d of %d contents have a body", round, begun, ended, whole, damaged)
		}
		if 0 < whole && whole < damaged {
			inside++
		}
		p.must("archive", "repair", "--all", "--from", "tree")
		if r := p.run("archive", "verify", "--results", "r.json"); r.code != output.ExitDone {
			t.Fatalf("round %d: after the rerun verify ends with %d\n%s%s", round, r.code, r.stdout, r.stderr)
		}
	}
	t.Logf("%d kills came when some contents were whole and some were not", inside)
	p.must("archive", "evidence", "verify")
}
