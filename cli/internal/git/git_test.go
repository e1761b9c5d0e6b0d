package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// repository makes a work tree with one commit, the tag v1 and a tracked file,
// and returns its directory, without links, and that commit.
func repository(t *testing.T) (dir, commit string) {
	t.Helper()
	dir = filetest.Dir(t)
	filetest.Git(t, dir, "init", "-q", "-b", "main")
	write(t, filepath.Join(dir, "tracked"), "x")
	filetest.Git(t, dir, "add", "tracked")
	commitAll(t, dir)
	filetest.Git(t, dir, "tag", "v1")
	return dir, filetest.Git(t, dir, "rev-parse", "HEAD")
}

func commitAll(t *testing.T, dir string) {
	t.Helper()
	filetest.Git(t, dir, "commit", "-q", "--allow-empty", "-m", "x")
}

// plainGit runs git as a user would, whatever comes of it.
func plainGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	_ = filetest.GitCommand(dir, args...).Run()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	filetest.Write(t, path, []byte(text))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLocate(t *testing.T) {
	dir, commit := repository(t)
	for _, ref := range []string{"", "HEAD", "v1", "@", commit, strings.ToUpper(commit), commit[:8]} {
		o, err := Locate(t.Context(), filepath.Join(dir), "f", ref)
		if err != nil || o.Path != "f" || o.Commit != commit {
			t.Errorf("%q: %+v, %v", ref, o, err)
		}
	}
	for _, ref := range []string{"nope", "-h", "--all", "HEAD..v1", "^HEAD", "HEAD v1", "HEAD\n", "HEAD^{tree}", "HEAD\x00"} {
		if o, err := Locate(t.Context(), dir, "f", ref); err == nil {
			t.Errorf("%q: %+v", ref, o)
		}
	}
	if o, err := Locate(t.Context(), dir, "", ""); err != nil || o != (Origin{Commit: commit}) {
		t.Errorf("no file: %+v, %v", o, err)
	}
	if o, err := Locate(t.Context(), filepath.Join(dir, ".git"), "f", ""); err != nil || o != (Origin{}) {
		t.Errorf("in .git: %+v, %v", o, err)
	}
	if o, err := Locate(t.Context(), filetest.Dir(t), "f", ""); err != nil || o != (Origin{}) {
		t.Errorf("outside: %+v, %v", o, err)
	}
}

// TestOriginSnapshot compares what one call of git says of a file with what two
// listings say.
func TestOriginSnapshot(t *testing.T) {
	dir, _ := repository(t)
	odd := " -f [*]\tü\nb"
	write(t, filepath.Join(dir, odd), "odd")
	write(t, filepath.Join(dir, "d", "gone"), "gone")
	filetest.Git(t, dir, "--literal-pathspecs", "add", "--", odd, "d/gone")
	commitAll(t, dir)
	filetest.Git(t, dir, "rm", "-q", "--cached", "d/gone")
	write(t, filepath.Join(dir, "staged"), "staged")
	filetest.Git(t, dir, "add", "staged")
	write(t, filepath.Join(dir, "untracked"), "untracked")
	for _, path := range []string{"f", odd, "d/gone", "staged", "untracked", "absent"} {
		o, err := Locate(t.Context(), filepath.Join(dir, filepath.Dir(path)), filepath.Base(path), "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Snapshot(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		want, err := TakeSnapshot(t.Context(), dir, o.Commit, path)
		if err != nil {
			t.Fatal(err)
		}
		id, known := got.Blob(path)
		wantID, wantKnown := want.Blob(path)
		if id != wantID || known != wantKnown || got.Commit != want.Commit || got.SHA256 != want.SHA256 {
			t.Errorf("%q: blob %q of %q, want %q of %q", path, id, got.Commit, wantID, want.Commit)
		}
		if id == "" && got.Tracked(path) != want.Tracked(path) {
			t.Errorf("%q: tracked %v", path, got.Tracked(path))
		}
	}
}

func TestStates(t *testing.T) {
	dir, _ := repository(t)
	write(t, filepath.Join(dir, "a [*]?\\ b"), "x")
	write(t, filepath.Join(dir, "Other"), "x")
	write(t, filepath.Join(dir, ".gitignore"), "Other\n")
	tree, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	states, err := tree.States(t.Context(), "tracked", "TRACKED", "a [*]?\\ b", "Other", "other", "gone", "*")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]State{
		"tracked": Tracked, "TRACKED": Tracked, "a [*]?\\ b": Untracked, "Other": Untracked, "other": Absent, "gone": Absent, "*": Absent,
	} {
		if states[path] != want {
			t.Errorf("%s: %d, want %d", path, states[path], want)
		}
	}
}

func TestProveUntracked(t *testing.T) {
	dir, _ := repository(t)
	write(t, filepath.Join(dir, "sub", "f"), "x")
	outside := filepath.Join(filetest.Dir(t), "f")
	write(t, outside, "x")
	for _, file := range []string{filepath.Join(dir, "sub", "f"), outside} {
		if _, err := ProveUntracked(t.Context(), file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}

	// A link that git tracks leads to a file that it does not.
	if err := os.Symlink("sub", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("f", filepath.Join(dir, "sub", "g")); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	filetest.Git(t, inner, "init", "-q")
	write(t, filepath.Join(inner, "f"), "x")
	filetest.Git(t, inner, "add", "f")
	for file, why := range map[string]string{
		"tracked":      "git tracks it",
		"sub/g":        "symbolic link",
		"gone":         "another way",
		"inner/f":      "git tracks it",
		".git/config":  "in .git",
		".git/HEAD":    "in .git",
		"SUB/../sub/G": "",
	} {
		_, err := ProveUntracked(t.Context(), filepath.Join(dir, file))
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", file, err, why)
		}
	}
	t.Setenv("PATH", filetest.Dir(t))
	if _, err := ProveUntracked(t.Context(), filepath.Join(dir, "sub", "f")); err == nil {
		t.Error("without git: taken for a proof")
	}
}

// TestGitlink: a submodule's place without its repository, as after a clone
// that did not recurse, proves nothing about files in it.
func TestGitlink(t *testing.T) {
	dir, commit := repository(t)
	filetest.Git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+commit+",.codex")
	write(t, filepath.Join(dir, ".codex", "archive.toml"), "x")
	if _, err := ProveUntracked(t.Context(), filepath.Join(dir, ".codex", "archive.toml")); err == nil {
		t.Error("taken for a proof")
	}
}

func TestLinkedTree(t *testing.T) {
	dir, commit := repository(t)
	linked := filepath.Join(filetest.Dir(t), "linked")
	filetest.Git(t, dir, "worktree", "add", "-q", "-b", "other", linked)
	tree, err := Find(linked)
	if err != nil || !tree.Linked || tree.Main() != dir {
		t.Fatalf("%+v, %v", tree, err)
	}
	if o, err := Locate(t.Context(), linked, "f", ""); err != nil || o != (Origin{Path: "f", Commit: commit}) {
		t.Errorf("%+v, %v", o, err)
	}
	write(t, filepath.Join(linked, "f"), "x")
	filetest.Git(t, dir, "add", "--intent-to-add", "--", ".")
	if _, err := ProveUntracked(t.Context(), filepath.Join(linked, "f")); err != nil {
		t.Error(err)
	}
	filetest.Git(t, linked, "add", "f")
	if _, err := ProveUntracked(t.Context(), filepath.Join(linked, "f")); err == nil {
		t.Error("the linked tree's own index was not asked")
	}

	bare := filepath.Join(filetest.Dir(t), "clone.git")
	filetest.Git(t, dir, "clone", "-q", "--bare", ".", bare)
	of := filepath.Join(filetest.Dir(t), "of-bare")
	filetest.Git(t, bare, "worktree", "add", "-q", of, "main")
	if tree, err := Find(of); err != nil || !tree.Linked || tree.Main() != "" {
		t.Errorf("of a bare clone: %+v, %v", tree, err)
	}
	hidden := filepath.Join(filetest.Dir(t), "x", ".git")
	filetest.Git(t, dir, "clone", "-q", "--bare", ".", hidden)
	of = filepath.Join(filetest.Dir(t), "of-hidden")
	filetest.Git(t, hidden, "worktree", "add", "-q", of, "main")
	if tree, err := Find(of); err != nil || !tree.Linked || tree.Main() != "" {
		t.Errorf("of a bare clone named .git: %+v, %v", tree, err)
	}
}

func TestSubmodule(t *testing.T) {
	dir, _ := repository(t)
	other, _ := repository(t)
	filetest.Git(t, dir, "submodule", "--quiet", "add", other, "sub")
	sub := filepath.Join(dir, "sub")
	write(t, filepath.Join(sub, "f"), "x")
	tree, err := Find(sub)
	if err != nil || tree.Dir != sub || tree.Linked {
		t.Fatalf("%+v, %v", tree, err)
	}
	if _, err := ProveUntracked(t.Context(), filepath.Join(sub, "f")); err != nil {
		t.Error(err)
	}
	if _, err := ProveUntracked(t.Context(), filepath.Join(sub, "tracked")); err == nil {
		t.Error("a tracked file of a submodule")
	}
	linked := filepath.Join(filetest.Dir(t), "linked")
	filetest.Git(t, sub, "worktree", "add", "-q", "-b", "o", linked)
	if tree, err := Find(linked); err != nil || tree.Main() != sub {
		t.Errorf("a linked tree of a submodule: %+v, %v", tree, err)
	}
}

func TestExclude(t *testing.T) {
	dir, _ := repository(t)
	names := []string{"a b ", "x[1]*?", `back\slash`, "#hash", "!bang", "plain"}
	for _, name := range names {
		write(t, filepath.Join(dir, name), "x")
		write(t, filepath.Join(dir, "sub", name), "x") // not anchored patterns would match these
	}
	write(t, filepath.Join(dir, "x1z"), "x")
	tree, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	exclude := filepath.Join(dir, ".git", "info", "exclude")
	write(t, exclude, "no newline")
	for range 2 {
		if err := tree.Exclude(append(names, "bad\nname")...); err != nil {
			t.Fatal(err)
		}
	}
	if text := read(t, exclude); strings.Count(text, "plain") != 1 || !strings.HasPrefix(text, "no newline\n#") {
		t.Errorf("exclude is %q", text)
	}
	got := filetest.Git(t, dir, "ls-files", "-z", "--others", "--exclude-standard")
	if strings.Count(got, "\x00") != len(names)+1 || !strings.Contains(got, "x1z") {
		t.Errorf("not excluded: %q", got)
	}
	victim := filepath.Join(filetest.Dir(t), "victim")
	write(t, victim, "v")
	if err := os.Remove(exclude); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, exclude); err != nil {
		t.Skip(err)
	}
	if err := tree.Exclude("y"); err == nil || read(t, victim) != "v" {
		t.Errorf("through a link: %v, %q", err, read(t, victim))
	}
}

func TestInGit(t *testing.T) {
	for path, want := range map[string]bool{
		".git/x": true, "a/.GIT": true, "a/.git./x": true, ".g\u200cit/hooks": true, "GIT~1/x": true, ".git::$INDEX_ALLOCATION/x": true,
		".gitx/a": false, "git/a": false, "a.git/b": false, ".github": false,
	} {
		if got := InGit(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
