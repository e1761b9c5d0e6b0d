//go:build unix

package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// commandKeys are settings by which a repository names a program. %s is a
// program that leaves a mark.
var commandKeys = []string{
	"[core]\n\tfsmonitor = %s",
	"[core]\n\thooksPath = %s.d",
	"[core]\n\tsshCommand = %s",
	"[core]\n\tpager = %s\n[pager]\n\tls-files = %[1]s\n\trev-parse = %[1]s\n\tconfig = %[1]s",
	"[core]\n\teditor = %s\n\taskPass = %[1]s\n\tgitProxy = %[1]s",
	"[core]\n\talternateRefsCommand = %s",
	"[diff]\n\texternal = %s\n[diff \"x\"]\n\ttextconv = %[1]s\n\tcommand = %[1]s",
	"[filter \"x\"]\n\tclean = %s\n\tsmudge = %[1]s\n\tprocess = %[1]s\n\trequired = true",
	"[gpg]\n\tprogram = %s\n[gpg \"ssh\"]\n\tprogram = %[1]s\n[log]\n\tshowSignature = true",
	"[credential]\n\thelper = %s",
	"[alias]\n\tls-files = !%s\n\trev-parse = !%[1]s\n\tconfig = !%[1]s",
	"[trace2]\n\teventTarget = %s",
	"[merge \"x\"]\n\tdriver = %s\n[uploadpack]\n\tpackObjectsHook = %[1]s",
	"[extensions]\n\tpartialClone = o\n[remote \"o\"]\n\tpromisor = true\n\turl = ext::%s\n\tuploadpack = %[1]s\n[protocol]\n\tallow = always\n[protocol \"ext\"]\n\tallow = always",
	"[extensions]\n\tpartialClone = o\n[remote \"o\"]\n\tpromisor = true\n\turl = ssh://host/x\n\tvcs = ext\n[core]\n\trepositoryFormatVersion = 1\n\tsshCommand = %s",
	"[extensions]\n\tpartialClone = o\n[remote \"o\"]\n\tpromisor = true\n\turl = /nowhere\n\tuploadpack = %s\n[core]\n\trepositoryFormatVersion = 1",
	"[include]\n\tpath = more\n# %s",
}

// trap writes a program that leaves a mark when it is run, and hooks that do.
func trap(t *testing.T) (program, mark string) {
	t.Helper()
	dir := t.TempDir()
	program, mark = filepath.Join(dir, "trap"), filepath.Join(dir, "mark")
	text := "#!/bin/sh\necho \"$0 $*\" >> " + mark + "\n"
	names := []string{program}
	for _, hook := range []string{"post-index-change", "post-checkout", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman"} {
		names = append(names, filepath.Join(program+".d", hook))
	}
	for _, name := range names {
		write(t, name, text)
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return program, mark
}

// everyQuestion asks git all that the package ever asks.
func everyQuestion(t *testing.T, dir string) {
	t.Helper()
	for _, ref := range []string{"", "HEAD", "v1", strings.Repeat("1", 40), strings.Repeat("1", 40) + "^{commit}"} {
		_, _ = Locate(t.Context(), dir, "a.x", ref)
	}
	_, _ = ProveUntracked(t.Context(), filepath.Join(dir, "a.x"))
	_, _ = ProveUntracked(t.Context(), filepath.Join(dir, "b"))
	if tree, err := Find(dir); err == nil && tree != nil {
		tree.confirmed = true
		_, _ = tree.States(t.Context(), "a.x", "b", "deep/c")
		_, _ = tree.run(t.Context(), "config", "--show-scope", "-z", "--get-all", "safe.directory")
	}
}

// TestConfigRunsNothing: a .git/config from a tarball names a program under
// every key that takes one, and no question runs it.
func TestConfigRunsNothing(t *testing.T) {
	for i, keys := range commandKeys {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir, _ := repository(t)
			program, mark := trap(t)
			write(t, filepath.Join(dir, ".gitattributes"), "* filter=x diff=x merge=x\n")
			write(t, filepath.Join(dir, "a.x"), "a")
			filetest.Git(t, dir, "add", "-A")
			config := filepath.Join(dir, ".git", "config")
			old, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf(keys+"\n", program)
			write(t, config, string(old)+text)
			write(t, filepath.Join(dir, ".git", "more"), "[core]\n\tfsmonitor = "+program+"\n")
			write(t, filepath.Join(dir, "a.x"), "changed after it was added")
			everyQuestion(t, dir)
			if data, err := os.ReadFile(mark); err == nil {
				t.Errorf("%s\nran: %s", text, data)
			}
			if strings.Contains(keys, "fsmonitor") {
				plainGit(t, dir, "status")
				if _, err := os.Stat(mark); err != nil {
					t.Errorf("the trap does not work: git status did not run it")
				}
			}
		})
	}
}

// TestEmbeddedBareRepository: a clone carries a directory that git, left to
// discover, would take for the repository.
func TestEmbeddedBareRepository(t *testing.T) {
	program, mark := trap(t)
	outer, _ := repository(t)
	bare := filepath.Join(outer, "sub")
	write(t, filepath.Join(bare, "HEAD"), "ref: refs/heads/main\n")
	write(t, filepath.Join(bare, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = "+program+"\n")
	write(t, filepath.Join(bare, "a.x"), "a")
	for _, d := range []string{"objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(bare, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	everyQuestion(t, bare)
	if data, err := os.ReadFile(mark); err == nil {
		t.Errorf("ran: %s", data)
	}
	if _, err := ProveUntracked(t.Context(), filepath.Join(bare, "a.x")); err != nil {
		t.Errorf("the outer repository was not asked: %v", err)
	}
	plainGit(t, bare, "status")
	if _, err := os.Stat(mark); err != nil {
		t.Log("this git refuses embedded bare repositories by itself")
	}
}

// TestForgedGitFile: a tarball's .git leads to a repository with a trap, or to
// one of the user's own.
func TestForgedGitFile(t *testing.T) {
	program, mark := trap(t)
	victim, _ := repository(t)
	evil, _ := repository(t)
	config := filepath.Join(evil, ".git", "config")
	write(t, config, "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = "+program+"\n")
	tree := t.TempDir()
	write(t, filepath.Join(tree, "a.x"), "a")

	linked := filepath.Join(evil, ".git", "worktrees", "x") // points back, but its commondir is the victim's
	write(t, filepath.Join(linked, "gitdir"), filepath.Join(tree, ".git")+"\n")
	write(t, filepath.Join(linked, "commondir"), filepath.Join(victim, ".git")+"\n")
	write(t, filepath.Join(linked, "HEAD"), "ref: refs/heads/main\n")
	for _, target := range []string{filepath.Join(evil, ".git"), filepath.Join(victim, ".git"), linked, "/nowhere", "../.git"} {
		write(t, filepath.Join(tree, ".git"), "gitdir: "+target+"\n")
		everyQuestion(t, tree)
		if _, err := ProveUntracked(t.Context(), filepath.Join(tree, "a.x")); err == nil {
			t.Errorf("gitdir %s: taken for a proof", target)
		}
		if found, err := Find(tree); err == nil && (found.Linked || found.Main() != "") {
			t.Errorf("gitdir %s: linked to %s", target, found.Main())
		}
	}
	if data, err := os.ReadFile(mark); err == nil {
		t.Errorf("ran: %s", data)
	}
}

// TestTooMuchOutput: a git that never stops writing is ended.
func TestTooMuchOutput(t *testing.T) {
	dir, _ := repository(t)
	bin := t.TempDir()
	write(t, filepath.Join(bin, "git"), "#!/bin/sh\nexec yes\n")
	if err := os.Chmod(filepath.Join(bin, "git"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	write(t, filepath.Join(dir, "a"), "a")
	if _, err := ProveUntracked(t.Context(), filepath.Join(dir, "a")); err == nil {
		t.Error("taken for a proof")
	}
}

// TestEnvironment: git sees no secret, and no variable that names another
// repository.
func TestEnvironment(t *testing.T) {
	dir, _ := repository(t)
	bin, seen := t.TempDir(), filepath.Join(t.TempDir(), "seen")
	write(t, filepath.Join(bin, "git"), "#!/bin/sh\nenv > "+seen+"\n")
	if err := os.Chmod(filepath.Join(bin, "git"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, name := range []string{"PGPASSWORD", "CODEX_ARCHIVE_URL", "GIT_DIR", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_TRACE2_EVENT", "GIT_EXEC_PATH"} {
		t.Setenv(name, "CaNaRy")
	}
	_, _ = Locate(t.Context(), dir, "f", "HEAD")
	if text := read(t, seen); strings.Contains(text, "CaNaRy") {
		t.Errorf("git saw:\n%s", text)
	}
}
