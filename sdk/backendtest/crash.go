package backendtest

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// atCommit means the frame of a Put that holds the commit.
const atCommit = -1

func crashRules() []Rule {
	return []Rule{
		patient(must("CRASH-01", "A Put whose program is killed before the commit was sent leaves nothing, and the same Put then succeeds.", func(t *T) {
			all := t.batch()
			frames := t.frames(all) // the last of them has the commit
			for _, k := range []int{1, 2 + t.draw(frames-3), 2 + t.draw(frames-3), frames - 1} {
				all = append(all, t.killed(k, time.Duration(t.draw(5))*time.Millisecond, t.batch())...)
			}
			t.once(t.backend(), all...)
		}, needsProgram)),
		patient(must("CRASH-02", "A Put whose program is killed after the commit was sent is wholly there or not at all, and the same Put then adds nothing.", func(t *T) {
			small := func() []sample { return append(t.items(20), t.item(sdk.ChunkSize+1)) }
			all := small()
			for _, pause := range moments(t.commitTime(all)) {
				all = append(all, t.killed(atCommit, pause, small())...)
			}
			all = append(all, t.killed(atCommit, 0, t.batch())...)
			t.once(t.backend(), all...)
		}, needsProgram)),
		patient(must("CRASH-03", "What was answered is kept when the program is killed right after.", answeredIsKept, needsProgram)),
		patient(must("CRASH-04", "An Append whose program is killed is wholly there or not at all, and the same Append then adds nothing.", killedAppend, needsProgram)),
		patient(must("CRASH-05", "A Purge whose program is killed is wholly done or not at all, and the same Purge then is done.", killedPurge, needsProgram)),
	}
}

// moments are when calls are killed that take about d: from before the program
// can have read them to when it has answered.
func moments(d time.Duration) []time.Duration {
	return []time.Duration{0, d / 4, d / 2, 3 * d / 4, 9 * d / 10, d, 3 * d / 2}
}

// draw returns a number below n, from the seed.
func (t *T) draw(n int) int { return rand.New(rand.NewChaCha8(t.key(t.serial()))).IntN(n) }

// batch returns what needs many frames: small items, a body of several chunks
// and one that is staged.
func (t *T) batch() []sample {
	return append(t.items(20), t.item(3*sdk.ChunkSize), t.item(sdk.StagedBody+1), t.item(100))
}

// frames stores s and returns how many frames that took.
func (t *T) frames(s []sample) (frames int) {
	t.put(t.openOver(setup{dial: (&tap{sent: func(n int, _ bool) { frames = n }}).options()}), s...)
	return frames
}

// commitTime stores s and returns how long the answer took once the commit was
// sent.
func (t *T) commitTime(s []sample) time.Duration {
	var sent time.Time
	t.put(t.openOver(setup{dial: (&tap{sent: func(int, bool) { sent = time.Now() }}).options()}), s...)
	return time.Since(sent)
}

// killed puts s with a program that is killed a while after the k-th frame went
// out, and then again with another. It returns s.
func (t *T) killed(k int, pause time.Duration, s []sample) []sample {
	var b handle
	committed := false
	b = t.openOver(setup{dial: (&tap{sent: func(n int, commit bool) {
		committed = committed || commit
		if n == k || commit && k == atCommit {
			time.Sleep(pause)
			b.process.Kill()
		}
	}}).options()})
	_, err := b.Put(t.ctx, sequence(s...))
	fresh := t.backend()
	switch there := t.allOrNone(fresh, s...); {
	case there && !committed:
		t.Errorf("killed %v after frame %d: the items are there, and no commit was sent", pause, k)
	case !there && err == nil:
		t.Errorf("killed %v after frame %d: put succeeded, and nothing is there", pause, k)
	}
	t.put(fresh, s...)
	t.same(fresh, s...)
	return s
}

// allOrNone checks that either all samples are there, as they were given, or
// nothing of them is, and reports which.
func (t *T) allOrNone(b sdk.Backend, s ...sample) (there bool) {
	found := len(t.list(b, sdk.Query{Tombstones: tombstones(s...)}))
	switch found {
	case 0:
		t.unseen(b, s...)
		t.missing(b, s...)
	case len(s):
		t.same(b, s...)
	default:
		t.Errorf("%d of %d items are there: one call is all or nothing", found, len(s))
	}
	return found > 0
}

func answeredIsKept(t *T) {
	s := t.batch()
	b := t.openOver(setup{})
	t.put(b, s...)
	b.process.Kill()
	t.same(t.backend(), s...)

	b = t.openOver(setup{})
	t.append(b, t.hold(s[0].Tombstone, "case"), t.request(s[1].Tombstone, "requester"))
	b.process.Kill()
	if e := t.entry(t.backend(), s[0].Tombstone); len(e.Events) != 2 || len(e.Holds) != 1 {
		t.Errorf("the record has %d events and %d holds, want 2 and 1", len(e.Events), len(e.Holds))
	}

	b = t.openOver(setup{})
	t.verdicts(b, t.purge(s[0].Tombstone, s[1].Tombstone), sdk.OutcomeHeld, sdk.OutcomePurged)
	b.process.Kill()
	fresh := t.backend()
	t.live(fresh, s[0].Tombstone)
	t.gone(fresh, s[1].Tombstone)
}

// killAfter makes a call of a program that is killed a while after it began.
func (t *T) killAfter(pause time.Duration, call func(sdk.Backend) error) error {
	b := t.openOver(setup{})
	var killer sync.WaitGroup
	killer.Go(func() {
		time.Sleep(pause)
		b.process.Kill()
	})
	defer killer.Wait()
	return call(b)
}

func killedAppend(t *T) {
	s := t.items(10)
	t.put(t.backend(), s...)
	events := func() (all []sdk.Event) {
		for i := range 300 {
			all = append(all, t.event(s[i%len(s)].Tombstone, sdk.ActionRestore))
		}
		return all
	}
	b, first := t.backend(), events()
	start := time.Now()
	t.append(b, first...)
	took := time.Since(start)
	want := len(s) + len(first) // the items count as ARCHIVE events
	for _, pause := range moments(took) {
		more := events()
		err := t.killAfter(pause, func(b sdk.Backend) error { return b.Append(t.ctx, more) })
		fresh := t.backend()
		switch n := t.countEvents(fresh) - want; {
		case n != 0 && n != len(more):
			t.Errorf("killed %v after the call: %d of %d events are there", pause, n, len(more))
		case n == 0 && err == nil:
			t.Errorf("killed %v after the call: it succeeded, and nothing is there", pause)
		}
		t.append(fresh, more...)
		want += len(more)
		if n := t.countEvents(fresh); n != want {
			t.Errorf("after the same call again there are %d events, want %d", n, want)
		}
	}
}

func (t *T) countEvents(b sdk.Backend) (n int) {
	for _, e := range t.mine(b) {
		n += len(e.Events)
	}
	return n
}

func killedPurge(t *T) {
	first := t.doomed()
	b := t.backend()
	start := time.Now()
	if _, err := b.Purge(t.ctx, first); err != nil {
		t.Fatalf("purge: %v", err)
	}
	for _, pause := range moments(time.Since(start)) {
		p := t.doomed()
		err := t.killAfter(pause, func(b sdk.Backend) error { _, err := b.Purge(t.ctx, p); return err })
		var ids []sdk.Tombstone
		for _, item := range p.Items {
			ids = append(ids, item.Tombstone)
		}
		fresh, purged := t.backend(), 0
		for _, g := range t.get(fresh, ids...) {
			if sdk.KindOf(g.err) == sdk.Purged {
				purged++
			}
		}
		switch {
		case purged != 0 && purged != len(ids):
			t.Errorf("killed %v after the call: %d of %d records are purged", pause, purged, len(ids))
		case purged == 0 && err == nil:
			t.Errorf("killed %v after the call: it succeeded, and nothing is purged", pause)
		}
		if _, err := fresh.Purge(t.ctx, p); err != nil {
			t.Errorf("the same call again: %v", err)
		}
		t.gone(fresh, ids...)
	}
}

// doomed stores records that may be purged, and returns the call that does it.
func (t *T) doomed() sdk.Purge {
	s, b := t.items(30), t.backend()
	t.put(b, s...)
	for _, one := range s {
		t.append(b, t.request(one.Tombstone, "requester"))
	}
	return t.purge(tombstones(s...)...)
}
