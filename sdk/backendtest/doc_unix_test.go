//go:build unix

package backendtest_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk/backendtest"
)

// TestDocIsChecked: the rules that the documentation of sdk names are there, and
// each of them, or one of each group, fails a mutant.
func TestDocIsChecked(t *testing.T) {
	doc, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(string(doc), "//", " ")), " ")
	failing := strings.Join([]string{"CUT-01", "CUT-02", "CUT-03"}, " ") // on a database server: the backend for PostgreSQL has these mutants
	for _, m := range mutants() {
		failing += " " + m.want
	}
	for _, f := range programFaults {
		failing += " " + f.want
	}
	for _, f := range wireFaults {
		failing += " " + f.rule
	}
	var ids []string
	for _, r := range backendtest.Rules() {
		ids = append(ids, r.ID)
	}
	named := 0
	for _, list := range regexp.MustCompile(`\(([A-Z]+(?:-\d\d)?(?:(?:, | to )[A-Z]+(?:-\d\d)?)*)\)`).FindAllStringSubmatch(text, -1) {
		for _, name := range strings.FieldsFunc(strings.ReplaceAll(list[1], " to ", ","), func(r rune) bool { return r == ',' || r == ' ' }) {
			named++
			starts := func(id string) bool { return id == name || strings.HasPrefix(id, name+"-") }
			if !slices.ContainsFunc(ids, starts) {
				t.Errorf("%s: there is no such rule", name)
			} else if !slices.ContainsFunc(strings.Fields(failing), starts) {
				t.Errorf("%s: no mutant fails it", name)
			}
		}
	}
	if named < 30 {
		t.Errorf("found %d names of rules in the documentation; it has more", named)
	}
}
