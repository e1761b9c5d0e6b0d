package memory

import (
	"context"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Purge implements [sdk.Backend].
func (b *Backend) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	lock := b.lockWrite
	if p.DryRun {
		lock = b.lock
	}
	if err := lock(ctx); err != nil {
		return nil, err
	}
	defer b.archive.mu.Unlock()
	return b.archive.purge(p)
}

// purge judges and, unless it is a dry run, writes. An event id that is taken
// is found before anything is written.
func (a *archive) purge(p sdk.Purge) ([]sdk.Verdict, error) {
	now := sdk.Time(p.At)
	if c := clock(); c.Before(now) {
		now = c
	}
	if err := a.checkEvents(p.Items); err != nil {
		return nil, err
	}
	gone := map[sdk.Tombstone]sdk.ID{} // purged by this call, and by which event
	users := a.users()
	verdicts := make([]sdk.Verdict, len(p.Items))
	for i, item := range p.Items {
		v := a.verdict(item, gone, p.Actor, now)
		if v.Outcome == sdk.OutcomePurged {
			gone[item.Tombstone] = item.Event
			content := a.records[item.Tombstone].Content.SHA256
			users[content]--
			if b := a.bodies[content]; b != nil && users[content] == 0 {
				v.Freed = b.content.StoredSize
			}
		}
		verdicts[i] = v
	}
	if p.DryRun {
		return verdicts, nil
	}
	for t, event := range gone {
		a.remove(t, sdk.Event{ID: event, Tombstone: t, Action: sdk.ActionPurge, Actor: p.Actor, At: now, Host: p.Host})
	}
	for t := range gone {
		if content := a.records[t].Content.SHA256; users[content] == 0 {
			delete(a.bodies, content)
		}
	}
	return verdicts, nil
}

// checkEvents refuses event ids that belong to something else.
func (a *archive) checkEvents(items []sdk.PurgeItem) error {
	asked := map[sdk.ID]sdk.Tombstone{}
	for _, item := range items {
		other, twice := asked[item.Event]
		old, taken := a.events[item.Event]
		if twice && other != item.Tombstone || taken && (old.Tombstone != item.Tombstone || old.Action != sdk.ActionPurge) {
			return at(item.Tombstone, sdk.Conflict, "the event id "+item.Event.String()+" is taken")
		}
		asked[item.Event] = item.Tombstone
	}
	return nil
}

// verdict decides about one item, in the order of [sdk.Outcome].
func (a *archive) verdict(item sdk.PurgeItem, gone map[sdk.Tombstone]sdk.ID, actor string, now time.Time) sdk.Verdict {
	answer := func(o sdk.Outcome, why string) sdk.Verdict {
		return sdk.Verdict{Tombstone: item.Tombstone, Outcome: o, Why: why}
	}
	r := a.records[item.Tombstone]
	if r == nil {
		return answer(sdk.OutcomeUnknown, "no such tombstone")
	}
	by, here := gone[item.Tombstone]
	_, before := a.events[item.Event] // checkEvents: then it is this record's PURGE
	switch {
	case before || here && by == item.Event:
		return answer(sdk.OutcomeRepeated, "purged by this very request before")
	case here || !r.PurgedAt.IsZero():
		return answer(sdk.OutcomeAlready, "purged before")
	case r.active("") != nil:
		return answer(sdk.OutcomeHeld, "case "+r.active("").Case+" is active")
	case r.RetainUntil.After(now):
		return answer(sdk.OutcomeRetained, "retained until "+r.RetainUntil.Format("2006-01-02"))
	}
	requests, others := 0, 0
	for _, e := range r.events {
		if e.Action == sdk.ActionPruneRequest {
			requests++
			if !sdk.SamePerson(e.Actor, actor) {
				others++
			}
		}
	}
	switch {
	case requests == 0:
		return answer(sdk.OutcomeNotRequested, "it was not asked for")
	case others == 0:
		return answer(sdk.OutcomeSameActor, "only "+actor+" asked for it")
	}
	return answer(sdk.OutcomePurged, "")
}

// remove writes that t was purged.
func (a *archive) remove(t sdk.Tombstone, e sdk.Event) {
	r := a.records[t].clone()
	r.Content = a.copyOf(r).Content // the record keeps saying what it was
	r.PurgedAt = e.At
	r.events = append(r.events, e)
	a.records[t] = r
	a.events[e.ID] = e
}

// users counts the live records of each content.
func (a *archive) users() map[sdk.Digest]int {
	users := map[sdk.Digest]int{}
	for _, r := range a.records {
		if r.PurgedAt.IsZero() {
			users[r.Content.SHA256]++
		}
	}
	return users
}
