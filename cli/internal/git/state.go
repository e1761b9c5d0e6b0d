package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// State says what the index of a work tree knows of a path.
type State int

// The states.
const (
	Absent    State = iota // neither in the index nor on disk
	Untracked              // on disk, and git lists it as not in the index
	Tracked                // in the index
)

// errUnconfirmed is why nothing is known of a tree whose file .git leads to a
// repository that does not know the tree.
var errUnconfirmed = errors.New(".git leads to a repository that does not know this work tree")

// States asks git, once, about paths: relative to the top of the tree, with
// forward slashes, as the directories spell them. A path that git lists in
// other letters is Tracked: to some file systems it is the same file.
func (t *Tree) States(ctx context.Context, paths ...string) (map[string]State, error) {
	if !t.confirmed {
		return nil, fmt.Errorf("%s: %w", filepath.Join(t.Dir, dotGit), errUnconfirmed)
	}
	args := []string{"ls-files", "-z", "-t", "--cached", "--others", "--"}
	for _, p := range paths {
		args = append(args, ":(top,icase,literal)"+p)
	}
	out, err := t.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	states := map[string]State{}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		tag, name, _ := strings.Cut(string(line), " ")
		for _, p := range paths {
			switch {
			case !strings.EqualFold(name, p):
			case tag != "?":
				states[p] = Tracked
			case name == p && states[p] == Absent:
				states[p] = Untracked
			}
		}
	}
	return states, nil
}

// ProveUntracked returns a proof that no clone brought the file, which exists,
// or an error that says why there is none. The repository asked is the one that
// holds the file itself, and it must list the file as untracked. A symbolic link
// or another repository between its top and the file leaves no proof.
func ProveUntracked(ctx context.Context, file string) (proof string, err error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	t, err := Find(dir)
	if err != nil {
		return "", err
	}
	if t == nil {
		return "no git repository holds it", nil
	}
	rel, ok := t.Rel(filepath.Join(dir, filepath.Base(file)))
	if !ok {
		return "", errors.New("it lies in .git")
	}
	if err := t.spelled(rel); err != nil {
		return "", err
	}
	states, err := t.States(ctx, rel)
	switch {
	case err != nil:
		return "", err
	case states[rel] == Tracked:
		return "", errors.New("git tracks it")
	case states[rel] != Untracked:
		return "", errors.New("git does not list it as untracked")
	}
	return "git does not track it", nil
}

// spelled checks that every directory on the way from the top of the tree to
// rel lists the next name in just these letters, and that none is a symbolic
// link.
func (t *Tree) spelled(rel string) error {
	dir := t.Dir
	for name := range strings.SplitSeq(rel, "/") {
		at := path.Join(strings.TrimPrefix(filepath.ToSlash(dir), filepath.ToSlash(t.Dir)), name)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		found := false
		for _, e := range entries {
			if e.Name() != name {
				continue
			}
			if found = true; e.Type()&os.ModeSymlink != 0 {
				return fmt.Errorf("%s is a symbolic link", strings.TrimPrefix(at, "/"))
			}
		}
		if !found {
			return fmt.Errorf("its directory spells %s another way", strings.TrimPrefix(at, "/"))
		}
		dir = filepath.Join(dir, name)
	}
	return nil
}
