package kvbackend

import (
	"context"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// Purge judges records inside the transaction that removes their bodies. A dry
// run judges in the same way and writes nothing.
func (b *backend) Purge(ctx context.Context, p sdk.Purge) (verdicts []sdk.Verdict, err error) {
	run := b.view
	if !p.DryRun {
		if err := b.mayWrite("purge"); err != nil {
			return nil, err
		}
		run = b.update
	}
	if err := p.Validate(); err != nil {
		return nil, b.wrap(ctx, "purge", err)
	}
	err = run(ctx, "purge", func(t tx) error {
		j := purge{tx: t, Purge: &p, now: p.Clock(now()), rows: map[sdk.Tombstone]*row{}, gone: map[sdk.Tombstone]bool{}}
		if err := j.run(); err != nil {
			return err
		}
		verdicts = j.verdicts
		return nil
	})
	if err != nil {
		return nil, err
	}
	return verdicts, nil
}

// purge is the work of one Purge inside its transaction.
type purge struct {
	tx       tx
	Purge    *sdk.Purge
	now      time.Time
	rows     map[sdk.Tombstone]*row
	gone     map[sdk.Tombstone]bool // purged by this call
	verdicts []sdk.Verdict
}

// run judges everything, then writes.
func (j *purge) run() error {
	if err := j.checkEvents(); err != nil {
		return err
	}
	var done []sdk.PurgeItem
	for _, item := range j.Purge.Items {
		v, err := j.verdict(item)
		if err != nil {
			return err
		}
		if v.Outcome == sdk.OutcomePurged {
			done = append(done, item)
		}
		j.verdicts = append(j.verdicts, v)
	}
	if j.Purge.DryRun {
		return nil
	}
	for _, item := range done {
		if err := j.write(item); err != nil {
			return err
		}
	}
	return nil
}

func (j *purge) checkEvents() error {
	known := map[sdk.ID]sdk.Event{}
	for _, item := range j.Purge.Items {
		e, there, err := j.tx.event(item.Event)
		if err != nil {
			return err
		}
		if there {
			known[item.Event] = e
		}
	}
	return j.Purge.CheckEvents(known)
}

// verdict returns the verdict on one item.
func (j *purge) verdict(item sdk.PurgeItem) (v sdk.Verdict, err error) {
	r, known := j.rows[item.Tombstone]
	if !known {
		r, err = j.tx.row(item.Tombstone)
		if sdk.KindOf(err) == sdk.Corrupt {
			return sdk.Verdict{Tombstone: item.Tombstone, Outcome: sdk.OutcomeUnknown, Why: sdk.AsError(err).Msg}, nil
		}
		if err != nil {
			return v, err
		}
		j.rows[item.Tombstone] = r
	}
	if r == nil {
		return j.Purge.Judge(item, nil, j.now), nil
	}
	v = j.Purge.Judge(item, &r.custody, j.now)
	if v.Outcome == sdk.OutcomePurged {
		j.gone[item.Tombstone] = true
		needed, err := j.needed(r.content.Content.SHA256)
		if err != nil {
			return v, err
		}
		if !needed && !r.content.Body.IsZero() {
			v.Freed = max(r.content.Content.StoredSize, 0)
		}
	}
	return v, nil
}

// needed reports whether a live record needs the content that this call does not
// purge.
func (j *purge) needed(d sdk.Digest) (needed bool, err error) {
	prefix := layout.LiveOf(d)
	err = j.tx.scan(prefix, prefix, func(k, _ []byte) (bool, error) {
		_, t := layout.ParseLive(k)
		needed = !j.gone[t]
		return !needed, nil
	})
	return needed, err
}

// write carries out one verdict.
func (j *purge) write(item sdk.PurgeItem) error {
	e := j.Purge.Event(item, j.now)
	if err := j.tx.addEvent(&e); err != nil {
		return err
	}
	return j.tx.purge(j.rows[item.Tombstone])
}

// purge makes a record one that is purged, as its custody says, and removes the
// body of its content if no live record needs that.
func (t tx) purge(r *row) error {
	id, digest := r.record.Tombstone, r.content.Content.SHA256
	if err := t.saveCustody(id, &r.custody); err != nil {
		return err
	}
	if err := t.Delete(layout.LiveKey(digest, id)); err != nil {
		return err
	}
	if needed, err := t.any(layout.LiveOf(digest)); err != nil || needed || r.content.Body.IsZero() {
		return err
	}
	if _, err := t.removeBody(r.content.Body, sdk.MaxSize/sdk.ChunkSize); err != nil {
		return err
	}
	return t.saveContent(&layout.Content{Content: r.content.Content})
}
