// Package reconcile compares evidence logs with the events of an archive, both
// ways.
//
// Lines and events are one where their ids are. Both are sorted by id outside
// memory, each as an item of fixed size with a digest of what both say; what
// differs is read once more, to be named.
package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/extsort"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Job says what is compared.
type Job struct {
	Logs    []string // paths; all of them record what this machine did
	Backend sdk.Backend
	Name    string   // of the backend
	Hosts   []string // names of this machine: an event of one of them must have a line

	// Most is how many discrepancies are named; the others are only counted,
	// because each is read once more to be named.
	Most int64
	// Found is given the discrepancies that are named. Its error ends Run.
	Found func(Discrepancy) error
	// Listed, if not nil, is told how many of about how many records are read.
	Listed func(n, of int64)
}

// Problem says what kind of discrepancy was found.
type Problem string

// The problems.
const (
	NoRow      Problem = "no row"     // a line whose event is not in the archive
	NoLine     Problem = "no line"    // an event of this machine without a line
	Changed    Problem = "changed"    // line and event differ
	Twice      Problem = "twice"      // two lines about one event
	Identity   Problem = "identity"   // events that are of another archive by their lines, and were not copied from there
	Unreadable Problem = "unreadable" // a row that cannot be read, or is not what was stored, or not what its events made of it
)

// Discrepancy is a line or an event that has no counterpart, or another one.
type Discrepancy struct {
	Problem   Problem
	Line      string // where the line is, "" without one
	Tombstone string // of the record
	Event     string // id, "" where it is not known
	Detail    string // what is wrong
}

// Summary counts what was compared.
type Summary struct {
	Matched   int64            // lines and events that are one and say the same
	Found     int64            // discrepancies
	Pending   int64            // events of commands that run, or were killed: the next command records them
	Elsewhere int64            // lines about events of other archives
	Others    map[string]int64 // events without a line here, by the other host that did them
}

// comparison is a run of a job.
type comparison struct {
	Job
	ctx     context.Context
	archive sdk.ID
	items   extsort.Sorter
	names   names               // of hosts
	own     map[int]bool        // which of them are this machine
	others  names               // of archives that lines are about; "" is this one
	foreign map[int]item        // a line about each of them whose event is here
	copies  map[sdk.ID][]sdk.ID // archives by what was copied into them
	pending map[sdk.ID]bool
	parts   []string // names of the logs' files
	waiting []item   // lines without an event, to be looked up once more
	sum     Summary
}

// Run compares. Events are read first, then what running commands intend, then
// the logs, so a command that runs meanwhile is no discrepancy.
func Run(ctx context.Context, job Job) (Summary, error) {
	c := &comparison{Job: job, ctx: ctx, own: map[int]bool{}, foreign: map[int]item{}, copies: map[sdk.ID][]sdk.ID{}, pending: map[sdk.ID]bool{}, sum: Summary{Others: map[string]int64{}}}
	defer func() { _ = c.items.Close() }() // nothing of it is needed any more
	health, err := job.Backend.Health(ctx)
	if err != nil {
		return c.sum, err
	}
	c.archive = health.Archive
	c.others.index("")
	for _, host := range job.Hosts {
		c.own[c.names.index(host)] = true
	}
	if err := c.readEvents(health.Live); err != nil {
		return c.sum, err
	}
	for i, path := range job.Logs {
		for id := range evidence.PendingEvents(path) {
			c.pending[id] = true
		}
		if err := c.readLog(i, path); err != nil {
			return c.sum, err
		}
	}
	return c.sum, c.compare()
}

// readEvents takes in all events of the archive, and names rows that are not what
// was stored.
func (c *comparison) readEvents(live int64) error {
	n := int64(0)
	for entry, err := range find.Events(c.ctx, c.Backend, sdk.Query{WithEvents: true, WithHolds: true}) {
		if err != nil {
			return err
		}
		if n++; c.Listed != nil {
			c.Listed(n, max(n, live)) // purged records come on top
		}
		wrong := entry.Err
		if wrong == nil && !entry.Record.Tombstone.IsZero() {
			if wrong = entry.Record.CheckDigest(); wrong == nil {
				wrong = entry.CheckCustody()
			}
		}
		if wrong != nil {
			if err := c.found(Discrepancy{Problem: Unreadable, Tombstone: tombstone(entry.Record.Tombstone), Detail: output.Words(wrong)}); err != nil {
				return err
			}
		}
		for i := range entry.Events { // their lines say what was changed
			e := &entry.Events[i]
			f := factsOfEvent(e, &entry.Record)
			it := item{id: e.ID, side: event, facts: f.digest(), at: micros(e.At), until: micros(e.RetainUntil), effect: effectOf(evidence.EffectOf(e)), host: c.names.index(e.Host)}
			if err := c.items.Add(it.encode()); err != nil {
				return err
			}
		}
	}
	return nil
}

// readLog takes in the lines that have an event in an archive.
func (c *comparison) readLog(log int, path string) error {
	part := ""
	for line, err := range evidence.Read(path) {
		var missing *evidence.MissingPartError
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.As(err, &missing):
			return nil // the chain says so
		case err != nil:
			return err
		case c.ctx.Err() != nil:
			return c.ctx.Err()
		}
		if line.Part != part {
			part = line.Part
			c.parts = append(c.parts, part)
		}
		r, err := line.Record()
		if err == nil && r.Transfer != nil {
			c.copies[r.Transfer.To] = append(c.copies[r.Transfer.To], r.Transfer.From)
		}
		if err != nil || !r.InArchive() {
			continue // the chain says so, or it is about no event
		}
		if err := c.items.Add(c.itemOf(r, line, log).encode()); err != nil {
			return err
		}
		c.own[c.names.index(r.Host)] = true
	}
	return nil
}

func (c *comparison) itemOf(r *evidence.Record, line evidence.Line, log int) item {
	it := item{
		id: r.ID, side: logged, facts: factsOfLine(r).digest(), at: micros(r.EventAt), until: untilOf(r),
		log: log, part: len(c.parts) - 1, number: line.Number, offset: line.Offset,
		archive: c.others.index(c.elsewhere(r)),
	}
	if it.archive == 0 { // a copy may have another effect
		it.effect = effectOf(r.Effect)
	}
	return it
}

// elsewhere names the archive that a line is about, "" for the one that is
// compared.
func (c *comparison) elsewhere(r *evidence.Record) string {
	switch {
	case !r.Archive.IsZero() && !c.archive.IsZero():
		if r.Archive == c.archive {
			return ""
		}
		return r.Archive.String()
	case r.Backend == c.Name:
		return ""
	}
	return "of " + r.Backend
}

// compare walks over lines and events by id.
func (c *comparison) compare() error {
	var same []item
	for encoded, err := range c.items.All() {
		if err == nil {
			err = c.ctx.Err()
		}
		if err != nil {
			return err
		}
		it := decodeItem(encoded)
		if len(same) > 0 && same[0].id != it.id {
			if err := c.comparePairs(same); err != nil {
				return err
			}
			same = same[:0]
		}
		same = append(same, it)
	}
	if len(same) > 0 {
		if err := c.comparePairs(same); err != nil {
			return err
		}
	}
	if err := c.lookUp(); err != nil {
		return err
	}
	return c.checkIdentity()
}

// comparePairs compares what has one id: events come before lines.
func (c *comparison) comparePairs(same []item) error {
	lines := slices.IndexFunc(same, func(it item) bool { return it.side == logged })
	if lines < 0 {
		return c.noLine(same[0])
	}
	for _, again := range same[lines+1:] {
		d := Discrepancy{Problem: Twice, Line: c.where(again), Event: again.id.String(), Detail: "the event has a line already: " + c.where(same[lines])}
		if err := c.found(d); err != nil {
			return err
		}
	}
	line := same[lines]
	if lines > 0 && line.archive > 0 {
		if _, known := c.foreign[line.archive]; !known {
			c.foreign[line.archive] = line
		}
	}
	switch {
	case lines == 0 && line.archive > 0:
		c.sum.Elsewhere++
		return nil
	case lines == 0:
		c.waiting = append(c.waiting, line)
		if len(c.waiting) < sdk.MaxItems {
			return nil
		}
		return c.lookUp()
	case line.agrees(same[0]):
		c.sum.Matched++
		return nil
	}
	return c.explain(line)
}

// checkIdentity names the archives whose events are here by their lines, though no
// line says that they were copied. Else an archive that was given another identity
// could lose events: their lines would count as being about another one.
func (c *comparison) checkIdentity() error {
	for _, n := range slices.Sorted(maps.Keys(c.foreign)) {
		from, err := sdk.ParseID(c.others.name(n))
		if err != nil || c.copiedFrom(from) {
			continue // of another backend and without an identity: nothing is known of it
		}
		line := c.foreign[n]
		err = c.found(Discrepancy{Problem: Identity, Line: c.where(line), Event: line.id.String(), Detail: fmt.Sprintf(
			"the archive is %s and has this event, the line is about the archive %s, and no COPY line says that one was copied into the other (--also names the evidence of a copy that was made elsewhere)", c.archive, from)})
		if err != nil {
			return err
		}
	}
	return nil
}

// copiedFrom reports whether copies lead from an archive to this one.
func (c *comparison) copiedFrom(from sdk.ID) bool {
	reached := []sdk.ID{c.archive}
	for i := 0; i < len(reached); i++ {
		for _, id := range c.copies[reached[i]] {
			if id == from {
				return true
			}
			if !slices.Contains(reached, id) {
				reached = append(reached, id)
			}
		}
	}
	return false
}

// noLine takes in an event without a line.
func (c *comparison) noLine(it item) error {
	switch {
	case c.pending[it.id]:
		c.sum.Pending++
		return nil
	case !c.own[it.host]:
		c.sum.Others[c.names.name(it.host)]++
		return nil
	}
	if c.enough() {
		return nil
	}
	d := Discrepancy{Problem: NoLine, Event: it.id.String(), Detail: "the archive has an event of this machine that no line names"}
	err := c.events([]sdk.ID{it.id}, func(e *sdk.Event, r *sdk.Record) error {
		d.Tombstone = tombstone(r.Tombstone)
		d.Detail = fmt.Sprintf("the archive has %s by %s on %s at %s, and no line names it", e.Action, e.Actor, e.Host, e.At.Format(evidence.TimeForm))
		return nil
	})
	if err != nil {
		return err
	}
	return c.found(d)
}

// lookUp asks the archive once more for the events of lines that had none: a
// command may have written them since.
func (c *comparison) lookUp() error {
	waiting := c.waiting
	c.waiting = nil
	var ids []sdk.ID
	for _, it := range waiting {
		ids = append(ids, it.id)
	}
	there := map[sdk.ID]bool{}
	err := c.events(ids, func(e *sdk.Event, _ *sdk.Record) error { there[e.ID] = true; return nil })
	if err != nil {
		return err
	}
	for _, it := range waiting {
		if there[it.id] {
			c.sum.Matched++
			continue
		}
		if c.enough() {
			continue
		}
		r, err := c.record(it)
		if err != nil {
			return err
		}
		detail := fmt.Sprintf("the archive has no event %s by %s at %s", r.Action, r.Actor, r.Time.Format(evidence.TimeForm))
		if err := c.found(Discrepancy{Problem: NoRow, Line: c.where(it), Tombstone: r.Tombstone, Event: it.id.String(), Detail: detail}); err != nil {
			return err
		}
	}
	return nil
}

// explain says in what a line and its event differ.
func (c *comparison) explain(it item) error {
	if c.enough() {
		return nil
	}
	r, err := c.record(it)
	if err != nil {
		return err
	}
	d := Discrepancy{Problem: Changed, Line: c.where(it), Tombstone: r.Tombstone, Event: it.id.String(), Detail: "line and row differed, and do no more"}
	err = c.events([]sdk.ID{it.id}, func(e *sdk.Event, stored *sdk.Record) error {
		if different := differences(r, e, stored); different != "" {
			d.Detail = different
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.found(d)
}

// events calls each with the events of these ids that the archive has.
func (c *comparison) events(ids []sdk.ID, each func(*sdk.Event, *sdk.Record) error) error {
	if len(ids) == 0 {
		return nil
	}
	for entry, err := range find.Events(c.ctx, c.Backend, sdk.Query{Events: ids, WithEvents: true}) {
		if err != nil {
			return err
		}
		for i := range entry.Events {
			if e := &entry.Events[i]; slices.Contains(ids, e.ID) {
				if err := each(e, &entry.Record); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *comparison) record(it item) (*evidence.Record, error) {
	line, err := evidence.LineAt(c.Logs[it.log], it.offset)
	if err != nil {
		return nil, err
	}
	return line.Record()
}

func (c *comparison) where(it item) string {
	where := evidence.Line{Part: c.parts[it.part], Number: it.number}.Where()
	if it.log > 0 {
		return c.Logs[it.log] + ": " + where
	}
	return where
}

func (c *comparison) found(d Discrepancy) error {
	if c.enough() {
		return nil
	}
	c.sum.Found++
	return c.Found(d)
}

// enough counts a discrepancy that is not named, if no more are.
func (c *comparison) enough() bool {
	if c.sum.Found < c.Most {
		return false
	}
	c.sum.Found++
	return true
}

// names numbers names, so that items have a fixed size. Beyond what fits into
// memory all have the number of "".
type names struct {
	list    []string
	numbers map[string]int
}

const maxNames = 1 << 16

func (n *names) index(name string) int {
	if n.numbers == nil {
		n.list, n.numbers = []string{""}, map[string]int{"": 0}
	}
	i, ok := n.numbers[name]
	if !ok && len(n.list) < maxNames {
		i = len(n.list)
		n.list, n.numbers[name] = append(n.list, name), i
	}
	return i
}

func (n *names) name(i int) string { return n.list[i] }

// agrees reports whether a line and an event say the same.
func (it item) agrees(o item) bool {
	return bytes.Equal(it.facts[:], o.facts[:]) && it.until == o.until && (it.at == 0 || it.at == o.at) && (it.effect == 0 || it.effect == o.effect)
}
