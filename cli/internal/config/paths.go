package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/git"
)

// resolvePaths makes paths absolute. Those on the command line start from the
// current directory, all others from the root. What the project alone chose to
// write must stay inside the project.
func (l *loader) resolvePaths() error {
	for _, k := range l.keys {
		if k.path == nil {
			continue
		}
		field, source := k.path(&l.loaded.Config), l.origin(k.Name).Source
		confined := k.written && (source.Layer == Default || l.fromProject(source))
		switch {
		case *field == "":
		case confined && !l.isOutside(k, *field):
			resolved, err := confine(l.loaded.Root, *field)
			if err != nil {
				return &ValueError{where: source.where(), key: k.Name, found: fmt.Sprintf("%s, %s", show(*field), err),
					allowed: fmt.Sprintf("a path inside %s, or any path by %s or %s", showName(l.loaded.Root), k.Variable, k.option())}
			}
			*field = resolved
		case filepath.IsAbs(*field):
			*field = filepath.Clean(*field)
		case source.Layer == FlagLayer:
			*field = filepath.Join(l.options.Dir, *field)
		default:
			*field = filepath.Join(l.loaded.Root, *field)
		}
	}
	return nil
}

// isOutside reports whether path is the evidence directory that init --outside
// writes into the project's file, which must be trusted.
func (l *loader) isOutside(k Key, path string) bool {
	return k.Name == "evidence.dir" && l.loaded.Project != nil && l.loaded.Trust.Granted &&
		path == filepath.Join(Outside(l.loaded.Root, l.options.Env), outsideEvidence)
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
		return "", fmt.Errorf("a project directory that cannot be opened (%w)", durable.Cause(err))
	}
	defer dir.Close()
	// Stat follows links and fails at the first that leaves root. Absolute
	// links count as leaving, wherever they end. Its error for that has no
	// name, so all others are listed; they are met again when the path is used.
	_, err = dir.Stat(local)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
	default:
		return "", fmt.Errorf("a path that leads out of the project (%w)", durable.Cause(err))
	}
	path = filepath.Join(root, local)
	if git.InGit(resolved(path)) {
		return "", errors.New("a path in .git")
	}
	return path, nil
}

// resolved returns path with the symbolic links in it followed, as far as it
// exists.
func resolved(path string) string {
	rest := ""
	real, err := filepath.EvalSymlinks(path)
	for ; err != nil && filepath.Dir(path) != path; real, err = filepath.EvalSymlinks(path) {
		rest = filepath.Join(filepath.Base(path), rest)
		path = filepath.Dir(path)
	}
	return filepath.Join(real, rest)
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

// logLine begins every line that the log writes, in either format.
var logLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\{"ts":"\d{4,}-\d\d-\d\dT[\d:.]+Z","level":"|\[\d{4,}-\d\d-\d\dT[\d:.]+Z\] (DEBUG|INFO|WARN|ERROR) )`)
})

// checkLogFile checks that the file to which the project's own file wants lines
// appended is a log of this program, or will become one. Where the project's
// file is not trusted it is not opened at all.
func (l *loader) checkLogFile(ctx context.Context) error {
	o := l.origin("logging.file")
	path := l.loaded.Logging.File
	if path == "" || !l.fromProject(o.Source) {
		return nil
	}
	const allowed = "a file that does not exist, or that begins with a log line of this program"
	found := ""
	if !isLog(path) {
		found = show(o.Value) + ", which is something else"
	}
	if found == "" && l.untrusted(o.Source) {
		if err := untrackedFiles(ctx, path); err != nil {
			found = fmt.Sprintf("%s (%v)", show(o.Value), err)
		}
	}
	switch {
	case found == "":
		return nil
	case l.untrusted(o.Source):
		l.loaded.Logging.File = ""
		l.refuse(o, found, allowed)
		return nil
	}
	return &ValueError{where: o.Source.where(), key: o.Key, found: found, allowed: allowed}
}

// isLog reports whether the file at path is missing, empty, or begins as this
// program's log does.
func isLog(path string) bool {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := openRegular(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	start := make([]byte, 64)
	n, err := io.ReadFull(f, start)
	if err == io.EOF {
		return true
	}
	return logLine().Match(bytes.TrimRight(start[:n], "\x00"))
}

// homeless is the error for a path that begins with "~": the shell replaces it
// on the command line only.
func homeless(path string) bool { return strings.HasPrefix(path, "~") }
