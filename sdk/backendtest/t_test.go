package backendtest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk/memory"
)

// tryRule runs one check as the runner would.
func tryRule(t *testing.T, check func(*T)) Result {
	t.Helper()
	target := Target{Name: "memory", Open: memory.Driver().Open, URL: func() string { return "memory://t" }}
	r := &runner{target: &target}
	if err := r.newArchive(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return r.run(t.Context(), must("TRY-01", "A sentence.", check))
}

// TestFatalfAndSkipfEndTheRule: the rule ends with what they say.
func TestFatalfAndSkipfEndTheRule(t *testing.T) {
	for want, end := range map[Status]func(*T, string, ...any){Failed: (*T).Fatalf, Skipped: (*T).Skipf} {
		res := tryRule(t, func(t *T) {
			end(t, "a server of version %d", 9)
			t.Errorf("went on")
		})
		if res.Status != want || res.Why != "a server of version 9" {
			t.Errorf("%s %q, want %s", res.Status, res.Why, want)
		}
	}
}

func TestCleanupAfterFailure(t *testing.T) {
	var order []int
	var dir string
	res := tryRule(t, func(t *T) {
		dir = t.TempDir()
		for i := range 3 {
			t.Cleanup(func() { order = append(order, i) })
		}
		t.Cleanup(func() { t.Errorf("a cleanup can fail the rule") })
		panic("by the backend")
	})
	if !slices.Equal(order, []int{2, 1, 0}) {
		t.Errorf("cleanups ran as %v", order)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	for _, want := range []string{"panic: by the backend", "a cleanup can fail the rule"} {
		if !strings.Contains(res.Why, want) {
			t.Errorf("the rule does not say %q: %s", want, res.Why)
		}
	}
}

func TestManyLinesAreCut(t *testing.T) {
	res := tryRule(t, func(t *T) {
		for n := range mostLines + 5 {
			t.Errorf("wrong %d", n)
		}
	})
	if n := strings.Count(res.Why, "wrong"); n != mostLines || !strings.HasSuffix(res.Why, "and 5 more lines") {
		t.Errorf("%d lines, ending in %q", n, res.Why[len(res.Why)-20:])
	}
}
