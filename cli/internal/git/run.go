package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	wait      = 10 * time.Second // of one call: a few milliseconds of work, unless the file system hangs
	maxOutput = 4 << 20          // bytes of one answer: the questions asked here name their paths
)

// errNoGit is why nothing is known of a work tree where git is not installed.
var errNoGit = errors.New("git is not installed")

// hardening are the settings of every call. They outrank every file.
//   - core.fsmonitor and core.hooksPath would name programs.
//   - protocol.allow: a partial clone fetches objects that are missing through
//     a program that its config names.
//   - safe.bareRepository: git takes no directory inside the tree for a
//     repository.
//
// core.pager, core.editor, diff.external, textconv, filter.*, gpg.*,
// credential.helper and core.sshCommand belong to commands that are not called.
func hardening() []string {
	return []string{
		"--no-pager", "--no-replace-objects",
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit",
		"-c", "protocol.allow=never",
	}
}

// run calls git for the tree and returns what it writes. An error carries the
// first line of git's complaint.
func (t *Tree) run(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	cmd := t.command(ctx, args...)
	out, complaint := &bounded{room: maxOutput}, &bounded{room: maxOutput}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := callError(ctx, cmd.Run(), complaint)
	return out.Buffer.Bytes(), err
}

// command is a call of git for the tree, in its top directory.
func (t *Tree) command(ctx context.Context, args ...string) *exec.Cmd {
	all := append(hardening(), "--git-dir="+t.GitDir, "--work-tree="+t.Dir)
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	cmd.Dir = t.Dir
	cmd.Env = environ(os.Environ())
	cmd.WaitDelay = time.Second
	return cmd
}

// callError words the error of a call.
func callError(ctx context.Context, err error, complaint *bounded) error {
	line, _, _ := strings.Cut(complaint.Buffer.String(), "\n")
	line = strings.TrimPrefix(line, "fatal: ")
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return errNoGit
	case ctx.Err() != nil:
		return fmt.Errorf("git gave no answer: %w", ctx.Err())
	case line != "":
		return fmt.Errorf("git: %s", line)
	}
	return fmt.Errorf("git: %w", err)
}

// bounded is a buffer that refuses more than room.
type bounded struct {
	Buffer bytes.Buffer
	room   int
}

var errTooMuch = errors.New("more output than expected")

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.room {
		return 0, errTooMuch
	}
	b.room -= len(p)
	return b.Buffer.Write(p)
}

// environ returns what git needs of env: where programs, the user's settings
// and temporary files are. No variable of git's own is kept, but for those that
// say where the user's and the system's settings are: what a hook, an alias or a
// stranger's shell says of another repository does not count here. No secret
// reaches git.
func environ(env []string) []string {
	names := []string{
		"PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP",
		"SYSTEMROOT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "PROGRAMDATA", "PATHEXT",
		"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
	}
	var kept []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(names, strings.ToUpper(name)) {
			kept = append(kept, v)
		}
	}
	return append(kept, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none")
}
