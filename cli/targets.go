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

// actingSelectors are the flags that select records for a command with an actor
// of its own: --by says who acts, and selects nothing.
func actingSelectors() []cli.Flag {
	return slices.DeleteFunc(selectorFlags(), func(f cli.Flag) bool { return f.Names()[0] == "by" })
}

// selects reports whether a flag of this name is one of [actingSelectors].
func selects(name string) bool {
	return slices.ContainsFunc(actingSelectors(), func(f cli.Flag) bool { return f.Names()[0] == name })
}

// targets are the records that a command is about: those that its arguments name,
// or those that its selectors select.
type targets struct {
	names    []string // tombstones, some of them shortened
	selected selection
	done     *verifier.Place // what is before it is left out; nil: nothing
}

// target is one of them.
type target struct {
	Name  string    // as it was typed, or the tombstone in full
	Entry sdk.Entry // with Err where there is no such record or it cannot be read
}

// hasSelectors reports whether a flag selects records. own are flags of the
// command that have the name of a selector and select nothing.
func hasSelectors(c *app.Command, own ...string) bool {
	return slices.ContainsFunc(actingSelectors(), func(f cli.Flag) bool {
		// --set SECTION.KEY=VALUE is a setting.
		if name := f.Names()[0]; name != "set" {
			return c.Flags.IsSet(name) && !slices.Contains(own, name)
		}
		set, err := c.RecordSet()
		return err != nil || !set.IsZero()
	})
}

// readTargets reads arguments and flags of a command with [actingSelectors].
// Without any of both it returns no targets: whether that means all records is
// for the command to say. own are as for [hasSelectors].
func readTargets(c *app.Command, now time.Time, own ...string) (t targets, err error) {
	t.names = c.Flags.Args().Slice()
	if len(t.names) > 0 && hasSelectors(c, own...) {
		return t, output.Usagef("TOMBSTONE and selectors are two ways to say which records: choose")
	}
	if t.selected, err = readSelectors(c, now, own...); err != nil {
		return t, err
	}
	t.selected.query.Actor = "" // --by says who acts
	return t, nil
}

// readTargetsOrAll is readTargets of a command that means all records only where
// --all says so.
func readTargetsOrAll(c *app.Command) (targets, error) {
	t, err := readTargets(c, c.Started)
	some := len(t.names) > 0 || hasSelectors(c)
	switch all := c.Flags.Bool("all"); {
	case err != nil:
		return t, err
	case all && some:
		return t, output.Usagef("--all, and TOMBSTONE or selectors, are two ways to say which records: choose")
	case !all && !some:
		return t, output.Usagef("which records? no TOMBSTONE, no selector and no --all is given").
			WithHint("usage: %s", c.Flags.Command.UsageText)
	}
	return t, nil
}

// all yields the targets: those that are named in their order, or those that are
// selected, newest first. The error in the second place is the last pair, and is
// about the archive.
func (t *targets) all(ctx context.Context, read reader) iter.Seq2[target, error] {
	if len(t.names) > 0 {
		return t.named(ctx, read)
	}
	return func(yield func(target, error) bool) {
		for entry, err := range t.selected.list(ctx, read, t.done) {
			if !yield(target{Name: entry.Record.Tombstone.String(), Entry: entry}, err) {
				return
			}
		}
	}
}

func (t *targets) named(ctx context.Context, read reader) iter.Seq2[target, error] {
	names := t.names
	if t.done != nil {
		names = names[min(t.done.Named, len(names)):]
	}
	return func(yield func(target, error) bool) {
		for some := range slices.Chunk(names, sdk.MaxItems) {
			var records []find.Record
			err := read(ctx, func(ctx context.Context, backend sdk.Backend) (err error) {
				records, err = find.Records(ctx, backend, some)
				return err
			})
			if err != nil {
				yield(target{}, err)
				return
			}
			for i, r := range records {
				r.Entry.Err = r.Err
				if !yield(target{Name: some[i], Entry: r.Entry}, nil) {
					return
				}
			}
		}
	}
}

// selectionWords says which records a command is about, as it was typed:
// [verifier.All] where nothing selects among them. also are further flags that
// select.
func selectionWords(c *app.Command, t *targets, also ...string) string {
	var words []string
	for _, name := range t.names {
		words = append(words, output.ShellWord(name))
	}
	words = append(words, typedFlags(c, func(name string) bool {
		return slices.Contains(also, name) || selects(name) && name != "set"
	})...)
	// A setting, which --set takes too, selects nothing: a run is resumed with another.
	if set := t.selected.query.Set; !set.IsZero() {
		words = append(words, "--set", set.String())
	}
	if len(words) == 0 {
		return verifier.All
	}
	return strings.Join(words, " ")
}

// identity returns the identity of the archive.
func identity(ctx context.Context, backend sdk.Backend) (sdk.ID, error) {
	if id := sdk.IdentityOf(backend); !id.IsZero() {
		return id, nil
	}
	health, err := backend.Health(ctx)
	return health.Archive, err
}
