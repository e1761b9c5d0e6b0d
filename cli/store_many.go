package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// storePlan is what a store of several files was asked to do, checked.
type storePlan struct {
	command *app.Command
	record  sdk.Record // what all records have in common
	walk    *tree.Walk
	origins *origins
	total   int  // files
	one     bool // one file was named: the result is one document

	resume, onward, verify, remove bool
	receipts                       *receipts // nil: none
}

// isMany reports whether the command line asks for more than one file, or for
// more than to store one.
func isMany(c *app.Command) bool {
	if slices.ContainsFunc([]string{"files-from", "exclude", "tracked", "resume", "verify", "remove"}, c.Flags.IsSet) {
		return true
	}
	if c.Flags.NArg() != 2 {
		return c.Flags.NArg() > 2
	}
	info, err := os.Lstat(c.Flags.Args().Get(1))
	return err == nil && info.IsDir()
}

// runStoreMany stores what several paths, directories or a list name.
func runStoreMany(ctx context.Context, c *app.Command) error {
	p := &storePlan{command: c}
	if err := p.read(ctx); err != nil {
		return err
	}
	defer func() { _ = p.walk.Close() }() // only directories are open
	if err := p.locate(ctx); err != nil {
		return err
	}
	if c.Flags.Bool("dry-run") {
		return p.dryRun(ctx)
	}
	return p.run(ctx)
}

// read reads the command line.
func (p *storePlan) read(ctx context.Context) (err error) {
	c := p.command
	flags := c.Flags
	p.verify, p.remove = flags.Bool("verify") || flags.Bool("remove"), flags.Bool("remove")
	p.onward = c.Config.Batch.ContinueOnError
	if flags.IsSet("continue-on-error") {
		p.onward = flags.Bool("continue-on-error")
	}
	if p.record, err = newRecord(c); err != nil {
		return err
	}
	if p.resume = flags.IsSet("resume"); p.resume {
		if p.record.Set, err = sdk.ParseID(flags.String("resume")); err != nil {
			return output.Usagef("--resume: %w", err).WithHint("the set is in the last lines of the run that it goes on with")
		}
	}
	paths := flags.Args().Tail()
	switch {
	case len(paths) == 0 && !flags.IsSet("files-from"):
		return output.Usagef("%s: missing PATH", flags.Command.HelpName).WithHint("usage: %s", flags.Command.UsageText)
	case slices.Contains(paths, "-"):
		return output.Usagef("PATH -: standard input is stored by itself")
	case flags.IsSet("path"):
		return output.Usagef("--path is for one file; several are recorded as they are named")
	case flags.Bool("null") && !flags.IsSet("files-from"):
		return output.Usagef("--null belongs to --files-from")
	}
	return p.open(ctx, paths)
}

// open checks the paths and the list.
func (p *storePlan) open(ctx context.Context, paths []string) error {
	c := p.command
	exclude, err := tree.ParsePatterns(c.Flags.StringSlice("exclude"))
	if err != nil {
		return output.Usagef("--exclude: %w", err)
	}
	selection := tree.Selection{Paths: paths, Exclude: exclude, Protected: protected(c), Gone: p.resume}
	if c.Flags.IsSet("files-from") {
		if selection.List, err = readList(ctx, c); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return durable.NamedFile("--files-from", c.Flags.String("files-from"), err, "")
		}
	}
	whole := ""
	if len(paths) == 1 && selection.List == nil {
		whole = filepath.Clean(paths[0])
	}
	p.origins = newOrigins(c.Flags.String("commit"), whole)
	if c.Flags.Bool("tracked") {
		selection.Tracked = p.tracked
	}
	if p.walk, err = tree.Open(selection); err != nil {
		return wrongPath(err)
	}
	named := p.walk.Named()
	p.one = whole != "" && len(named) == 1 && named[0].Regular()
	p.receipts, err = openReceipts(c, !p.one)
	return err
}

// wrongPath is the failure of a path that was named and cannot be stored.
func wrongPath(err error) error {
	switch wrong := (*tree.PathError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		return output.Errorf(output.NoFile, "%w", err).WithHint("nothing was stored")
	case errors.As(err, &wrong):
		return output.Usagef("%w", err).WithHint("nothing was stored")
	}
	return err
}

// maxList is how large a list of --files-from may be: a million long paths. A device
// would fill the disk.
const maxList = 1 << 30 // bytes

// readList keeps the list of --files-from, which may be a pipe, to read it twice.
func readList(ctx context.Context, c *app.Command) (*tree.List, error) {
	in, err := c.Input(ctx, c.Flags.String("files-from"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read
	list := &spool.Spool{}
	n, err := io.Copy(list, io.LimitReader(in, maxList+1))
	if err == nil && n > maxList {
		err = fmt.Errorf("has more than %d bytes", maxList)
	}
	if err != nil {
		return nil, errors.Join(err, list.Close())
	}
	return &tree.List{Reader: list.Reader, Null: c.Flags.Bool("null")}, nil
}

// locate asks git about what was named, so that a ref that it does not know is
// an error before anything is stored.
func (p *storePlan) locate(ctx context.Context) error {
	for _, e := range p.walk.Named() {
		snapshot, _, err := p.origins.of(ctx, &e)
		if err != nil {
			return err
		}
		switch tracked := p.command.Flags.Bool("tracked"); {
		case tracked && snapshot == nil:
			return output.Usagef("--tracked: %s is in no git work tree", e.Path)
		case tracked && !snapshot.Indexed():
			return output.Usagef("--tracked: git does not say what it tracks in %s", snapshot.Tree.Dir)
		}
	}
	return nil
}

// tracked reports whether git tracks an entry.
func (p *storePlan) tracked(ctx context.Context, e *tree.Entry) (bool, error) {
	snapshot, path, err := p.origins.of(ctx, e)
	return err == nil && snapshot != nil && snapshot.Tracked(path), err
}

// describe returns the record of an entry as far as it is known without the
// content.
func (p *storePlan) describe(ctx context.Context, e *tree.Entry) (sdk.Record, archiver.ObjectFormat, error) {
	r := p.record
	r.Tombstone, r.ArchivedAt = sdk.NewID(), sdk.Time(time.Now())
	r.Event = r.Tombstone
	r.Path = filepath.ToSlash(e.Path)
	snapshot, path, err := p.origins.of(ctx, e)
	if snapshot != nil {
		r.WorkTreePath, r.Commit = path, snapshot.Commit
	} else if ref := p.command.Flags.String("commit"); git.FullHash(ref) {
		r.Commit = strings.ToLower(ref)
	}
	return r, archiver.FormatOf(snapshot, r.Commit), err
}
