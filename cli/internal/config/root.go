package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	projectDir  = ".codex"
	projectFile = "archive.toml" // in projectDir
)

// Root returns the project root of a command in dir, which is absolute, as
// [Load] finds it, without reading any configuration.
func Root(dir, home string) (string, error) {
	root := findRoot(filepath.Clean(dir), home)
	return root, checkProjectDir(root)
}

// findRoot walks up from dir, which is absolute, to the first directory that
// holds .codex or .git. The home directory and / count only when they are dir
// itself: a ~/.codex is no reason to take everything below for one project.
// Where there is none, dir is the root.
func findRoot(dir, home string) string {
	homeInfo, homeErr := os.Stat(home)
	for d := dir; ; {
		if holdsProject(d) && (d == dir || !isHome(d, homeInfo, homeErr) && filepath.Dir(d) != d) {
			return d
		}
		parent := filepath.Dir(d)
		if parent == d {
			return dir
		}
		d = parent
	}
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

// checkProjectDir refuses a .codex that another user owns, or that leads out
// of the project: what is read from it decides what this program does, and
// what is written into it must stay in the project.
func checkProjectDir(root string) error {
	dir := filepath.Join(root, projectDir)
	link, err := os.Lstat(dir)
	if err != nil {
		return nil // none, or none that can be used: whoever needs it will say so
	}
	target, err := os.Stat(dir)
	if err == nil && !target.IsDir() {
		return &problem{showName(dir), "", "something that is no directory", "a directory, which this program would make"}
	}
	if foreign(link) || err == nil && foreign(target) {
		return &problem{showName(dir), "", "a directory that another user owns", "one that you own"}
	}
	if _, err := confine(root, projectDir); err != nil {
		return &problem{showName(dir), "", err.Error(), "a directory inside " + showName(root)}
	}
	return nil
}

// confine returns path, relative paths starting from root, as an absolute
// path, or an error if it is not inside root, symbolic links considered. What
// does not exist yet leads nowhere.
func confine(root, path string) (string, error) {
	local, ok := localTo(root, path)
	if !ok {
		return "", errors.New("a path that leads out of the project")
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return "", fmt.Errorf("a project directory that cannot be opened (%w)", cause(err))
	}
	defer dir.Close()
	// Stat follows links and fails at the first that leaves root. Absolute
	// links count as leaving, wherever they end. Its error for that has no
	// name, so all others are listed; they are met again when the path is used.
	_, err = dir.Stat(local)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
	default:
		return "", fmt.Errorf("a path that leads out of the project (%w)", cause(err))
	}
	path = filepath.Join(root, local)
	if inGit(path) {
		return "", errors.New("a path in .git")
	}
	return path, nil
}

// inGit reports whether path leads into a .git directory, the one part of a
// clone that does not come from the repository: lines appended to a hook would
// be run.
func inGit(path string) bool {
	rest := ""
	real, err := filepath.EvalSymlinks(path)
	for ; err != nil && filepath.Dir(path) != path; real, err = filepath.EvalSymlinks(path) {
		rest = filepath.Join(filepath.Base(path), rest)
		path = filepath.Dir(path)
	}
	return slices.ContainsFunc(strings.Split(filepath.Join(real, rest), string(filepath.Separator)), func(name string) bool {
		return strings.EqualFold(name, ".git")
	})
}

// localTo returns path relative to root, and whether it stays below root by
// its text alone.
func localTo(root, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		path = filepath.Clean(path)
		return path, filepath.IsLocal(path)
	}
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
		return rel, true
	}
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(real, path)
	return rel, err == nil && filepath.IsLocal(rel)
}
