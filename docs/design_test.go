package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDesignWalk checks that the functions that design.md names on the way of a
// file are in the files that it names, and that the way has at most 15 steps.
func TestDesignWalk(t *testing.T) {
	text, err := os.ReadFile("design.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walk, _ := strings.Cut(string(text), "## Where does a file go when I store it?\n")
	walk, _, _ = strings.Cut(walk, "\n## ")
	if steps := len(regexp.MustCompile(`(?m)^\d+\. `).FindAllString(walk, -1)); steps == 0 || steps > 15 {
		t.Errorf("the walk has %d steps", steps)
	}
	file := ""
	var source []byte
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(walk, -1) {
		name := m[1]
		switch {
		case strings.HasSuffix(name, ".go"):
			file = name
			if source, err = os.ReadFile(filepath.Join("..", file)); err != nil {
				t.Error(err)
			}
		case regexp.MustCompile(`^[A-Za-z]+$`).MatchString(name):
			if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`).Match(source) {
				t.Errorf("%s has no function %s", file, name)
			}
		}
	}
}
