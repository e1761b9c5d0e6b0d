package backendtest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/codex-archive/codex/sdk"
)

// Ability is what rules build on. Where the first rule about one fails, the rules
// that use it say nothing new.
type Ability string

// The abilities: opening an archive, opening it twice at once, and the methods of
// [sdk.Backend].
const (
	canOpen    Ability = "Open"
	canClose   Ability = "Close"
	canShare   Ability = "several handles at once"
	canHealth  Ability = "Health"
	canPut     Ability = "Put"
	canGet     Ability = "Get"
	canMissing Ability = "Missing"
	canList    Ability = "List"
	canAppend  Ability = "Append"
	canPurge   Ability = "Purge"
	canInspect Ability = "Inspect"
	canKeep    Ability = "records that come back as they were stored"
)

// need skips the rule where another has found that an ability is not there.
func (t *T) need(a Ability) {
	if why := t.broken[a]; why != "" {
		t.mu.Lock()
		t.depends = true
		t.mu.Unlock()
		t.Skipf("%s", why)
	}
}

// calls are what a rule asked of the backend, and what came. The last ones are
// kept.
type calls struct {
	mu      sync.Mutex
	last    []*call
	dropped int
}

type call struct {
	of     *calls
	method Ability
	what   string // such as "put of 3 items"
	came   string // "" while it is under way
	inside bool   // the backend has the turn, not a sequence or a loop of the rule
}

// mostCalls is how many calls the result of a rule shows.
const mostCalls = 8

func (c *calls) begin(method Ability, format string, args ...any) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := &call{of: c, method: method, what: fmt.Sprintf(format, args...), inside: true}
	if len(c.last) == mostCalls {
		c.last = c.last[1:]
		c.dropped++
	}
	c.last = append(c.last, one)
	return one
}

// turn says whether the backend has the turn.
func (c *call) turn(backend bool) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.inside = backend
}

// says completes what is known of the call.
func (c *call) says(format string, args ...any) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.what = fmt.Sprintf(format, args...)
}

// end notes what came. An error counts more than an answer.
func (c *call) end(err error, format string, args ...any) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.inside = false
	if err != nil {
		c.came = fmt.Sprintf("%v: %v", sdk.KindOf(err), err)
		return
	}
	c.came = fmt.Sprintf(format, args...)
}

// lines returns the calls as text, the oldest first.
func (c *calls) lines() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.last {
		came := one.came
		if came == "" {
			came = "it has not ended"
		}
		lines = append(lines, visible(one.what+": "+came))
	}
	if c.dropped > 0 && len(lines) > 0 {
		lines = slices.Insert(lines, 0, fmt.Sprintf("(%d calls before these)", c.dropped))
	}
	return lines
}

// latest says what was asked last.
func (c *calls) latest() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) == 0 {
		return "no call"
	}
	return c.last[len(c.last)-1].what
}

// hanging names the methods in which the backend has the turn.
func (c *calls) hanging() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, one := range c.last {
		if one.inside && !slices.Contains(names, string(one.method)) {
			names = append(names, string(one.method))
		}
	}
	return strings.Join(names, ", ")
}

// watched is a handle whose calls are noted.
type watched struct {
	t       *T
	backend sdk.Backend
	closed  atomic.Bool // by the rule, so that nothing is left to do at its end
}

var (
	_ sdk.Backend    = (*watched)(nil)
	_ sdk.Identified = (*watched)(nil)
	_ sdk.Inspector  = (*watched)(nil)
)

// watch returns b with its calls noted in t.
func (t *T) watch(b sdk.Backend) sdk.Backend { return &watched{t: t, backend: b} }

// Identity implements [sdk.Identified].
func (w *watched) Identity() sdk.ID { return sdk.IdentityOf(w.backend) }

// Put implements [sdk.Backend].
func (w *watched) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	w.t.need(canPut)
	c, n, bodies := w.t.calls.begin(canPut, "put"), 0, 0
	stored, err := w.backend.Put(ctx, func(yield func(sdk.Item, error) bool) {
		c.turn(false)
		defer c.turn(true)
		items(func(i sdk.Item, err error) bool {
			if err == nil {
				n++
			}
			if i.Body != nil {
				bodies++
			}
			c.says("put of %s, %d with a body", counted(n, "item"), bodies)
			c.turn(true)
			defer c.turn(false)
			return yield(i, err)
		})
	})
	c.end(err, "%s", counted(len(stored), "answer"))
	return stored, err
}

// Missing implements [sdk.Backend].
func (w *watched) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	w.t.need(canMissing)
	c := w.t.calls.begin(canMissing, "missing of %s", counted(len(contents), "content"))
	missing, err := w.backend.Missing(ctx, contents)
	c.end(err, "%d have no body", len(missing))
	return missing, err
}

// Get implements [sdk.Backend].
func (w *watched) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		w.t.need(canGet)
		c, n, last := w.t.calls.begin(canGet, "get of %s", counted(len(ids), "id")), 0, error(nil)
		for found, err := range w.backend.Get(ctx, ids) {
			if last = err; err == nil {
				n++
			}
			if found.Body != nil {
				found.Body = &turning{found.Body, c}
			}
			c.turn(false)
			if !yield(found, err) {
				break
			}
			c.turn(true)
		}
		c.end(last, "%s", counted(n, "answer"))
	}
}

// turning is a body whose reading is the backend's turn.
type turning struct {
	r    io.Reader
	call *call
}

// Read implements [io.Reader].
func (b *turning) Read(p []byte) (int, error) {
	b.call.turn(true)
	defer b.call.turn(false)
	return b.r.Read(p)
}

// List implements [sdk.Backend].
func (w *watched) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		w.t.need(canList)
		c, n, last := w.t.calls.begin(canList, "list of %s", selected(q)), 0, error(nil)
		for e, err := range w.backend.List(ctx, q) {
			if last = err; err == nil {
				n++
			}
			c.turn(false)
			if !yield(e, err) {
				break
			}
			c.turn(true)
		}
		c.end(last, "%s", counted(n, "entry"))
	}
}

// selected says what a query selects, by the names of its fields.
func selected(q sdk.Query) string {
	v := reflect.ValueOf(q)
	var parts []string
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch {
		case field.IsZero():
		case field.Kind() == reflect.Slice:
			parts = append(parts, fmt.Sprintf("%d %s", field.Len(), name))
		case field.Kind() == reflect.String:
			parts = append(parts, fmt.Sprintf("%s %q", name, shortened(field.String())))
		default:
			parts = append(parts, fmt.Sprintf("%s %v", name, field.Interface()))
		}
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

// actionsOf counts events, and names a few.
func actionsOf(events []sdk.Event) string {
	if len(events) == 0 {
		return "no events"
	}
	return counted(len(events), "event") + ", " + actions(events)
}

// counted is a number of things: "1 item", "2 items".
func counted(n int, thing string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(thing, "y"):
		thing = thing[:len(thing)-1] + "ies"
	default:
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// Append implements [sdk.Backend].
func (w *watched) Append(ctx context.Context, events []sdk.Event) error {
	w.t.need(canAppend)
	c := w.t.calls.begin(canAppend, "append of %s", actionsOf(events))
	err := w.backend.Append(ctx, events)
	c.end(err, "done")
	return err
}

// Purge implements [sdk.Backend].
func (w *watched) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	w.t.need(canPurge)
	what := "purge"
	if p.DryRun {
		what = "dry run of a purge"
	}
	c := w.t.calls.begin(canPurge, "%s of %s", what, counted(len(p.Items), "item"))
	verdicts, err := w.backend.Purge(ctx, p)
	var outcomes []string
	for _, v := range verdicts[:min(len(verdicts), 5)] {
		outcomes = append(outcomes, string(v.Outcome))
	}
	c.end(err, "%s: %s", counted(len(verdicts), "verdict"), strings.Join(outcomes, ", "))
	return verdicts, err
}

// Health implements [sdk.Backend].
func (w *watched) Health(ctx context.Context) (sdk.Health, error) {
	w.t.need(canHealth)
	c := w.t.calls.begin(canHealth, "health")
	h, err := w.backend.Health(ctx)
	c.end(err, "%d live, %d retrievable, %d held, %d purged, writable %v", h.Live, h.Retrievable, h.Held, h.Purged, h.Writable)
	return h, err
}

// Inspect implements [sdk.Inspector].
func (w *watched) Inspect(ctx context.Context) ([]sdk.Finding, error) {
	c := w.t.calls.begin(canInspect, "inspect")
	findings, err := sdk.Inspect(ctx, w.backend)
	c.end(err, "%d findings", len(findings))
	return findings, err
}

// Close implements [sdk.Backend].
func (w *watched) Close() error {
	w.t.need(canClose)
	c := w.t.calls.begin(canClose, "close")
	w.closed.Store(true)
	err := w.backend.Close()
	c.end(err, "done")
	return err
}
