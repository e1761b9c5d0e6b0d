package sqlbackend

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"

	"github.com/codex-archive/codex/sdk"
	putitems "github.com/codex-archive/codex/sdk/intake"
)

// Put reads the sequence to its end, then writes everything in one transaction.
func (b *Backend) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	if err := b.mayWrite("put"); err != nil {
		return nil, err
	}
	call, done, err := b.begin(ctx, "put")
	if err != nil {
		return nil, err
	}
	defer done()
	b.sweep(call)
	in := b.newIntake()
	defer in.staging.abandon(ctx)
	if err := in.takeAll(call, items); err != nil {
		var host putitems.HostError
		if errors.As(err, &host) {
			return nil, host.Err
		}
		return nil, b.wrap(call, "put", err)
	}
	return b.put(call, in)
}

// putAttempts is how often a transaction begins before rows that others change
// all the time end the Put.
const putAttempts = 3

// put writes what was taken in.
func (b *Backend) put(ctx context.Context, in *intake) ([]sdk.PutResult, error) {
	if len(in.entries) == 0 {
		return nil, nil
	}
	var g *group
	var err error
	for range putAttempts {
		if err = in.surveyAll(ctx); err != nil {
			return nil, err
		}
		err = b.write(ctx, "put", func(ctx context.Context, db *conn) error {
			g = newGroup(b, db, in)
			return g.store(ctx)
		})
		if err == nil || g == nil || !g.outdated {
			break
		}
		clear(in.survey)
	}
	if err != nil {
		return nil, explainTaken(err)
	}
	b.names.add(g.names)
	b.directories.add(g.directories)
	b.origins.add(g.origins)
	in.staging.adopted(g.contents)
	return g.stored, nil
}

// surveyAll looks at the contents of all items.
func (in *intake) surveyAll(ctx context.Context) error {
	contents := make([]sdk.Digest, 0, len(in.entries))
	for _, e := range in.entries {
		if !e.purged() {
			contents = append(contents, e.record.Content.SHA256)
		}
	}
	slices.SortFunc(contents, func(x, y sdk.Digest) int { return bytes.Compare(x[:], y[:]) })
	return in.survey.look(ctx, in.b, slices.Compact(contents))
}

// explainTaken says what a taken key means, which only the database found: the
// transaction had looked for all of them. Another program wrote the same at this
// very moment, and the next try finds it.
func explainTaken(err error) error {
	if e := sdk.AsError(err); e != nil && e.Kind == sdk.Conflict && e.Native != "" && e.Effect == sdk.EffectNone {
		e.Kind, e.Retry = sdk.Busy, true
		e.Msg = "another program wrote the same record or event at the same moment"
	}
	return err
}

// group is the work of one Put inside its transaction.
type group struct {
	b           *Backend
	db          *conn
	survey      survey
	entries     []*entry                      // not stored yet, sorted by content, then tombstone
	repeats     []*entry                      // stored before; their content may have to be
	copied      []*entry                      // with a history
	known       map[sdk.Tombstone]*lockedItem // those of copied that were there before
	contents    []*content
	byDigest    map[sdk.Digest]*content
	names       map[string]int64
	directories map[directory]int64
	origins     map[origin]int64
	stored      []sdk.PutResult
	outdated    bool // the survey is: a large body has to be read again, outside
}

func newGroup(b *Backend, db *conn, in *intake) *group {
	g := &group{b: b, db: db, survey: in.survey, entries: slices.Clone(in.entries), stored: make([]sdk.PutResult, len(in.entries))}
	slices.SortStableFunc(g.entries, func(x, y *entry) int {
		if c := bytes.Compare(x.record.Content.SHA256[:], y.record.Content.SHA256[:]); c != 0 {
			return c
		}
		return bytes.Compare(x.record.Tombstone[:], y.record.Tombstone[:])
	})
	for _, e := range g.entries {
		if e.item.History.Len() > 0 {
			g.copied = append(g.copied, e)
		}
	}
	return g
}

// store does everything between BEGIN and COMMIT.
func (g *group) store(ctx context.Context) error {
	if err := g.lockCopied(ctx); err != nil {
		return err
	}
	if err := g.findRepeats(ctx); err != nil {
		return err
	}
	if err := g.checkEvents(ctx); err != nil {
		return err
	}
	if err := g.findCommon(ctx); err != nil {
		return err
	}
	if len(g.entries) > 0 || len(g.repeats) > 0 {
		if err := g.storeContents(ctx); err != nil {
			return err
		}
		if err := g.storeItems(ctx); err != nil {
			return err
		}
	}
	return g.takeOver(ctx)
}

// findRepeats takes out the entries that are in the archive already, or twice in
// the group.
func (g *group) findRepeats(ctx context.Context) error {
	known := map[sdk.Tombstone]*item{}
	keys := make([]any, len(g.entries))
	for i, e := range g.entries {
		keys[i] = e.record.Tombstone[:]
	}
	row := newItemScan()
	in, args := g.b.d.in("i.tombstone", Bytes, keys)
	err := g.db.query(ctx, selectItems+fromItems+" WHERE "+in, append(row.begin(), args...), func(scan scan) error {
		it, err := row.next(scan)
		if err == nil {
			known[it.Tombstone] = it
		}
		return err
	})
	if err != nil {
		return err
	}
	return g.separateRepeats(known)
}

// separateRepeats leaves in g.entries what has to be stored. The repeat of a
// record that is purged, or becomes so, is answered at once; the content of the
// others is checked like that of new records.
func (g *group) separateRepeats(known map[sdk.Tombstone]*item) error {
	conflicts := sdk.Culprits{Kind: sdk.Conflict, Msg: "the tombstone is taken by another record"}
	inGroup := map[sdk.Tombstone]*entry{}
	var fresh []*entry
	for _, e := range g.entries {
		id := e.record.Tombstone
		it, first := known[id], inGroup[id]
		switch {
		case it != nil && it.recordErr != nil:
			return it.recordErr
		case it != nil && !it.Same(&e.record), first != nil && !first.record.Same(&e.record):
			conflicts.Add(id)
		case it != nil && (!it.PurgedAt.IsZero() || e.purged()):
			g.stored[e.index] = sdk.PutResult{Tombstone: id, Content: it.Content, Repeated: true}
		case it != nil || first != nil:
			g.repeats = append(g.repeats, e)
		default:
			inGroup[id] = e
			fresh = append(fresh, e)
		}
	}
	g.entries = fresh
	return conflicts.Err()
}

// checkEvents refuses event ids that other records or events have.
func (g *group) checkEvents(ctx context.Context) error {
	if len(g.entries) == 0 {
		return nil
	}
	conflicts := sdk.Culprits{Kind: sdk.Conflict, Msg: "the event id is taken"}
	meanwhile := sdk.Culprits{Kind: sdk.Busy, Msg: "another program stored the same record at the same moment"}
	owner := map[sdk.ID]sdk.Tombstone{}
	events := make([]sdk.ID, len(g.entries))
	for i, e := range g.entries {
		if _, taken := owner[e.record.Event]; taken {
			conflicts.Add(e.record.Tombstone)
		}
		owner[e.record.Event] = e.record.Tombstone
		events[i] = e.record.Event
	}
	err := g.db.archiveEvents(ctx, events, func(_ int64, event sdk.ID, of sdk.Tombstone) {
		if owner[event] == of {
			meanwhile.Add(of) // it was not there when findRepeats looked
		} else {
			conflicts.Add(owner[event])
		}
	})
	if err != nil {
		return err
	}
	in, args := g.b.d.in("id", Bytes, ids(events))
	err = g.db.query(ctx, "SELECT id FROM codex_event WHERE "+in, args, func(scan scan) error {
		var raw sql.RawBytes
		if err := scan(&raw); err != nil {
			return err
		}
		var event sdk.ID
		copy(event[:], raw) // it was asked for by this value
		conflicts.Add(owner[event])
		return nil
	})
	return cmp.Or(err, conflicts.Err(), meanwhile.Err())
}

// findCommon finds or makes the rows that records share.
func (g *group) findCommon(ctx context.Context) (err error) {
	var names []string
	directories := make([]directory, len(g.entries))
	for i, e := range g.entries {
		r := &e.record
		names = append(names, r.Repo, r.ArchivedBy, r.Commit, r.Reason, r.ContentKind)
		names = append(names, r.Tags...)
		directories[i] = directoryOf(r)
	}
	for _, e := range g.copied {
		names = append(names, historyNames(&e.item.History)...)
	}
	if len(names) == 0 {
		return nil
	}
	if g.names, err = g.b.nameKeys(ctx, g.db, names); err != nil {
		return err
	}
	if g.directories, err = g.b.directoryKeys(ctx, g.db, directories); err != nil {
		return err
	}
	g.origins, err = g.b.originKeys(ctx, g.db, g.entries, g.names)
	return err
}

// storeItems writes the records, and says what became of each.
func (g *group) storeItems(ctx context.Context) error {
	rows := make([][]any, len(g.entries))
	for i, e := range g.entries {
		r := &e.record
		row, err := itemRow(r, itemKeys{
			artifact: g.byDigest[r.Content.SHA256].key, origin: g.origins[e.origin],
			repo: g.names[r.Repo], actor: g.names[r.ArchivedBy], directory: g.directories[directoryOf(r)],
		})
		if err != nil {
			return err
		}
		rows[i] = row
		g.stored[e.index] = g.answer(e, false)
	}
	for _, e := range g.repeats {
		g.stored[e.index] = g.answer(e, true)
	}
	if err := insertItem.rows(ctx, g.db, rows, nil); err != nil {
		return err
	}
	return g.storeTags(ctx)
}

func (g *group) answer(e *entry, repeated bool) sdk.PutResult {
	c := g.byDigest[e.record.Content.SHA256]
	mine := c.written && c.from == e
	return sdk.PutResult{
		Tombstone: e.record.Tombstone, Content: c.Content,
		Deduplicated: !mine, Repaired: mine && c.repaired, Repeated: repeated,
	}
}

var insertTag = insert{
	table:   "codex_item_tag",
	columns: []column{{"tag", Int}, {"item", Int}},
}

// storeTags writes the index of tags.
func (g *group) storeTags(ctx context.Context) error {
	tags := map[sdk.Tombstone][]string{}
	var keys []any
	for _, e := range g.entries {
		if len(e.record.Tags) > 0 {
			tags[e.record.Tombstone] = e.record.Tags
			keys = append(keys, e.record.Tombstone[:])
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var rows [][]any
	in, args := g.b.d.in("tombstone", Bytes, keys)
	err := g.db.query(ctx, "SELECT id, tombstone FROM codex_item WHERE "+in, args, func(scan scan) error {
		var key int64
		var id sdk.Tombstone
		var raw []byte
		err := scan(&key, &raw)
		if err != nil {
			return err
		}
		copy(id[:], raw) // it was asked for by this value
		for _, tag := range tags[id] {
			rows = append(rows, []any{g.names[tag], key})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return insertTag.rows(ctx, g.db, rows, nil)
}
