package tree

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"os"
)

// TestPatternsAsGit asks git itself about each pattern and path.
func TestPatternsAsGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("needs git, to compare with")
	}
	paths := []string{
		"a", "b.go", "b_test.go", "src/a", "src/b.go", "src/deep/b.go", "src/deep/build/x", "build/x", "build/src/b.go",
		"{a,b}", "a,b", "#x", "!x", "x ", "src/.hidden", "src/A9", "src/a b", "docs/x/y/z.md", "docs/z.md", "xdocs/z.md", "[a]", "a-b",
	}
	for _, patterns := range [][]string{
		{"a"}, {"/a"}, {"*.go"}, {"/*.go"}, {"src/*.go"}, {"src/**/*.go"}, {"**/build"}, {"build/"}, {"/build/"}, {"src/deep/"},
		{"*_test.go"}, {"*", "!*.go"}, {"*.go", "!b.go"}, {"!b.go", "*.go"}, {"{a,b}"}, {"#x"}, {`\#x`}, {`\!x`}, {"!x"}, {"x "}, {`x\ `},
		{"src/**"}, {"src/**", "!src/deep/"}, {"docs/**/z.md"}, {"**/z.md"}, {"docs**"}, {"[ab]"}, {"[!a]"}, {"[^a]*"}, {"?"}, {"src/[[:upper:]][[:digit:]]"},
		{"src/[[:alpha:]] b"}, {"a[-+]b"}, {`\[a\]`}, {".*"}, {"src"}, {"deep"}, {"/deep"}, {"*/deep"}, {"x*y"}, {"docs/x/*"}, {"docs/*/z.md"}, {"", " "},
	} {
		t.Run(strings.Join(patterns, " "), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run := func(stdin string, args ...string) string {
				cmd := exec.Command(git, append([]string{"-C", dir, "-c", "core.excludesFile="}, args...)...)
				cmd.Stdin = strings.NewReader(stdin)
				out, _ := cmd.Output() // check-ignore fails where nothing is ignored
				return string(out)
			}
			run("", "init", "-q")
			if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(strings.Join(patterns, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			ignored := map[string]bool{}
			for _, p := range strings.Split(run(strings.Join(paths, "\x00")+"\x00", "check-ignore", "-z", "--stdin", "--no-index"), "\x00") {
				ignored[p] = true
			}
			all, err := ParsePatterns(patterns)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range paths {
				if got := all.matchBelow(p); got != ignored[p] {
					t.Errorf("%q: %v, git says %v", p, got, ignored[p])
				}
			}
		})
	}
}

func TestPatternsThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"[", "a[b", `a\`} {
		if all, err := ParsePatterns([]string{p}); err == nil {
			t.Errorf("%q is taken as %+v", p, all)
		}
	}
}
