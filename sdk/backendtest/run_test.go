package backendtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

func TestRulesAreWellFormed(t *testing.T) {
	id := regexp.MustCompile(`^[A-Z]+-\d\d$`)
	seen := map[string]bool{}
	for _, r := range backendtest.Rules() {
		switch {
		case !id.MatchString(r.ID):
			t.Errorf("%q is no id", r.ID)
		case seen[r.ID]:
			t.Errorf("%s is there twice", r.ID)
		case !strings.HasSuffix(r.Says, "."):
			t.Errorf("%s says no sentence: %q", r.ID, r.Says)
		case r.Level != backendtest.Must && r.Level != backendtest.Should:
			t.Errorf("%s has level %q", r.ID, r.Level)
		case !strings.HasPrefix(r.ID, r.Group()+"-"):
			t.Errorf("%s is of group %q", r.ID, r.Group())
		}
		seen[r.ID] = true
	}
}

func TestRunRefusesAnArchiveInUse(t *testing.T) {
	target := memoryTarget()
	target.Single, target.URL = true, func() string { return "memory://mine" }
	only := func(ids ...string) backendtest.Options {
		return backendtest.Options{Run: func(id string) bool { return slices.Contains(ids, id) }}
	}
	rep, err := backendtest.RunRules(t.Context(), target, only("PUT-01", "OPEN-01"))
	if err != nil {
		t.Fatal(err)
	}
	if rep.Passed != 1 || rep.Skipped != 1 || !strings.Contains(rep.Results[1].Why, "single URL") {
		t.Errorf("first run: %+v", rep)
	}
	if _, err := backendtest.RunRules(t.Context(), target, only("PUT-01")); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("second run on the same archive: %v", err)
	}
}

// TestSingleArchive: all rules that do not need more also pass on one archive.
func TestSingleArchive(t *testing.T) {
	t.Parallel()
	target := memoryTarget()
	target.Single, target.URL, target.Damage, target.Tamper, target.Schemes = true, func() string { return "memory://one" }, nil, nil, nil
	rep, err := backendtest.RunRules(t.Context(), target, backendtest.Options{Seed: 7, Deadline: 10 * time.Minute}) // for machines that are busy
	if err != nil {
		t.Fatal(err)
	}
	if rep.Failed != 0 || rep.Missed != 0 || rep.Skipped != 55 || !rep.Conforms() {
		var b strings.Builder
		_ = rep.WriteSummary(&b)
		t.Errorf("%s", b.String())
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := backendtest.Options{Done: func(r backendtest.Result) {
		if r.ID == backendtest.Rules()[1].ID {
			cancel()
		}
	}}
	rep, err := backendtest.RunRules(ctx, memoryTarget(), o)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Passed != 2 || rep.Skipped != len(backendtest.Rules())-2 {
		t.Errorf("%d passed, %d skipped", rep.Passed, rep.Skipped)
	}
}

// TestRunStopsInARule: what a rule saw when the run was stopped is no fault of the
// backend.
func TestRunStopsInARule(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	target := memoryTarget()
	open, opened := target.Open, 0
	target.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		if opened++; opened == 2 { // the first one is of no rule
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return open(ctx, o)
	}
	rep, err := backendtest.RunRules(ctx, target, backendtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if opened < 2 || rep.Failed != 0 || rep.Missed != 0 || rep.Complete {
		var b strings.Builder
		_ = rep.WriteSummary(&b)
		t.Errorf("%s", b.String())
	}
}

// TestSeed: the same seed makes the same ids, another one others.
func TestSeed(t *testing.T) {
	ids := func(seed uint64) []sdk.Tombstone {
		r := &recorder{}
		target := memoryTarget()
		open := target.Open
		target.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
			b, err := open(ctx, o)
			return &recording{b, r}, err
		}
		o := backendtest.Options{Seed: seed, Run: func(id string) bool { return strings.HasPrefix(id, "PUT-") }}
		if _, err := backendtest.RunRules(t.Context(), target, o); err != nil {
			t.Fatal(err)
		}
		return r.ids
	}
	first := ids(1)
	if len(first) < 100 || !slices.Equal(first, ids(1)) {
		t.Errorf("%d ids, and others the second time", len(first))
	}
	for _, id := range ids(2) {
		if slices.Contains(first, id) {
			t.Fatalf("seeds 1 and 2 both make %v", id)
		}
	}
}

type recorder struct {
	mu  sync.Mutex
	ids []sdk.Tombstone
}

type recording struct {
	sdk.Backend
	to *recorder
}

func (b *recording) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		b.to.mu.Lock()
		defer b.to.mu.Unlock()
		b.to.ids = append(b.to.ids, i.Record.Tombstone)
	}))
}

// sampleReport has one rule of each sort.
func sampleReport(t *testing.T) *backendtest.Report {
	target := memoryTarget()
	target.Damage = nil
	open := target.Open
	target.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := open(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("<open> & %w", err)
		}
		return wrap[panicker](b), nil
	}
	rep, err := backendtest.RunRules(t.Context(), target, backendtest.Options{Seed: 3, Run: func(id string) bool {
		return slices.Contains([]string{"OPEN-07", "PUT-01", "PUT-03", "GET-08"}, id)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestReport(t *testing.T) {
	rep := sampleReport(t)
	if rep.Passed != 2 || rep.Failed != 1 || rep.Skipped != 1 || rep.Conforms() {
		t.Fatalf("%+v", rep)
	}
	var text, doc, junit bytes.Buffer
	for _, err := range []error{rep.WriteSummary(&text), rep.WriteJSON(&doc), rep.WriteJUnit(&junit)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"✗ PUT-03 MUST A Put of no items succeeds and answers none.\n    panic: ",
		"- GET-08 skipped, it needs a way to damage a stored body (Target.Damage, --damage)\n",
		"memory 1, protocol 1, " + runtime.GOOS + "/" + runtime.GOARCH + "\nkit 1.4, seed 3: 2 passed, 1 failed, 1 skipped, not complete\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, text.String())
		}
	}
	var back backendtest.Report
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || back.Failed != 1 || len(back.Results) != 4 {
		t.Errorf("the JSON reads as %+v, %v", back, err)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Class   string    `xml:"classname,attr"`
			Failure *struct{} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suite); err != nil || suite.Tests != 4 || suite.Failures != 1 || len(suite.Cases) != 4 {
		t.Errorf("the JUnit reads as %+v, %v", suite, err)
	}
	for _, c := range suite.Cases {
		if c.Class == "PUT" && c.Failure != nil {
			return
		}
	}
	t.Errorf("no case of group PUT failed in %s", junit.String())
}

// An Open that returns nothing at all is named as what is wrong.
func TestOpenReturnsNothing(t *testing.T) {
	target := memoryTarget()
	target.Open = func(context.Context, sdk.Options) (sdk.Backend, error) { return nil, nil }
	_, err := backendtest.RunRules(t.Context(), target, backendtest.Options{})
	if err == nil || !strings.Contains(err.Error(), "neither a backend nor an error") {
		t.Errorf("the run ended with %v", err)
	}
}
