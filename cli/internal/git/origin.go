package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Origin is what git says about a file.
type Origin struct {
	Path   string // relative to the top of the work tree; "" outside
	Commit string // full hash; "" where there is none

	blob string // object id that HEAD has at Path; "" where it was not asked for, or git did not say
}

// FullHash reports whether ref is a whole hash, which is taken as it is.
func FullHash(ref string) bool { return isObjectID(strings.ToLower(ref)) }

// ErrOutside is why a ref has no meaning.
var ErrOutside = errors.New("cannot be resolved outside a git work tree; give the full hash")

// Locate says where the file base in the directory dir, without symbolic
// links, lies in its work tree, and which commit ref names there. An empty
// base asks for the commit alone. An empty ref is HEAD, and then whatever git
// cannot say stays empty; a ref that cannot be resolved is an error. A full
// hash is taken as it is, whether or not git knows it.
func Locate(ctx context.Context, dir, base, ref string) (Origin, error) {
	hash := strings.ToLower(ref)
	taken := isObjectID(hash)
	if !taken && (strings.HasPrefix(ref, "-") || strings.ContainsAny(ref, "\x00\n")) {
		return Origin{}, errors.New("is not a ref")
	}
	o, err := locate(ctx, dir, base, ref, taken)
	if taken {
		o.Commit = hash
	}
	if taken || ref == "" {
		err = nil
	}
	return o, err
}

func locate(ctx context.Context, dir, base, ref string, taken bool) (Origin, error) {
	t, err := Find(dir)
	switch {
	case err != nil:
		return Origin{}, fmt.Errorf("git: %w", err)
	case t == nil || beyondCeiling(dir, t.Dir, os.Getenv("GIT_CEILING_DIRECTORIES")):
		return Origin{}, ErrOutside
	}
	var o Origin
	if base == "" {
		base = "."
	}
	rel, ok := t.Rel(filepath.Join(dir, base))
	if !ok {
		return Origin{}, ErrOutside
	}
	if !LooksLikeGitDir(t.Common) {
		return Origin{}, errors.New("git: " + t.Common + " is not a repository")
	}
	if err := t.checkOwner(ctx); err != nil {
		return Origin{}, err
	}
	if base != "." {
		o.Path = rel
	}
	if taken {
		return o, nil
	}
	if ref == "" && o.Path != "" {
		if o.Commit, o.blob = t.head(ctx, o.Path); o.Commit != "" {
			return o, nil
		}
	}
	o.Commit, err = t.resolve(ctx, ref)
	return o, err
}

// head asks git once for HEAD and what it has at path. It returns "" for what git
// does not say: it stops at the first name that it does not know.
func (t *Tree) head(ctx context.Context, path string) (commit, blob string) {
	out, err := t.run(ctx, "rev-parse", "--revs-only", "HEAD^{commit}", "HEAD:"+path)
	lines := strings.Split(string(out), "\n")
	if err != nil || !isObjectID(lines[0]) {
		return "", ""
	}
	if isObjectID(lines[1]) {
		blob = lines[1]
	}
	return lines[0], blob
}

// Snapshot is [TakeSnapshot] of the file alone, which [Locate] found in dir.
func (o Origin) Snapshot(ctx context.Context, dir string) (*Snapshot, error) {
	if o.blob == "" {
		return TakeSnapshot(ctx, dir, o.Commit, o.Path)
	}
	t, err := Find(dir)
	if t == nil || err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(o.blob)
	return &Snapshot{Tree: t, Commit: o.Commit, SHA256: len(o.Commit) == 2*sha256.Size, blobs: map[string]string{o.Path: string(id)}}, err
}

// beyondCeiling reports whether a walk up from dir to top would reach one of
// the directories at which the user wants such walks to end.
func beyondCeiling(dir, top, ceilings string) bool {
	for _, ceiling := range filepath.SplitList(ceilings) {
		real, err := filepath.EvalSymlinks(ceiling)
		if err != nil || !filepath.IsAbs(real) {
			continue
		}
		below, err := filepath.Rel(real, dir)
		above, topErr := filepath.Rel(top, real)
		if err == nil && topErr == nil && below != "." && filepath.IsLocal(below) && filepath.IsLocal(above) {
			return true
		}
	}
	return false
}

// resolve returns the commit that ref names; an empty ref is HEAD.
func (t *Tree) resolve(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		ref = "HEAD"
	}
	out, err := t.run(ctx, "rev-parse", "--verify", "--end-of-options", ref+"^{commit}")
	commit := strings.TrimSuffix(string(out), "\n")
	switch {
	case errors.Is(err, errNoGit):
		return "", fmt.Errorf("%w; give the full hash", err)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil || !isObjectID(commit):
		return "", errors.New("git knows no such commit")
	}
	return commit, nil
}

// checkOwner refuses a tree that another user owns, as git itself does where it
// finds the repository. The user's own settings may allow it by safe.directory.
func (t *Tree) checkOwner(ctx context.Context) error {
	if ownedByUser(t.Dir) && ownedByUser(t.GitDir) {
		return nil
	}
	out, err := t.run(ctx, "config", "--show-scope", "-z", "--get-all", "safe.directory")
	if errors.Is(err, errNoGit) {
		return err
	}
	allowed := false
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		scope, value := fields[i], fields[i+1]
		if scope != "system" && scope != "global" {
			continue // the repository cannot vouch for itself
		}
		switch {
		case value == "":
			allowed = false
		case value == "*" || sameFile(value, t.Dir):
			allowed = true
		case strings.HasSuffix(value, "/*"):
			allowed = allowed || strings.HasPrefix(t.Dir, strings.TrimSuffix(value, "*"))
		}
	}
	if !allowed {
		return fmt.Errorf("git: dubious ownership of %s: another user owns it, and safe.directory does not list it", t.Dir)
	}
	return nil
}
