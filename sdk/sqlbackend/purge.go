package sqlbackend

import (
	"context"
	"database/sql"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Purge judges records inside the transaction that removes their bodies. A dry
// run judges in the same way and writes nothing.
func (b *Backend) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	if err := p.Validate(); err != nil {
		return nil, b.wrap(ctx, "purge", err)
	}
	var j *purge
	run := func(ctx context.Context, db *conn) error {
		j = &purge{db: db, Purge: p}
		return j.run(ctx)
	}
	var err error
	if p.DryRun {
		err = b.read(ctx, "purge", run)
	} else {
		err = b.write(ctx, "purge", run)
	}
	if err != nil {
		return nil, explainTaken(err)
	}
	if !p.DryRun {
		b.names.add(j.names)
	}
	return j.verdicts, nil
}

// purge is the work of one Purge inside its transaction.
type purge struct {
	db *conn
	sdk.Purge
	now      time.Time // the earlier of the two clocks
	items    map[sdk.Tombstone]*lockedItem
	known    map[sdk.ID]sdk.Event // of the event ids asked for
	bodies   map[int64]*purgedBody
	names    map[string]int64
	verdicts []sdk.Verdict
}

// purgedBody is a content that may lose its body.
type purgedBody struct {
	stored  int64 // bytes of the body
	present bool
	live    int64 // records that need it
}

func (j *purge) run(ctx context.Context) error {
	if len(j.Items) == 0 {
		return nil
	}
	if err := j.look(ctx); err != nil {
		return err
	}
	j.verdicts = make([]sdk.Verdict, len(j.Items))
	var events []sdk.Event
	for i, item := range j.Items {
		v := j.verdict(item)
		if v.Outcome == sdk.OutcomePurged {
			v.Freed = j.free(item)
			events = append(events, j.Event(item, j.now))
		}
		j.verdicts[i] = v
	}
	if j.DryRun || len(events) == 0 {
		return nil
	}
	return j.write(ctx, events)
}

// look reads and locks everything that the verdicts depend on: names, records
// in order, then contents in order.
func (j *purge) look(ctx context.Context) (err error) {
	forUpdate := j.db.b.d.Locks.ForUpdate
	if j.DryRun {
		forUpdate = ""
	} else if j.names, err = j.db.b.nameKeys(ctx, j.db, []string{j.Actor}); err != nil {
		return err
	}
	clock, err := j.db.b.now(ctx, j.db)
	if err != nil {
		return err
	}
	j.now = j.Clock(clock)
	if j.items, err = j.db.lockItems(ctx, j.tombstones(), forUpdate); err != nil {
		return err
	}
	if err := j.lookEvents(ctx); err != nil {
		return err
	}
	if err := j.db.readHolds(ctx, j.items); err != nil {
		return err
	}
	if err := j.lookRequests(ctx); err != nil {
		return err
	}
	return j.lookBodies(ctx, forUpdate)
}

func (j *purge) tombstones() []sdk.Tombstone {
	list := make([]sdk.Tombstone, len(j.Items))
	for i, item := range j.Items {
		list[i] = item.Tombstone
	}
	return list
}

// lookEvents refuses event ids that belong to something else.
func (j *purge) lookEvents(ctx context.Context) (err error) {
	eventIDs := make([]sdk.ID, len(j.Items))
	for i, item := range j.Items {
		eventIDs[i] = item.Event
	}
	if j.known, err = j.db.knownEvents(ctx, eventIDs); err != nil {
		return err
	}
	return j.CheckEvents(j.known)
}

// keys lists the keys of the records, or of their contents.
func (j *purge) keys(of func(*lockedItem) int64) []any {
	seen := map[int64]bool{}
	var keys []any
	for _, it := range j.items {
		if key := of(it); !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}

// lookRequests fills lockedItem.custody with those who asked.
func (j *purge) lookRequests(ctx context.Context) error {
	keys := j.keys(func(it *lockedItem) int64 { return it.key })
	if len(keys) == 0 {
		return nil
	}
	requests := map[int64][]string{}
	in, args := j.db.b.d.in("e.item", Int, keys)
	err := j.db.query(ctx, "SELECT e.item, w.name FROM codex_event e JOIN codex_name w ON w.id = e.actor WHERE "+in+
		" AND e.action = ?", append(args, string(sdk.ActionPruneRequest)), func(scan scan) error {
		var item int64
		var actor string
		err := scan(&item, &actor)
		requests[item] = append(requests[item], actor)
		return err
	})
	for _, it := range j.items {
		it.custody.Requests = requests[it.key]
	}
	return err
}

func (j *purge) lookBodies(ctx context.Context, forUpdate string) (err error) {
	j.bodies, err = j.db.lookBodies(ctx, j.keys(func(it *lockedItem) int64 { return it.artifact }), forUpdate)
	return err
}

// lookBodies locks contents, then counts who needs them: in this order, so that no
// Put can add a record between the two.
func (db *conn) lookBodies(ctx context.Context, keys []any, forUpdate string) (map[int64]*purgedBody, error) {
	bodies := map[int64]*purgedBody{}
	if len(keys) == 0 {
		return bodies, nil
	}
	in, args := db.b.d.in("id", Int, keys)
	err := db.query(ctx, "SELECT id, stored_size, present FROM codex_artifact WHERE "+in+" ORDER BY sha256"+forUpdate, args, func(scan scan) error {
		var key int64
		var stored, present sql.NullInt64
		var body purgedBody
		err := scan(&key, &stored, &present)
		body.stored, body.present = max(stored.Int64, 0), present.Int64 != 0
		bodies[key] = &body
		return err
	})
	if err != nil {
		return nil, err
	}
	in, args = db.b.d.in("artifact", Int, keys)
	return bodies, db.query(ctx, "SELECT artifact, count(*) FROM codex_item WHERE "+in+" AND purged_at IS NULL GROUP BY artifact", args, func(scan scan) error {
		var key, live int64
		err := scan(&key, &live)
		if body := bodies[key]; body != nil {
			body.live = live
		}
		return err
	})
}

// verdict returns the verdict on one record.
func (j *purge) verdict(item sdk.PurgeItem) sdk.Verdict {
	it := j.items[item.Tombstone]
	if it == nil {
		return j.Judge(item, nil, j.now)
	}
	if it.err != nil {
		return sdk.Verdict{Tombstone: item.Tombstone, Outcome: sdk.OutcomeUnknown, Why: sdk.AsError(it.err).Msg}
	}
	if _, repeated := j.known[item.Event]; repeated { // CheckEvents: then it is this record's PURGE
		it.custody.PurgedBy = item.Event
	}
	return j.Judge(item, &it.custody, j.now)
}

// free notes that a record is purged, for the verdicts after it, and returns
// the bytes that go with it.
func (j *purge) free(item sdk.PurgeItem) int64 {
	body := j.bodies[j.items[item.Tombstone].artifact]
	if body == nil {
		return 0 // its row is gone
	}
	body.live--
	if body.live > 0 || !body.present {
		return 0
	}
	return body.stored
}

// write carries out what was decided.
func (j *purge) write(ctx context.Context, events []sdk.Event) error {
	for _, e := range events {
		err := j.db.change(ctx, 1, "UPDATE codex_item SET purged_at = ? WHERE id = ?", j.now.UnixMicro(), j.items[e.Tombstone].key)
		if err != nil {
			return err
		}
	}
	if err := j.db.removeUnused(ctx, j.bodies); err != nil {
		return err
	}
	return j.db.insertEvents(ctx, events, j.items, j.names)
}

// removeUnused removes the bodies that no live record needs.
func (db *conn) removeUnused(ctx context.Context, bodies map[int64]*purgedBody) error {
	for key, body := range bodies {
		if body.live > 0 || !body.present {
			continue
		}
		if err := db.removeBody(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// removeBody removes the bytes of a content, and says so in its row.
func (db *conn) removeBody(ctx context.Context, artifact int64) error {
	// A subquery would do, but for it MariaDB reads the whole table of chunks.
	var upload int64
	err := db.query(ctx, "SELECT id FROM codex_upload WHERE artifact = ?", []any{artifact}, func(scan scan) error { return scan(&upload) })
	if err != nil {
		return err
	}
	for _, step := range []struct {
		statement string
		key       int64
	}{
		{"DELETE FROM codex_body WHERE artifact = ?", artifact},
		{"DELETE FROM codex_artifact_chunk WHERE upload = ?", upload},
		{"DELETE FROM codex_upload WHERE id = ?", upload},
	} {
		if _, err := db.exec(ctx, step.statement, step.key); err != nil {
			return err
		}
	}
	// What a trigger kept from being deleted must not be called purged.
	var left int64
	err = db.query(ctx, `SELECT (SELECT count(*) FROM codex_body WHERE artifact = ?) + (SELECT count(*) FROM codex_upload WHERE artifact = ?)
		+ (SELECT count(*) FROM codex_artifact_chunk WHERE upload = ?)`, []any{artifact, artifact, upload}, func(scan scan) error { return scan(&left) })
	if err != nil {
		return err
	}
	if left > 0 {
		return sdk.Errorf(sdk.Internal, "rows that the database did not delete: %d: a trigger or a rule in it may keep them", left)
	}
	return db.change(ctx, 1, "UPDATE codex_artifact SET present = 0 WHERE id = ?", artifact)
}
