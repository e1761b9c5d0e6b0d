package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/git"
)

// checkDatabase checks that the SQLite file is one that the project may name.
func (l *loader) checkDatabase(ctx context.Context) error {
	path, ok := l.loaded.SQLitePath()
	if !ok || l.loaded.refusal != nil {
		return nil
	}
	url := l.origin("backend.url")
	switch {
	case l.untrusted(url.Source):
		if err := l.mayName(ctx, path); err != nil {
			l.refuse(url, fmt.Sprintf("%s (%v)", showURL(url.Value), err), "a SQLite file inside "+showName(l.loaded.Root)+" that git does not track")
		}
	case url.Source.Layer == Default || l.fromProject(url.Source):
		if err := l.checkBrought(ctx, path, url.Source.Layer == Default); err != nil {
			l.loaded.refusal = &ValueError{where: url.Source.where(), key: url.Key, found: fmt.Sprintf("%s (%v)", showURL(url.Value), err),
				allowed: "a database that did not come with a clone"}
		}
	}
	return nil
}

// SideFiles are the files that SQLite reads and writes beside a database.
func SideFiles(database string) []string {
	return []string{database + "-wal", database + "-journal", database + "-shm"}
}

// mayName returns why an untrusted file may not name the database at path.
func (l *loader) mayName(ctx context.Context, path string) error {
	local, ok := localTo(l.loaded.Root, path)
	if !ok {
		return errors.New("it leads out of the project")
	}
	if git.InGit(local) {
		return errors.New("it lies in .git")
	}
	files := append([]string{filepath.Join(l.loaded.Root, local)}, SideFiles(filepath.Join(l.loaded.Root, local))...)
	for _, file := range files {
		if err := plainWay(l.loaded.Root, file); err != nil {
			return err
		}
	}
	return untrackedFiles(ctx, files...)
}

// plainWay checks each step from root, which is above path, to path, as far as
// it exists: directories that are no repositories, and a regular file.
func plainWay(root, path string) error {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	at := root
	for name := range strings.SplitSeq(rel, string(filepath.Separator)) {
		at = filepath.Join(at, name)
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return durable.Cause(err)
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link", showName(name))
		case at == path && !info.Mode().IsRegular():
			return fmt.Errorf("%s is %s", showName(name), durable.FileType(info.Mode()))
		case at != path && git.LooksLikeGitDir(at):
			return fmt.Errorf("%s is a repository", showName(name))
		}
	}
	return nil
}

// checkBrought returns an error if git tracks a file that SQLite would play
// back into the database, or where is the default, the link that leads to it.
func (l *loader) checkBrought(ctx context.Context, path string, isDefault bool) error {
	if _, ok := localTo(l.loaded.Root, path); !ok {
		return nil
	}
	var suspects []string
	for _, side := range SideFiles(path) {
		if _, err := os.Lstat(side); err == nil {
			suspects = append(suspects, side)
		}
	}
	if link, ok := firstLink(l.loaded.Root, path); ok && isDefault {
		suspects = append(suspects, link)
	}
	var tracked *trackedError
	if err := untrackedFiles(ctx, suspects...); errors.As(err, &tracked) {
		return err
	}
	return nil // without git, or with one that fails, nothing came from it that it knows of
}

// firstLink returns the first symbolic link on the way from root to path.
func firstLink(root, path string) (string, bool) {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return "", false
	}
	at := root
	for name := range strings.SplitSeq(rel, string(filepath.Separator)) {
		at = filepath.Join(at, name)
		if info, err := os.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return at, true
		}
	}
	return "", false
}

// trackedError says that git tracks a file.
type trackedError struct{ name string }

func (e *trackedError) Error() string { return "git tracks " + showName(e.name) }

// untrackedFiles returns an error unless git, asked once, says that it tracks
// none of the paths, which are in one directory and need not exist. Where no
// repository holds them none is tracked.
func untrackedFiles(ctx context.Context, paths ...string) error {
	if len(paths) == 0 {
		return nil
	}
	dir := resolved(filepath.Dir(paths[0]))
	existing := dir
	for _, err := os.Stat(existing); err != nil && filepath.Dir(existing) != existing; _, err = os.Stat(existing) {
		existing = filepath.Dir(existing)
	}
	tree, err := git.Find(existing)
	if err != nil || tree == nil {
		return err
	}
	rels := make([]string, len(paths))
	for i, path := range paths {
		rel, ok := tree.Rel(filepath.Join(resolved(filepath.Dir(path)), filepath.Base(path)))
		if !ok {
			return errors.New("it lies in .git")
		}
		rels[i] = rel
	}
	states, err := tree.States(ctx, rels...)
	if err != nil {
		return err
	}
	for _, rel := range rels {
		if states[rel] == git.Tracked {
			return &trackedError{rel}
		}
	}
	return nil
}
