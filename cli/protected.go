package main

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/tree"
)

// protected are the files that are never stored: those of the archive, of the
// evidence and of this program's runs.
func protected(c *app.Command) []tree.Protected {
	files := append(ownFiles(c), tree.Protected{Dir: c.Env.Dir, Name: batch.IsResults})
	if list := c.Flags.String("files-from"); list != "" && list != "-" {
		files = append(files, named(list))
	}
	return files
}

// ownFiles are those of the archive, of the evidence and of the log. Nothing is
// restored over them, or beside the archive under a name that its database reads.
func ownFiles(c *app.Command) []tree.Protected {
	files := []tree.Protected{
		{Dir: c.Config.Evidence.Dir, Name: evidence.IsOwn},
		{Dir: evidence.PendingDir(c.Config.Evidence.Dir), Name: func(string) bool { return true }},
	}
	if path, ok := c.Config.SQLitePath(); ok {
		files = append(files, named(path, "-wal", "-shm", "-journal"))
		if real, err := filepath.EvalSymlinks(path); err == nil {
			files = append(files, named(real, "-wal", "-shm", "-journal"))
		}
	}
	if c.Config.Logging.File != "" {
		files = append(files, named(c.Config.Logging.File))
	}
	return files
}

// named is the file at path, and those beside it whose names have more at the end.
// Case does not count: it may not for the file system.
func named(path string, also ...string) tree.Protected {
	base := filepath.Base(path)
	return tree.Protected{Dir: filepath.Dir(path), Name: func(name string) bool {
		return strings.EqualFold(name, base) || slices.ContainsFunc(also, func(more string) bool { return strings.EqualFold(name, base+more) })
	}}
}

// own is [ownFiles] as a restore asks for it.
func own(c *app.Command) func(path string, dir fs.FileInfo) func(name string) bool {
	files := ownFiles(c)
	return func(path string, dir fs.FileInfo) func(string) bool { return tree.Names(files, path, dir) }
}
