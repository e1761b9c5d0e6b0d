package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/codex-archive/codex/cli/internal/git"
)

const (
	projectDir  = ".codex"
	projectFile = "archive.toml" // in projectDir
)

// Root returns the project root of a command, as [Load] finds it, without
// reading any configuration. Of o it takes Dir and Environ.
func Root(o Options) (string, error) {
	home, _ := o.Env("HOME")
	p := findPlace(filepath.Clean(o.Dir), home)
	_, err := p.check(o)
	return p.root, err
}

// place is where a project is.
type place struct {
	root string // relative paths start here
	tree string // the linked work tree that the command runs in, or root
}

// findPlace walks up from dir, which is absolute, to the first directory that
// holds .codex or .git. The home directory and / count only when they are dir
// itself: a ~/.codex is no reason to take everything below for one project.
// Where there is none, dir is the root. All linked work trees of a clone share
// the main one's root.
func findPlace(dir, home string) place {
	homeInfo, homeErr := os.Stat(home)
	for d := dir; ; {
		if holdsProject(d) && (d == dir || !isHome(d, homeInfo, homeErr) && filepath.Dir(d) != d) {
			return place{root: mainTree(d), tree: d}
		}
		parent := filepath.Dir(d)
		if parent == d {
			return place{root: dir, tree: dir}
		}
		d = parent
	}
}

// mainTree returns the top of the main work tree if dir is that of a linked
// one, else dir. A .git that the clone does not confirm links nothing.
func mainTree(dir string) string {
	if info, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || info.IsDir() {
		return dir
	}
	if tree, err := git.At(dir); err == nil && tree.Main() != "" {
		return tree.Main()
	}
	return dir
}

// file returns the project's own file: that of the linked work tree replaces
// the main one's.
func (p place) file() string {
	linked := filepath.Join(p.tree, projectDir, projectFile)
	if _, err := os.Lstat(linked); err == nil {
		return linked
	}
	return filepath.Join(p.root, projectDir, projectFile)
}

func isHome(dir string, home fs.FileInfo, homeErr error) bool {
	info, err := os.Stat(dir)
	return homeErr == nil && err == nil && os.SameFile(info, home)
}

// holdsProject reports whether dir holds a directory .codex, or a .git, which
// is a file in linked work trees.
func holdsProject(dir string) bool {
	if info, err := os.Stat(filepath.Join(dir, projectDir)); err == nil && info.IsDir() {
		return true
	}
	_, err := os.Lstat(filepath.Join(dir, ".git"))
	return err == nil
}

// check refuses a .codex that another user owns and the user did not allow, or
// that leads out of the project: what is read from it decides what this program
// does, and what is written into it must stay in the project.
func (p place) check(o Options) (foreign bool, err error) {
	foreign, err = checkProjectDir(p.root, o)
	if err != nil || p.tree == p.root {
		return foreign, err
	}
	linked, err := checkProjectDir(p.tree, o)
	return foreign || linked, err
}

func checkProjectDir(root string, o Options) (foreign bool, err error) {
	dir := filepath.Join(root, projectDir)
	link, err := os.Lstat(dir)
	if err != nil {
		return false, nil // none, or none that can be used: what needs it will say so
	}
	target, err := os.Stat(dir)
	if err == nil && !target.IsDir() {
		return false, &ValueError{where: showName(dir), found: "something that is no directory", allowed: "a directory, which this program would make"}
	}
	owner := foreignOwner(link)
	if owner == "" && err == nil {
		owner = foreignOwner(target)
	}
	if owner != "" && !isSafe(root, o) {
		return true, &ValueError{
			where: showName(dir), found: "a directory that another user (" + owner + ") owns", allowed: "one that you own",
			Hint: fmt.Sprintf("if you trust %s, add %s to %s", owner, showName(root), safeVariable),
		}
	}
	if _, err := confine(root, projectDir); err != nil {
		return false, &ValueError{where: showName(dir), found: err.Error(), allowed: "a directory inside " + showName(root)}
	}
	return owner != "", nil
}

// isSafe reports whether the user listed root among those whose .codex another
// user may own.
func isSafe(root string, o Options) bool {
	list, _ := o.Env(safeVariable)
	return slices.ContainsFunc(filepath.SplitList(list), func(safe string) bool {
		if safe == "*" {
			return true
		}
		safeInfo, err := os.Stat(safe)
		if err != nil || !filepath.IsAbs(safe) {
			return false
		}
		info, err := os.Stat(root)
		return err == nil && os.SameFile(info, safeInfo)
	})
}
