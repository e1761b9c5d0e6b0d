package archiver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// repository makes a git work tree with one commit and returns its directory
// and that commit.
func repository(t *testing.T) (dir, commit string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir = t.TempDir()
	filetest.Git(t, dir, "init", "-q")
	filetest.Git(t, dir, "commit", "-q", "--allow-empty", "-m", "x")
	return dir, filetest.Git(t, dir, "rev-parse", "HEAD")
}

func fileIn(t *testing.T, dir string, parts ...string) string {
	t.Helper()
	return filetest.Write(t, filepath.Join(append([]string{dir}, parts...)...), []byte("x"))
}

func open(t *testing.T, path, ref string) (*Source, error) {
	t.Helper()
	s, err := Open(t.Context(), Request{Path: path, Commit: ref, Compressor: compressor(t)})
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func TestOriginInWorkTree(t *testing.T) {
	dir, commit := repository(t)
	filetest.Git(t, dir, "tag", "v1")
	for _, parts := range [][]string{{"f"}, {"a b", "c", "f\xe9"}, {"new\nline", "x", "f"}} {
		for _, ref := range []string{"", "HEAD", "v1", "@", commit, strings.ToUpper(commit)} {
			s, err := open(t, fileIn(t, dir, parts...), ref)
			if err != nil {
				t.Errorf("%q at %q: %v", parts, ref, err)
				continue
			}
			if s.Commit != commit || s.WorkTreePath != strings.Join(parts, "/") {
				t.Errorf("%q at %q: commit %q, path %q", parts, ref, s.Commit, s.WorkTreePath)
			}
		}
	}
	path := fileIn(t, dir, "f")
	for _, ref := range []string{"nope", "-h", "--all", "HEAD..v1", "^HEAD", "HEAD v1", "HEAD\n", "HEAD^{tree}"} {
		_, err := open(t, path, ref)
		filetest.WantKind(t, err, sdk.Invalid, "commit")
	}
}

func TestOriginThroughSymbolicLink(t *testing.T) {
	dir, commit := repository(t)
	fileIn(t, dir, "sub", "f")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "sub"), link); err != nil {
		t.Skip(err)
	}
	s, err := open(t, filepath.Join(link, "f"), "")
	if err != nil || s.Commit != commit || s.WorkTreePath != "sub/f" || s.Path != filepath.Join(link, "f") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestOriginWithoutCommit(t *testing.T) {
	dir, commit := repository(t)
	empty := t.TempDir()
	filetest.Git(t, empty, "init", "-q")
	outside := t.TempDir()
	for name, c := range map[string]struct{ path, workTreePath, words string }{
		"no commit yet":   {fileIn(t, empty, "sub", "f"), "sub/f", "no such commit"},
		"outside":         {fileIn(t, outside, "f"), "", "outside a git work tree"},
		"inside .git":     {fileIn(t, dir, ".git", "f"), "", "outside a git work tree"},
		"broken .git":     {fileIn(t, fileInBroken(t), "f"), "", "git:"},
		"untrusted owner": {fileIn(t, untrusted(t), "f"), "", "dubious ownership"},
	} {
		if strings.HasSuffix(name, "owner") && os.Getuid() != 0 {
			continue // only root can give a directory away
		}
		s, err := open(t, c.path, "")
		if err != nil || s.Commit != "" || s.WorkTreePath != c.workTreePath {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		_, err = open(t, c.path, "HEAD")
		filetest.WantKind(t, err, sdk.Invalid, c.words)
		if s, err := open(t, c.path, commit); err != nil || s.Commit != commit {
			t.Errorf("%s: full hash: %v", name, err)
		}
	}
}

func fileInBroken(t *testing.T) string {
	dir := t.TempDir()
	filetest.Write(t, filepath.Join(dir, ".git"), []byte("gitdir: /nowhere\n"))
	return dir
}

func untrusted(t *testing.T) string {
	dir, _ := repository(t)
	for _, d := range []string{dir, filepath.Join(dir, ".git")} {
		if os.Getuid() == 0 {
			if err := os.Chown(d, 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// What a hook's environment says of another repository does not count.
func TestOriginIgnoresGitEnvironment(t *testing.T) {
	dir, commit := repository(t)
	other, _ := repository(t)
	filetest.Git(t, other, "-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "another")
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_WORK_TREE", other)
	s, err := open(t, fileIn(t, dir, "f"), "HEAD")
	if err != nil || s.Commit != commit || s.WorkTreePath != "f" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestOriginWithoutGit(t *testing.T) {
	dir, _ := repository(t)
	t.Setenv("PATH", t.TempDir())
	path := fileIn(t, dir, "f")
	if s, err := open(t, path, ""); err != nil || s.Commit != "" {
		t.Errorf("%+v, %v", s, err)
	}
	_, err := open(t, path, "HEAD")
	filetest.WantKind(t, err, sdk.Invalid, "git is not installed")
}

func TestOriginOfPipe(t *testing.T) {
	dir, commit := repository(t)
	fileIn(t, dir, "sub", "f")
	t.Chdir(dir)
	for as, want := range map[string]string{"sub/gone.py": "sub/gone.py", "nowhere/gone.py": ""} {
		s, err := Open(t.Context(), Request{Path: "-", As: as, Stdin: strings.NewReader("x"), Commit: "HEAD", Compressor: compressor(t)})
		if err != nil || s.Commit != commit || s.WorkTreePath != want {
			t.Errorf("%s: %+v, %v", as, s, err)
		}
	}
}
