// Package git asks git about work trees. It is the only package that starts
// git.
//
// A work tree may come from a stranger, so its configuration must not run
// commands. The package finds the repository itself, by reading files, and
// names it in every call; git discovers nothing. [Tree.run] says what else
// every call carries. Only commands that use neither filters, hooks, pagers,
// nor the network are called: ls-files, ls-tree, rev-parse, config, update-index.
package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const dotGit = ".git"

// Tree is a work tree and its repository.
type Tree struct {
	Dir    string // top directory, absolute, without symbolic links
	GitDir string // its repository: Dir/.git, or where that file or link leads
	Common string // what all work trees of the clone share; GitDir in the main one
	Linked bool   // made by git worktree add, and the clone confirms that

	confirmed bool // the repository is inside the tree, or names the tree as its own
}

// Find returns the work tree that dir is in: that of the first directory
// upward that has an entry .git. It is nil where there is none. It starts no
// program.
func Find(dir string) (*Tree, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Lstat(filepath.Join(dir, dotGit)); err == nil {
			return At(dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, nil
		}
		dir = up
	}
}

// At returns the work tree whose top is dir, which has an entry .git.
func At(dir string) (*Tree, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	entry := filepath.Join(dir, dotGit)
	info, err := os.Lstat(entry)
	if err != nil {
		return nil, err
	}
	t := &Tree{Dir: dir, GitDir: entry, confirmed: info.IsDir()}
	if !info.IsDir() {
		if t.GitDir, err = gitDirOf(entry); err != nil {
			return nil, err
		}
	}
	t.Common = t.GitDir
	if common, err := readLine(filepath.Join(t.GitDir, "commondir"), ""); err == nil {
		t.Common = absolute(common, t.GitDir)
	}
	switch {
	case t.confirmed && t.Common != t.GitDir:
		t.confirmed = false // a main repository has no commondir
	case t.Common != t.GitDir:
		t.Linked = t.backPointer()
		t.confirmed = t.Linked
	case !t.confirmed:
		t.confirmed = sameFile(coreSettings(t.GitDir)["worktree"], t.Dir)
	}
	return t, nil
}

// gitDirOf returns the directory that the file, or the link, .git leads to.
func gitDirOf(entry string) (string, error) {
	if info, err := os.Stat(entry); err == nil && info.IsDir() {
		return filepath.EvalSymlinks(entry)
	}
	target, err := readLine(entry, "gitdir: ")
	if err != nil {
		return "", fmt.Errorf("%s: %w", entry, err)
	}
	real, err := filepath.EvalSymlinks(absolute(target, filepath.Dir(entry)))
	if err != nil {
		return "", fmt.Errorf("%s leads nowhere: %w", entry, err)
	}
	return real, nil
}

// backPointer reports whether the clone knows this tree as one of its linked
// work trees: its repository lies among the clone's worktrees, and the file
// gitdir there names this tree's .git. A forged .git can do neither.
func (t *Tree) backPointer() bool {
	if !sameFile(filepath.Dir(t.GitDir), filepath.Join(t.Common, "worktrees")) {
		return false
	}
	back, err := readLine(filepath.Join(t.GitDir, "gitdir"), "")
	return err == nil && filepath.Base(back) == dotGit && sameFile(filepath.Dir(absolute(back, t.GitDir)), t.Dir)
}

// Main returns the top of the main work tree that t is linked to, or "" where
// t is not linked or the clone is bare.
func (t *Tree) Main() string {
	if !t.Linked {
		return ""
	}
	core := coreSettings(t.Common)
	if core["bare"] == "true" {
		return ""
	}
	dir := core["worktree"]
	if dir == "" && filepath.Base(t.Common) == dotGit {
		dir = filepath.Dir(t.Common)
	}
	if dir == "" {
		return ""
	}
	main, err := At(dir)
	if err != nil || !main.confirmed || !sameFile(main.GitDir, t.Common) {
		return ""
	}
	return main.Dir
}

// Rel returns path relative to the top of the tree, with forward slashes, as
// git writes it. ok is false where path is outside, or inside .git. Symbolic
// links in path are not followed.
func (t *Tree) Rel(path string) (rel string, ok bool) {
	rel, err := filepath.Rel(t.Dir, path)
	if err != nil || !filepath.IsLocal(rel) || InGit(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// InGit reports whether a path leads, by its text, into a directory that git
// or a file system takes for .git.
func InGit(path string) bool {
	for name := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == filepath.Separator }) {
		name = strings.ToLower(strings.TrimRight(strings.Map(visible, name), ". "))
		if name == dotGit || name == "git~1" || strings.HasPrefix(name, dotGit+":") {
			return true
		}
	}
	return false
}

// visible drops the characters that HFS+ ignores in names.
func visible(r rune) rune {
	if r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff {
		return -1
	}
	return r
}

// LooksLikeGitDir reports whether dir is a repository by its content, whatever
// its name: files in it may be hooks.
func LooksLikeGitDir(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// maxPointer bounds the files that name directories: PATH_MAX on Linux and a
// prefix.
const maxPointer = 8 << 10 // bytes

// readLine returns the one line in a small regular file, without prefix, which
// it must have.
func readLine(path, prefix string) (string, error) {
	data, err := readSmall(path, maxPointer)
	if err != nil {
		return "", err
	}
	line, ok := strings.CutPrefix(string(data), prefix)
	line = strings.TrimRight(line, "\r\n")
	if !ok || line == "" || strings.ContainsAny(line, "\x00\n") {
		return "", errors.New("it does not name a repository")
	}
	return line, nil
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a small regular file")}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, limit))
}

func absolute(path, dir string) string {
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return filepath.Clean(path)
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
