package main

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// selectorFlags are the flags that select records. All that are given must hold.
func selectorFlags() []cli.Flag {
	return []cli.Flag{
		app.SetFlag(),
		&cli.StringFlag{Name: "repo", Usage: "only of this `REPOSITORY`"},
		&cli.StringFlag{Name: "path", Usage: "only this `FILE`, or what is below this directory"},
		&cli.StringFlag{Name: "name", Usage: "only file names that match `GLOB`"},
		&cli.StringFlag{Name: "sha256", Usage: "only content with this `HASH`"},
		&cli.StringFlag{Name: "commit", Usage: "only commits that begin with `HASH`"},
		&cli.StringFlag{Name: "match", Usage: "only with `TEXT` in note, path or metadata"},
		&cli.StringFlag{Name: "since", Usage: "only archived at or after `TIME`"},
		&cli.StringFlag{Name: "until", Usage: "only archived before `TIME`"},
		&cli.StringFlag{Name: "by", Usage: "only archived by `WHO`"},
		&cli.StringFlag{Name: "reason", Usage: "only for this `CLASS` of reason"},
		&cli.StringFlag{Name: "tag", Usage: "only with this `TAG`"},
	}
}

// selection is what the flags of [selectorFlags] select.
type selection struct {
	query sdk.Query
	paths []string // alternatives for query.Path; none: any path
}

// readSelectors reads the flags. own are flags of the command that have the name
// of a selector and select nothing.
func readSelectors(c *app.Command, now time.Time, own ...string) (s selection, err error) {
	s.query = sdk.Query{
		Repo: c.Flags.String("repo"), Name: c.Flags.String("name"), Commit: c.Flags.String("commit"), Match: c.Flags.String("match"),
		Actor: app.Person(c.Flags.String("by")), Reason: c.Flags.String("reason"), Tag: c.Flags.String("tag"),
	}
	s.query.Commit = strings.ToLower(s.query.Commit)
	if strings.Trim(s.query.Commit, "0123456789abcdef") != "" {
		return s, output.Usagef("--commit: found %q, allowed the first hexadecimal digits of a commit", c.Flags.String("commit"))
	}
	if s.query.Set, err = c.RecordSet(); err != nil {
		return s, err
	}
	if text := c.Flags.String("sha256"); text != "" {
		if s.query.SHA256, err = sdk.ParseDigest(text); err != nil {
			return s, output.Usagef("--sha256: found %q, allowed a SHA-256, 64 hex digits", text)
		}
	}
	if s.query.Since, err = c.Time("since", now); err != nil {
		return s, err
	}
	if !slices.Contains(own, "until") {
		if s.query.Until, err = c.Time("until", now); err != nil {
			return s, err
		}
	}
	if path := c.Flags.String("path"); path != "" {
		s.paths = find.PathSpellings(path, c.Env.Dir, c.Config.Root)
	}
	if err := s.query.Validate(); err != nil {
		return s, output.Usagef("%w", err)
	}
	return s, nil
}

// reader calls do with the opened archive, and again after a temporary error.
type reader func(ctx context.Context, do func(context.Context, sdk.Backend) error) error

// list yields what is selected, newest first: all of it, or what comes after a
// place. After a temporary error it goes on where it was. The error in the second
// place is the last pair, and is about the archive.
func (s *selection) list(ctx context.Context, read reader, after *verifier.Place) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		l := &lister{selection: s, after: after, unreadable: map[sdk.Tombstone]bool{}, yield: yield}
		if err := read(ctx, l.goOn); err != nil && !l.ended {
			yield(sdk.Entry{}, err)
		}
	}
}

// lister is a list under way.
type lister struct {
	selection  *selection
	after      *verifier.Place
	unreadable map[sdk.Tombstone]bool // of those that were yielded; they have no place in the order
	yield      func(sdk.Entry, error) bool
	yielded    int
	ended      bool // no more is wanted
}

// goOn yields what is left.
func (l *lister) goOn(ctx context.Context, backend sdk.Backend) error {
	q := l.selection.query
	limit := q.Limit
	if l.yielded > 0 {
		q.Limit = 0 // it would count again what was yielded
	}
	if l.after != nil && (q.Until.IsZero() || l.after.ArchivedAt.Before(q.Until)) {
		q.Until = l.after.ArchivedAt.Add(time.Microsecond)
	}
	for entry, err := range find.List(ctx, backend, q, l.selection.paths) {
		id := entry.Record.Tombstone
		switch {
		case err != nil:
			return err
		case entry.Err != nil && l.unreadable[id], entry.Err == nil && !l.after.Before(&entry.Record):
			continue
		case entry.Err != nil:
			l.unreadable[id] = true
		default:
			l.after = &verifier.Place{ArchivedAt: entry.Record.ArchivedAt, Tombstone: id}
		}
		l.yielded++
		if l.ended = !l.yield(entry, nil) || l.yielded == limit; l.ended {
			return nil
		}
	}
	return nil
}
