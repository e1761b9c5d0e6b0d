package archiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// gitWait bounds the one call of git. It looks up a ref, a few milliseconds of
// work, unless the file system hangs.
const gitWait = 10 * time.Second

// fullHash is a commit that is taken as it is: SHA-1 or SHA-256.
var fullHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// origin is what git says about a file.
type origin struct {
	workTreePath string
	commit       string
	err          error
}

// locate asks git, at most once, and not at all where no directory upward has a
// .git. Without a commit in the request whatever git cannot say stays empty;
// with one that cannot be resolved it is an error.
func locate(ctx context.Context, r Request) origin {
	ref := r.Commit
	if hash := strings.ToLower(ref); fullHash.MatchString(hash) {
		o := ask(ctx, r, "")
		o.commit, o.err = hash, nil
		return o
	}
	if strings.HasPrefix(ref, "-") || strings.ContainsAny(ref, "\x00\n") {
		return origin{err: badCommit(ref, "is not a ref")}
	}
	o := ask(ctx, r, ref)
	switch {
	case ref == "":
		o.err = nil
	case o.err == nil && o.commit == "":
		o.err = badCommit(ref, "cannot be resolved outside a git work tree; give the full hash")
	}
	return o
}

func badCommit(ref, wrong string) error {
	return sdk.Errorf(sdk.Invalid, "commit %q: %s", ref, wrong)
}

// ask runs git in the directory of the file. An empty ref is HEAD.
func ask(ctx context.Context, r Request, ref string) origin {
	dir, base, err := directory(r)
	if err != nil {
		return origin{err: err}
	}
	if !hasGit(dir) {
		return origin{}
	}
	if ref == "" {
		ref = "HEAD"
	}
	out, stderr, err := runGit(ctx, dir, "rev-parse", "--is-inside-work-tree", "--show-prefix",
		"--verify", "--end-of-options", ref+"^{commit}")
	inside, rest, _ := bytes.Cut(out, []byte("\n"))
	if string(inside) != "true" {
		return origin{err: noWorkTree(ref, stderr, err)}
	}
	prefix, commit := splitPrefix(rest)
	o := origin{commit: commit}
	if base != "" {
		o.workTreePath = prefix + base
	}
	if err != nil || !fullHash.MatchString(commit) {
		o.commit, o.err = "", badCommit(ref, "git knows no such commit")
	}
	return o
}

// splitPrefix cuts "PREFIX\nCOMMIT\n", or "PREFIX\n" where there is no commit. A
// prefix may hold newlines, and ends in a slash if it is not empty.
func splitPrefix(out []byte) (prefix, commit string) {
	s := strings.TrimSuffix(string(out), "\n")
	if i := strings.LastIndexByte(s, '\n'); i >= 0 && !strings.HasSuffix(s, "/") {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// noWorkTree says why git did not answer: it is not there, it does not trust
// the directory, or the directory is inside .git.
func noWorkTree(ref, stderr string, err error) error {
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return badCommit(ref, "git is not installed; give the full hash")
	case stderr != "":
		return badCommit(ref, "git: "+stderr)
	case err != nil:
		return badCommit(ref, "git: "+err.Error())
	}
	return badCommit(ref, "cannot be resolved outside a git work tree; give the full hash")
}

// directory returns where the file lies, links resolved, and its name in it.
// For a pipe that is where its recorded path would lie, or the current
// directory and no name where that is nowhere.
func directory(r Request) (dir, base string, err error) {
	path := r.Path
	if path == "-" {
		path = r.As
	}
	dir, err = filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil && r.Path == "-" {
		path, dir, err = "", ".", nil
	}
	if err != nil {
		return "", "", err
	}
	if path != "" {
		base = filepath.Base(path)
	}
	dir, err = filepath.Abs(dir)
	return dir, base, err
}

// hasGit reports whether dir or a directory above it has a .git.
func hasGit(dir string) bool {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return false
		}
		dir = up
	}
}

// runGit returns git's output, and the first line of what it complained about.
func runGit(ctx context.Context, dir string, args ...string) (out []byte, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, gitWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = gitEnv(os.Environ())
	cmd.WaitDelay = time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err = cmd.Output()
	line, _, _ := strings.Cut(complaint.String(), "\n")
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer: %w", ctx.Err())
	}
	return out, strings.TrimPrefix(line, "fatal: "), err
}

// gitEnv is env without what would make git look at another repository than
// the file's, as inside a hook, and without a way to the network: a repository
// with missing objects could name a program that fetches them.
func gitEnv(env []string) []string {
	var kept []string
	for _, v := range env {
		if !strings.HasPrefix(v, "GIT_") || strings.HasPrefix(v, "GIT_CONFIG") || strings.HasPrefix(v, "GIT_CEILING_DIRECTORIES=") {
			kept = append(kept, v)
		}
	}
	return append(kept, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none")
}
