package backendtest

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest/cutproxy"
)

// answerTime is how long the proxy waits for the answer that it will lose: not
// everything that a backend says is answered.
const answerTime = 300 * time.Millisecond

func cutRules() []Rule {
	return []Rule{
		must("CUT-01", "A Put that loses its connection to the database says truly whether something may have been stored, and the same Put then adds nothing.", func(t *T) {
			direct := t.backend()
			b, p := t.proxied()
			var all []sample
			t.cut(func(at int, lost bool) (int, bool) {
				s := t.items(3) // small, so that each statement goes out at once and the count is the same each time
				all = append(all, s...)
				_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
					for i, e := range sequence(s...) {
						if !yield(i, e) {
							return
						}
					}
					p.CutAt(at, lost) // all is said but the commit
				})
				sent, fired := p.Disarm()
				t.honest(err, fired, t.allOrNone(direct, s...))
				if err := t.patiently(func() error { _, err := b.Put(t.ctx, sequence(s...)); return err }); err != nil {
					t.Fatalf("the same Put again: %v", err)
				}
				t.same(direct, s...)
				return sent, fired
			})
			t.once(direct, all...)
		}),
		must("CUT-02", "So does an Append.", func(t *T) {
			direct := t.backend()
			b, p := t.proxied()
			s := t.item(100)
			t.put(b, s)
			want := 1
			t.cut(func(at int, lost bool) (int, bool) {
				events := []sdk.Event{t.event(s.Tombstone, sdk.ActionRestore), t.hold(s.Tombstone, "case"), t.event(s.Tombstone, sdk.ActionRestore)}
				p.CutAt(at, lost)
				err := b.Append(t.ctx, events)
				sent, fired := p.Disarm()
				there := len(t.entry(direct, s.Tombstone).Events) - want
				if there != 0 && there != len(events) {
					t.Errorf("%d of %d events are there", there, len(events))
				}
				t.honest(err, fired, there > 0)
				if err := t.patiently(func() error { return b.Append(t.ctx, events) }); err != nil {
					t.Fatalf("the same Append again: %v", err)
				}
				want += len(events)
				if n := len(t.entry(direct, s.Tombstone).Events); n != want {
					t.Errorf("after the same call again there are %d events, want %d", n, want)
				}
				return sent, fired
			})
		}),
		must("CUT-03", "A Get or a List that loses its connection to the database ends in an error that may pass, never as if it were whole; the handle goes on.", func(t *T) {
			b, p := t.proxied()
			s := []sample{t.item(100), t.item(5*sdk.ChunkSize + 1), t.item(100)}
			t.put(b, s...)
			for what, read := range map[string]func() error{
				"get":  func() error { return t.readBack(b, s) },
				"list": func() error { return t.countOwn(b, s) },
			} {
				t.cut(func(at int, lost bool) (int, bool) {
					p.CutAt(at, lost)
					err := read()
					sent, fired := p.Disarm()
					t.passes(what, err, fired)
					if err := t.patiently(read); err != nil {
						t.Fatalf("%s again: %v", what, err)
					}
					return sent, fired
				})
			}
		}),
	}
}

// proxied opens the shared archive through a proxy, or skips the rule where
// none can be in the way.
func (t *T) proxied() (sdk.Backend, *cutproxy.Proxy) {
	u, err := url.Parse(t.url)
	if err != nil || u.Hostname() == "" || u.Port() == "" || strings.Contains(u.Host, ",") {
		t.Skipf("a URL that names the host and the port of a database, for a proxy between them")
	}
	p, err := cutproxy.Listen(u.Host)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p.AnswerTime = answerTime
	t.Cleanup(p.Close)
	u.Host = p.Address()
	b, err := t.tryOpen(t.ctx, sdk.Options{URL: u.String(), Mode: sdk.ReadWrite, Parallel: 1})
	if err != nil {
		t.Skipf("a database that can be reached through a proxy on 127.0.0.1: %v", err)
	}
	return b, p
}

// Of the places of a call that are cut: the first ones, and those from a few
// before the last on, until the call is over before its turn comes. What lies
// between is more of the same.
const (
	firstCuts = 4
	lastCuts  = 6
	mostCuts  = 30 // an end that does not come
)

// cut does call, which returns how often the backend sent something and whether
// it was cut: first undisturbed, then with a cut at the first, the second and so
// on; once so that what was sent is lost, and once so that only the answer is.
func (t *T) cut(call func(at int, lost bool) (sent int, fired bool)) {
	call(0, false) // a first call says more, about statements and names that are new
	sent, _ := call(0, false)
	if sent == 0 {
		t.Fatalf("nothing went through the proxy: the backend does not use the host of its URL")
	}
	for at, cuts := 1, 0; ; at, cuts = at+1, cuts+1 {
		if at > firstCuts {
			at = max(at, sent-lastCuts)
		}
		_, lost := call(at, true)
		_, unanswered := call(at, false)
		if !lost && !unanswered {
			break
		}
		if cuts == mostCuts {
			t.Fatalf("after %d cuts the call still goes on", cuts)
		}
	}
}

// honest checks the error of a write whose connection was cut against what is
// there.
func (t *T) honest(err error, fired, there bool) {
	t.passes("the call", err, fired)
	var e *sdk.Error
	switch {
	case err == nil && !there:
		t.Errorf("the call succeeded, and nothing is there")
	case !errors.As(err, &e):
	case there && e.Effect == sdk.EffectNone:
		t.Errorf("error %q has effect none, and all is there", err)
	case !there && e.Effect == sdk.EffectApplied:
		t.Errorf("error %q has effect applied, and nothing is there", err)
	}
}

// passes checks the error of a call whose connection was cut, if it has one:
// it is one that may pass.
func (t *T) passes(what string, err error, fired bool) {
	var e *sdk.Error
	switch {
	case err == nil: // what was cut was said after the call was done
	case !fired:
		t.Errorf("%s: %v, and nothing was cut", what, err)
	case !errors.As(err, &e):
		t.Errorf("%s: error %q is a %T, want *sdk.Error", what, err, err)
	case !e.Retry || !e.Kind.Temporary():
		t.Errorf("%s: error %q (%v) does not say that trying again may help", what, err, e.Kind)
	}
}
