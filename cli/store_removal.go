package main

import (
	"context"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/cli/internal/spool"
)

// removal remembers which tracked files were removed, by work tree, to tell git
// of all of them at once.
type removal struct {
	mu    sync.Mutex
	trees map[*git.Tree]*spool.Spool // paths, each ended by a NUL
	err   error                      // the first of remembering
}

func newRemoval() *removal { return &removal{trees: map[*git.Tree]*spool.Spool{}} }

func (r *removal) add(t *git.Tree, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	paths := r.trees[t]
	if paths == nil {
		paths = &spool.Spool{}
		r.trees[t] = paths
	}
	if _, err := paths.Write([]byte(path + "\x00")); err != nil && r.err == nil {
		r.err = err
	}
}

// untrack takes the files out of git's index, also after an interrupt, because
// they are gone. It is no failure of the store if git does not do it.
func (r *removal) untrack(ctx context.Context, log hclog.Logger) {
	if r.err != nil {
		log.Warn("The removed files are still in git's index: " + r.err.Error())
		return
	}
	for t, paths := range r.trees {
		if err := t.Untrack(context.WithoutCancel(ctx), paths.Reader()); err != nil {
			log.Warn("The removed files are still in the index of "+t.Dir+": "+err.Error(), "hint", "git rm --cached takes them out")
		}
	}
}

func (r *removal) close() {
	for _, paths := range r.trees {
		paths.Close() // nothing that was written is needed any more
	}
}
