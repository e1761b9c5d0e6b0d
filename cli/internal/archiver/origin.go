package archiver

import (
	"context"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/sdk"
)

// origin is what git says about a file.
type origin struct {
	workTreePath string
	commit       string
	snapshot     *git.Snapshot // of the file's work tree, with this file alone; nil outside
	err          error
}

func (o *origin) format() ObjectFormat { return FormatOf(o.snapshot, o.commit) }

// locate asks git about the file that r names. Without a commit in the request
// whatever git cannot say stays empty; with one that cannot be resolved it is an
// error.
func locate(ctx context.Context, r Request) origin {
	dir, base, err := directory(r)
	if err != nil && r.Commit == "" {
		return origin{}
	}
	if err != nil {
		return origin{err: err}
	}
	found, err := git.Locate(ctx, dir, base, r.Commit)
	if err != nil {
		return origin{err: sdk.Errorf(sdk.Invalid, "commit %q: %v", r.Commit, err)}
	}
	o := origin{workTreePath: found.Path, commit: found.Commit}
	if found.Path != "" {
		if o.snapshot, err = found.Snapshot(ctx, dir); err != nil {
			return origin{err: sdk.AsError(err)}
		}
	}
	return o
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
