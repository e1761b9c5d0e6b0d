package app

import (
	"context"
	"os"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/trust"
)

// admitNew refuses to make a SQLite archive where the project is known to have
// another one: its configuration was lost.
func (c *Command) admitNew() error {
	path, ok := c.Config.SQLitePath()
	if !ok {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	c.newArchive = path
	if c.isSecond || c.Config.Origin("backend.url").Source.Layer == config.FlagLayer {
		return nil // the user names it now
	}
	root := c.Config.Root
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	entries, err := trust.Open(c.Env.Lookup).Entries(root)
	if err != nil || len(entries) == 0 {
		return nil
	}
	last := entries[len(entries)-1]
	if last.URL == c.WrittenURL() {
		return nil
	}
	return output.Errorf(output.OtherArchive, "%s does not exist, and the archive of this project was %s: no new one is made", path, last.URL).
		WithHint("write backend.url into .codex/archive.toml, or bring that file back, or name the archive with --url")
}

// announce says that a SQLite archive was made, and keeps git from removing it.
func (c *Command) announce(ctx context.Context) {
	if c.newArchive == "" {
		return
	}
	c.Log.Info("Created the archive "+c.newArchive, logging.OnlyJSON("path", c.newArchive)...)
	paths := append([]string{c.newArchive}, config.SideFiles(c.newArchive)...)
	if c.Config.Logging.File != "" {
		paths = append(paths, c.Config.Logging.File)
	}
	c.Exclude(ctx, append(paths, c.Config.Evidence.Dir+string(filepath.Separator))...)
}

// Exclude adds paths, and the project's own files as long as git does not track
// them, to what git clean, git stash and git add leave alone.
func (c *Command) Exclude(ctx context.Context, paths ...string) {
	trees := map[string]*git.Tree{}
	names := map[string][]string{}
	for _, path := range append(paths, c.ownFiles(ctx)...) {
		dir := filepath.Dir(filepath.Clean(path))
		for _, err := os.Stat(dir); err != nil && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
			dir = filepath.Dir(dir)
		}
		tree, err := git.Find(dir)
		if err != nil || tree == nil {
			continue
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		rest, err := filepath.Rel(dir, path)
		if err != nil {
			continue
		}
		rel, ok := tree.Rel(filepath.Join(real, rest))
		if !ok {
			continue
		}
		if path != filepath.Clean(path) {
			rel += "/"
		}
		trees[tree.Common] = tree
		names[tree.Common] = append(names[tree.Common], rel)
	}
	for common, tree := range trees {
		if err := tree.Exclude(names[common]...); err != nil {
			c.Log.Warn("git clean and git stash may take the archive away: " + err.Error())
		}
	}
}

// ownFiles are the files in .codex that people may or may not commit, without
// those that git tracks.
func (c *Command) ownFiles(ctx context.Context) []string {
	root, err := filepath.EvalSymlinks(c.Config.Root)
	if err != nil {
		return nil
	}
	dir := filepath.Join(root, ".codex")
	tree, err := git.Find(root)
	if err != nil || tree == nil {
		return nil
	}
	prefix, ok := tree.Rel(dir)
	if !ok {
		return nil
	}
	config, lock := prefix+"/archive.toml", prefix+"/plugins.lock"
	states, err := tree.States(ctx, config, lock)
	var own []string
	for _, name := range []string{config, lock} {
		if err != nil || states[name] != git.Tracked {
			own = append(own, filepath.Join(tree.Dir, filepath.FromSlash(name)))
		}
	}
	return own
}

// ArchiveName is the archive as results name it.
func (c *Command) ArchiveName() string {
	if path, ok := c.Config.SQLitePath(); ok {
		return path
	}
	return c.RedactedURL()
}
