package main

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/tree"
)

// origins says where files lie in git's work trees. git is asked once about each
// work tree.
type origins struct {
	ref   string // of --commit
	whole string // the one directory that is stored; "": several paths

	mu        sync.Mutex
	places    map[string]place         // by directory
	snapshots map[string]*git.Snapshot // by top of the work tree
}

// place is a directory and the work tree that it is in.
type place struct {
	real     string        // without symbolic links
	snapshot *git.Snapshot // nil outside a work tree
	err      error
}

func newOrigins(ref, whole string) *origins {
	return &origins{ref: ref, whole: whole, places: map[string]place{}, snapshots: map[string]*git.Snapshot{}}
}

// of returns the work tree of an entry and its path in there, "" outside.
func (o *origins) of(ctx context.Context, e *tree.Entry) (*git.Snapshot, string, error) {
	dir, below := e.Base, e.Name
	if e.WorkTree != "" {
		var err error
		if below, err = filepath.Rel(e.WorkTree, e.Path); err != nil {
			return nil, "", err
		}
		dir = e.WorkTree
	}
	at := o.place(ctx, dir)
	if at.snapshot == nil || at.err != nil {
		return nil, "", at.err
	}
	path, ok := at.snapshot.Tree.Rel(filepath.Join(at.real, filepath.FromSlash(below)))
	if !ok {
		return nil, "", nil
	}
	return at.snapshot, path, nil
}

// place looks a directory up, once.
func (o *origins) place(ctx context.Context, dir string) place {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.places[dir]
	if !ok {
		at = o.find(ctx, dir)
		o.places[dir] = at
	}
	return at
}

func (o *origins) find(ctx context.Context, dir string) place {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return place{err: err}
	}
	t, err := git.Find(real)
	if err != nil || t == nil {
		return place{real: real, err: o.outside(err)}
	}
	snapshot, ok := o.snapshots[t.Dir]
	if !ok {
		below := ""
		if dir == o.whole {
			below, _ = t.Rel(real)
		}
		if snapshot, err = git.TakeSnapshot(ctx, real, o.ref, below); err != nil {
			return place{real: real, err: output.Usagef("commit %q: %w", o.ref, err)}
		}
		o.snapshots[t.Dir] = snapshot
	}
	return place{real: real, snapshot: snapshot}
}

// outside is what a directory outside of all work trees means: nothing, unless a
// ref is to be resolved there.
func (o *origins) outside(err error) error {
	if o.ref == "" || git.FullHash(o.ref) {
		return nil
	}
	if err == nil {
		err = git.ErrOutside
	}
	return output.Usagef("commit %q: %w", o.ref, err)
}
