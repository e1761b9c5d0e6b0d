package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// callers is how many calls a host may have under way at once: the greatest
// Options.Parallel.
const callers = 32

func concurrencyRules() []Rule {
	return []Rule{
		proof(canShare, must("CONC-08", "While one handle is open, others on the same archive open, read and write: handles of other processes where the backend is one. None waits for another to close.", func(t *T) {
			b, s := t.backend(), t.items(4)
			t.put(b, s[0])
			for i := 1; i < len(s); i++ {
				other := t.backend() // b stays open, and so do those before
				t.same(other, s[:i]...)
				t.put(other, s[i])
				t.same(b, s[:i+1]...)
			}
		})),
		must("CONC-01", "Thirty-two callers on one handle do not disturb each other.", func(t *T) {
			b := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite, Parallel: callers})
			t.crowd(func(i int) sdk.Backend { return b }, callers, t.lifeOfOne)
		}),
		must("CONC-02", "Several handles on one archive, processes of their own where the backend is one, do not disturb each other.", func(t *T) {
			handles := []sdk.Backend{t.backend(), t.backend(), t.backend(), t.backend()}
			t.crowd(func(i int) sdk.Backend { return handles[i%len(handles)] }, 2*len(handles), t.lifeOfOne)
		}),
		must("CONC-03", "Callers that store the same contents at once, in different orders, all succeed, and each content is stored once.", sameContents),
		must("CONC-04", "The same Put from several callers at once is stored once.", func(t *T) {
			handles := []sdk.Backend{t.backend(), t.backend()}
			s := t.items(20)
			first := make([]int, 2*len(handles)) // items that a caller was told are new
			t.crowd(func(i int) sdk.Backend { return handles[i%2] }, len(first), func(b sdk.Backend, i int, _ []sample) error {
				return t.patiently(func() error {
					stored, err := b.Put(t.ctx, sequence(s...))
					first[i] = 0
					for _, one := range stored {
						if !one.Repeated {
							first[i]++
						}
					}
					return err
				})
			})
			sum := 0
			for _, n := range first {
				sum += n
			}
			if sum != len(s) {
				t.Errorf("%d items were new to the callers, want %d", sum, len(s))
			}
			t.once(handles[0], s...)
		}),
		must("CONC-05", "A reader who takes his time keeps no writer waiting.", slowReader),
		must("CONC-06", "A hold and a purge at the same moment: the record is either purged or held, and both calls say so.", holdVersusPurge),
		must("CONC-09", "Different records that several callers put under one tombstone at once: one is stored, and the others are Conflict.", rivalPuts),
		must("CONC-10", "Holds and retentions that several callers give one record at once all take effect: no case is lost, and the latest retention counts.", rivalEvents),
		must("CONC-11", "A record that several callers purge at once is purged by one of their events; to the others it is already purged.", rivalPurges),
		must("CONC-07", "Purging one record of a content while another is stored leaves a live record with its body.", purgeVersusPut),
	}
}

// crowd runs n callers at once, each with items of its own, and reports what
// they return. The items are made before, so that they are the same each time.
func (t *T) crowd(handle func(i int) sdk.Backend, n int, call func(b sdk.Backend, i int, own []sample) error) {
	own := make([][]sample, n)
	for i := range own {
		own[i] = append(t.items(10), t.item(sdk.ChunkSize+1))
	}
	var all sync.WaitGroup
	for i := range n {
		t.spawn(&all, func() {
			if err := call(handle(i), i, own[i]); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

// patiently repeats a call that fails for a reason that may pass, as the host
// does: a backend may answer Busy where callers collide.
func (t *T) patiently(call func() error) error {
	for attempt := 1; ; attempt++ {
		err := call()
		var e *sdk.Error
		if err == nil || attempt == 20 || !errors.As(err, &e) || !e.Retry {
			return err
		}
		pause := time.NewTimer(time.Duration(attempt) * 5 * time.Millisecond)
		select {
		case <-pause.C:
		case <-t.ctx.Done():
			pause.Stop()
			return err
		}
	}
}

// lifeOfOne takes records through all methods. It runs beside others, so it
// returns errors and looks only at its own.
func (t *T) lifeOfOne(b sdk.Backend, _ int, s []sample) error {
	var missing, contents []sdk.Digest
	for _, one := range s {
		contents = append(contents, one.Content.SHA256)
	}
	gone := s[0]
	request := sdk.Event{ID: derived(gone.Event, 1), Tombstone: gone.Tombstone, Action: sdk.ActionPruneRequest, Actor: "requester", At: dawn}
	p := sdk.Purge{Actor: "purger", At: sdk.Time(time.Now()), Items: []sdk.PurgeItem{{Tombstone: gone.Tombstone, Event: derived(gone.Event, 2)}}}
	steps := []struct {
		what string
		do   func() error
	}{
		{"put", func() error { _, err := b.Put(t.ctx, sequence(s...)); return err }},
		{"put again", func() error { _, err := b.Put(t.ctx, sequence(s...)); return err }},
		{"missing", func() (err error) { missing, err = b.Missing(t.ctx, contents); return err }},
		{"get", func() error { return t.readBack(b, s) }},
		{"append", func() error { return b.Append(t.ctx, []sdk.Event{request}) }},
		{"list", func() error { return t.countOwn(b, s) }},
		{"purge", func() error { _, err := b.Purge(t.ctx, p); return err }},
		{"get the rest", func() error { return t.readBack(b, s[1:]) }},
		{"health", func() error { _, err := b.Health(t.ctx); return err }},
	}
	for _, step := range steps {
		if err := t.patiently(step.do); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d contents are missing after put", len(missing))
	}
	return nil
}

// derived makes an id from another one: what [T.id] is for callers that run
// at the same time would depend on who comes first.
func derived(id sdk.ID, n byte) sdk.ID {
	id[15] ^= n
	return id
}

// readBack is same for callers that run beside others.
func (t *T) readBack(b sdk.Backend, s []sample) error {
	i := 0
	for found, err := range b.Get(t.ctx, tombstones(s...)) {
		switch {
		case err != nil:
			return err
		case found.Err != nil:
			return found.Err
		}
		got, err := io.ReadAll(found.Body)
		if err != nil {
			return err
		}
		if found.Record.Tombstone != s[i].Tombstone || !bytes.Equal(got, s[i].body) {
			return fmt.Errorf("answer %d is %v, %s", i, found.Record.Tombstone, differ(s[i].body, got))
		}
		i++
	}
	if i != len(s) {
		return fmt.Errorf("get yielded %d of %d", i, len(s))
	}
	return nil
}

func (t *T) countOwn(b sdk.Backend, s []sample) error {
	n := 0
	for _, err := range b.List(t.ctx, sdk.Query{Tombstones: tombstones(s...), WithEvents: true}) {
		if err != nil {
			return err
		}
		n++
	}
	if n != len(s) {
		return fmt.Errorf("list shows %d records, want %d", n, len(s))
	}
	return nil
}

func sameContents(t *T) {
	b := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite, Parallel: callers})
	const n = 16
	base := t.items(30)
	all := make([][]sample, n)
	for i := range all {
		for _, s := range base {
			all[i] = append(all[i], t.again(s))
		}
		switch i % 3 {
		case 1:
			slices.Reverse(all[i])
		case 2:
			all[i] = append(all[i][15:], all[i][:15]...)
		}
	}
	fresh := make([]int, n)
	t.crowd(func(int) sdk.Backend { return b }, n, func(b sdk.Backend, i int, _ []sample) error {
		return t.patiently(func() error {
			stored, err := b.Put(t.ctx, sequence(all[i]...))
			fresh[i] = 0
			for _, one := range stored {
				if !one.Deduplicated {
					fresh[i]++
				}
			}
			return err
		})
	})
	sum := 0
	for i := range all {
		sum += fresh[i]
		t.same(b, all[i]...)
	}
	if sum != len(base) {
		t.Errorf("%d bodies were new to the callers, want %d", sum, len(base))
	}
}

func slowReader(t *T) {
	b, other := t.backend(), t.backend()
	s := []sample{t.item(100), t.item(20 * sdk.ChunkSize), t.item(100)}
	t.put(b, s...)
	i := 0
	for found, err := range b.Get(t.ctx, tombstones(s...)) {
		if err != nil || found.Err != nil {
			t.Fatalf("get: %v, %v", err, found.Err)
		}
		_, _ = io.CopyN(io.Discard, found.Body, 10)
		t.callAll(other, s[0])
		i++
	}
	for e, err := range b.List(t.ctx, sdk.Query{Tombstones: tombstones(s...)}) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		t.append(other, t.hold(e.Record.Tombstone, "case"))
	}
}

func holdVersusPurge(t *T) {
	a, b := t.backend(), t.backend()
	for range 20 {
		s := t.item(100)
		t.put(a, s)
		t.append(a, t.request(s.Tombstone, "requester"))
		p, hold := t.purge(s.Tombstone), t.hold(s.Tombstone, "case")
		var verdict []sdk.Verdict
		var purgeErr, holdErr error
		var both sync.WaitGroup
		t.spawn(&both, func() {
			purgeErr = t.patiently(func() (err error) { verdict, err = a.Purge(t.ctx, p); return err })
		})
		t.spawn(&both, func() {
			holdErr = t.patiently(func() error { return b.Append(t.ctx, []sdk.Event{hold}) })
		})
		both.Wait()
		if purgeErr != nil {
			t.Fatalf("purge: %v, hold: %v", purgeErr, holdErr)
		}
		switch o := verdict[0].Outcome; o {
		case sdk.OutcomePurged, sdk.OutcomeRepeated: // the hold came later
			t.gone(a, s.Tombstone)
			t.names(t.kind(holdErr, sdk.Purged), s.Tombstone)
			t.activeHolds(a, s, 0)
		case sdk.OutcomeHeld:
			if holdErr != nil {
				t.Fatalf("held, and hold: %v", holdErr)
			}
			t.untouched(a, s)
			t.activeHolds(a, s, 1)
			t.verdicts(a, t.purge(s.Tombstone), sdk.OutcomeHeld)
		default:
			t.Errorf("the verdict is %q (%s)", o, verdict[0].Why)
		}
	}
}

func purgeVersusPut(t *T) {
	a, b := t.backend(), t.backend()
	for range 20 {
		s := t.item(100)
		fresh := t.again(s)
		t.put(a, s)
		t.append(a, t.request(s.Tombstone, "requester"))
		p := t.purge(s.Tombstone)
		var purgeErr, putErr error
		var both sync.WaitGroup
		t.spawn(&both, func() {
			purgeErr = t.patiently(func() (err error) { _, err = a.Purge(t.ctx, p); return err })
		})
		t.spawn(&both, func() {
			putErr = t.patiently(func() error { _, err := b.Put(t.ctx, sequence(fresh)); return err })
		})
		both.Wait()
		if purgeErr != nil || putErr != nil {
			t.Fatalf("purge: %v, put: %v", purgeErr, putErr)
		}
		t.same(a, fresh)
		t.gone(a, s.Tombstone)
	}
}

// rivals is how many callers want the same.
const rivals = 6

// rivalRounds is how often they try: a backend that looks first and writes later is
// right as long as no other comes between.
const rivalRounds = 10

// compete makes a call of each rival at once, on one of two handles, and returns
// what came.
func (t *T) compete(handles [2]sdk.Backend, call func(b sdk.Backend, i int) error) (errs [rivals]error) {
	var all sync.WaitGroup
	for i := range rivals {
		t.spawn(&all, func() {
			errs[i] = t.patiently(func() error { return call(handles[i%2], i) })
		})
	}
	all.Wait()
	return errs
}

func rivalPuts(t *T) {
	handles := [2]sdk.Backend{t.backend(), t.backend()}
	for range rivalRounds {
		var s [rivals]sample
		for i := range s {
			s[i] = t.item(100)
			s[i].Tombstone = s[0].Tombstone
		}
		errs := t.compete(handles, func(b sdk.Backend, i int) error {
			_, err := b.Put(t.ctx, sequence(s[i]))
			return err
		})
		var winners []sample
		for i, err := range errs {
			if err == nil {
				winners = append(winners, s[i])
				continue
			}
			t.names(t.kind(err, sdk.Conflict), s[0].Tombstone)
		}
		if len(winners) != 1 {
			t.Fatalf("put of %d different records under one tombstone, at once, succeeded for %d of them, want one", rivals, len(winners))
		}
		t.same(handles[0], winners...)
	}
}

func rivalEvents(t *T) {
	handles := [2]sdk.Backend{t.backend(), t.backend()}
	for range rivalRounds {
		s := t.item(20)
		t.put(handles[0], s)
		var events [rivals][]sdk.Event
		var latest time.Time
		for i := range events {
			latest = dawn.Add(time.Duration(i+1) * time.Hour)
			events[i] = []sdk.Event{t.hold(s.Tombstone, fmt.Sprintf("case %d", i)), t.retain(s.Tombstone, latest)}
		}
		errs := t.compete(handles, func(b sdk.Backend, i int) error {
			if err := b.Append(t.ctx, events[i][:1]); err != nil {
				return err
			}
			return b.Append(t.ctx, events[i][1:])
		})
		for i, err := range errs {
			if err != nil && (i == rivals-1 || sdk.KindOf(err) != sdk.Refused) { // by a later retention
				t.Errorf("caller %d: %v", i, err)
			}
		}
		t.activeHolds(handles[0], s, rivals)
		t.retainedUntil(handles[0], s, latest)
	}
}

func rivalPurges(t *T) {
	handles := [2]sdk.Backend{t.backend(), t.backend()}
	for range rivalRounds {
		s := t.item(100)
		t.put(handles[0], s)
		t.append(handles[0], t.request(s.Tombstone, "requester"))
		var purges [rivals]sdk.Purge
		for i := range purges {
			purges[i] = t.purge(s.Tombstone)
		}
		var outcomes [rivals]sdk.Outcome
		errs := t.compete(handles, func(b sdk.Backend, i int) error {
			verdicts, err := b.Purge(t.ctx, purges[i])
			if err == nil && len(verdicts) == 1 {
				outcomes[i] = verdicts[0].Outcome
			}
			return err
		})
		purged := 0
		for i, o := range outcomes {
			switch {
			case errs[i] != nil:
				t.Errorf("caller %d: %v", i, errs[i])
			case o == sdk.OutcomePurged || o == sdk.OutcomeRepeated: // after an answer that said to try again
				purged++
			case o != sdk.OutcomeAlready:
				t.Errorf("caller %d: the verdict is %q, want %q or %q", i, o, sdk.OutcomePurged, sdk.OutcomeAlready)
			}
		}
		if n := len(t.entry(handles[0], s.Tombstone).Events); purged != 1 || n != 3 {
			t.Errorf("%d of %d callers purged it, and it has %s; want one, and 3", purged, rivals, counted(n, "event"))
		}
	}
}
