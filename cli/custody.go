package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// custodyFlags are the flags of a command that acts on records that are named or
// selected: first its own. One of its own takes the place of a selector with the
// same name.
func custodyFlags(own ...cli.Flag) []cli.Flag {
	flags := append([]cli.Flag{app.ByFlag()}, own...)
	for _, f := range actingSelectors() {
		if !slices.ContainsFunc(own, func(o cli.Flag) bool { return o.Names()[0] == f.Names()[0] }) {
			flags = append(flags, f)
		}
	}
	return append(flags, app.Switch("dry-run", "say what would be done, and do nothing"))
}

func caseFlag() cli.Flag { return &cli.StringFlag{Name: "case", Usage: "`ID` of the case"} }

func noteFlag() cli.Flag {
	return &cli.StringFlag{Name: "note", Usage: "free `TEXT`, kept in the history"}
}

// caseID reads --case.
func caseID(c *app.Command) (string, error) {
	id := strings.TrimSpace(c.Flags.String("case"))
	if id == "" {
		return "", output.Usagef("which case? --case is missing").WithHint("add --case ID")
	}
	return id, nil
}

// custodyAct is what one command does to each record.
type custodyAct struct {
	words custodyWords
	event sdk.Event // its action, and what belongs to that
	own   []string  // as for [hasSelectors]
	clock bool      // the event has a time that is counted from the clock of this machine
	// check says why it cannot be done to a record. unchanged reports that it is
	// so already; the event is recorded all the same.
	check     func(*sdk.Entry) error
	unchanged func(*sdk.Entry) bool
}

// custodyItem is a record that a command acts on, and what became of it.
type custodyItem struct {
	name      string // as it was typed, or its tombstone
	id        sdk.Tombstone
	entry     sdk.Entry
	unchanged bool
	verdict   *sdk.Verdict // of a purge
	event     sdk.ID
	err       error
}

// custodyRun is a command that acts on records.
type custodyRun struct {
	command *app.Command
	targets targets
	who     string
	archive *app.Archive
	journal *journal.Journal // nil in a dry run
	report  *custodyReport
	tag     string // of --tag: each record is asked for its own tags
	history bool   // records that do not follow from their events are refused, unless accept-contradictions is set
}

// newCustodyRun reads what all these commands have in common. Nothing is touched.
// own are as for [hasSelectors].
func newCustodyRun(c *app.Command, words custodyWords, own ...string) (r *custodyRun, err error) {
	r = &custodyRun{command: c}
	if r.targets, err = readTargets(c, time.Now(), own...); err != nil {
		return nil, err
	}
	if len(r.targets.names) == 0 && !hasSelectors(c, own...) {
		return nil, output.Usagef("which records? no TOMBSTONE and no selector is given").WithHint("usage: %s", c.Flags.Command.UsageText)
	}
	// The archive finds tags by rows that no digest covers. What is not found by them
	// would escape a hold.
	query := &r.targets.selected.query
	r.tag, query.Tag = query.Tag, ""
	if r.who, err = c.Actor(); err != nil {
		return nil, err
	}
	r.report = newCustodyReport(c, words)
	return r, nil
}

// open opens the archive, and the evidence unless the archive is only read, and
// returns what is asked for.
func (r *custodyRun) open(ctx context.Context, mode sdk.Mode) (items []*custodyItem, err error) {
	if r.archive, r.journal, err = openActing(ctx, r.command, mode); err != nil {
		return nil, err
	}
	if items, err = r.collect(ctx); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, output.Errorf(output.KindOf(sdk.NotFound), "no records match, so nothing was done")
	}
	return items, nil
}

// collect decides once which records the command is about, each once. They are
// read again when their turn comes.
func (r *custodyRun) collect(ctx context.Context) (items []*custodyItem, err error) {
	seen := map[sdk.Tombstone]bool{}
	for t, err := range r.targets.all(ctx, r.archive.Read) {
		if err != nil {
			return nil, err
		}
		if t.Entry.Err == nil && r.tag != "" && !slices.Contains(t.Entry.Record.Tags, r.tag) {
			continue
		}
		item := &custodyItem{name: t.Name, id: t.Entry.Record.Tombstone, err: t.Entry.Err}
		if item.err == nil && seen[item.id] {
			continue
		}
		seen[item.id] = true
		items = append(items, item)
	}
	return items, nil
}

// read reads the records of a group, with their holds. Those that contradict their
// events are refused if the command depends on that. They are read twice, because
// another program may have written between a look at the holds and one at the events.
func (r *custodyRun) read(ctx context.Context, group []*custodyItem) error {
	if err := r.look(ctx, group); err != nil || !r.history {
		return err
	}
	again := contradicted(group)
	for _, item := range again {
		item.err = nil
	}
	if err := r.look(ctx, again); err != nil {
		return err
	}
	for _, item := range contradicted(again) {
		if r.command.Flags.Bool(acceptContradictions) {
			r.command.Log.Warn(item.name + ": " + output.Words(item.err) + "; --" + acceptContradictions + " was given")
			item.err = nil
			continue
		}
		item.err = output.Errorf(output.KindOf(sdk.Corrupt), "%w", item.err).
			WithHint("its content was not purged; codex archive evidence verify --reconcile shows what was changed; take the rows from a backup of the database, or add --" + acceptContradictions + ", which the certificate says")
	}
	return nil
}

// contradicted returns the records that do not follow from their events: a hold or a
// retention may have been taken from them in the database.
func contradicted(group []*custodyItem) (items []*custodyItem) {
	for _, item := range group {
		if item.entry.Err != nil || item.entry.Record.Tombstone != item.id {
			continue // it was not read
		}
		if err := item.entry.CheckCustody(); err != nil {
			item.err = err
			items = append(items, item)
		}
	}
	return items
}

// look reads a group.
func (r *custodyRun) look(ctx context.Context, group []*custodyItem) error {
	byID := map[sdk.Tombstone]*custodyItem{}
	s := selection{query: sdk.Query{WithHolds: true, WithEvents: r.history}}
	for _, item := range group {
		if item.err == nil {
			byID[item.id] = item
			s.query.Tombstones = append(s.query.Tombstones, item.id)
		}
	}
	if len(byID) == 0 {
		return nil
	}
	for entry, err := range s.list(ctx, r.archive.Read, nil) {
		if err != nil {
			return err
		}
		if item := byID[entry.Record.Tombstone]; item != nil {
			item.entry, item.err = entry, entry.Err
			delete(byID, item.id)
		}
	}
	for _, item := range byID {
		item.entry, item.err = sdk.Entry{}, find.NotFound(item.name)
	}
	return nil
}

// runAct does one thing to all records that are asked for.
func runAct(ctx context.Context, c *app.Command, act custodyAct) error {
	r, err := newCustodyRun(c, act.words, act.own...)
	if err != nil {
		return err
	}
	act.event.Actor = r.who
	if note := c.Flags.String("note"); note != "" {
		act.event.Detail = map[string]string{"note": note}
	}
	if err := checkEvent(act.event); err != nil {
		return err
	}
	items, err := r.open(ctx, actingMode(c))
	if err != nil {
		return err
	}
	r.report.begin(items)
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if err = r.actGroup(ctx, group, act); err != nil {
			break
		}
	}
	return r.report.end(ctx, err)
}

// checkEvent finds texts that no archive takes before one is touched.
func checkEvent(e sdk.Event) error {
	e.ID, e.Tombstone, e.At = sdk.NewID(), sdk.NewID(), sdk.Time(time.Now())
	if err := e.Validate(); err != nil {
		return output.Usagef("%s", sdk.AsError(err).Msg)
	}
	return nil
}

// actGroup does one thing to a group of records.
func (r *custodyRun) actGroup(ctx context.Context, group []*custodyItem, act custodyAct) error {
	if err := r.read(ctx, group); err != nil {
		return err
	}
	var acts, refused []*journal.Act
	of := map[*journal.Act]*custodyItem{}
	for _, item := range group {
		a := &journal.Act{Name: item.name, Record: &item.entry.Record, Event: act.event, FromClock: act.clock}
		a.Event.ID, a.Event.Tombstone = sdk.NewEventID(), item.id
		of[a] = item
		if item.err == nil {
			item.unchanged, item.err = act.unchanged(&item.entry), act.check(&item.entry)
		}
		if a.Err = item.err; a.Err != nil {
			refused = append(refused, a)
		} else {
			acts = append(acts, a)
		}
	}
	if r.journal == nil {
		r.report.planned(group, act.event)
		return nil
	}
	err := r.journal.NotDone(refused, nil)
	if err == nil && len(acts) > 0 {
		err = r.journal.AppendGroup(ctx, acts)
	}
	for _, a := range acts {
		of[a].event, of[a].err = a.Event.ID, a.Err
	}
	r.report.group(group, act.event)
	return err
}

// purgedBefore is the error for a record whose content is gone.
func purgedBefore(e *sdk.Entry) error {
	if e.Record.PurgedAt.IsZero() {
		return nil
	}
	return sdk.Errorf(sdk.Purged, "its content was purged on %s: nothing is left to keep", output.Stamp(e.Record.PurgedAt))
}

// isHeld reports whether a hold of any case is active for a record.
func isHeld(e *sdk.Entry) bool {
	return slices.ContainsFunc(e.Holds, func(h sdk.Hold) bool { return h.Released.IsZero() })
}

// activeHold reports whether a case is active for a record.
func activeHold(e *sdk.Entry, id string) bool {
	return slices.ContainsFunc(e.Holds, func(h sdk.Hold) bool { return h.Case == id && h.Released.IsZero() })
}
