package backendtest_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// TestEveryRuleCanFail runs all rules on a backend that agrees to everything
// and does nothing, and on one that refuses everything. A rule that passes on
// both checks nothing; CLOSE-02 and those that ask only for politeness have faults
// of their own.
func TestEveryRuleCanFail(t *testing.T) {
	status := func(b sdk.Backend, rule string) backendtest.Status {
		target := memoryTarget()
		first := true
		target.Open = func(context.Context, sdk.Options) (sdk.Backend, error) {
			if first { // on which the kit looks whether the archive is empty
				first = false
				return idle{}, nil
			}
			return b, nil
		}
		target.Schemes, target.Damage = nil, nil
		rep, err := backendtest.RunRules(t.Context(), target, backendtest.Options{
			Deadline: 20 * time.Second, Run: func(id string) bool { return id == rule }, // alone: no other rule has found the fault
		})
		if err != nil {
			t.Fatal(err)
		}
		return rep.Results[0].Status
	}
	polite := []string{"OPEN-08", "CLOSE-02", "CLOSE-06"}
	for _, rule := range backendtest.Rules() {
		if !slices.Contains(polite, rule.ID) && status(idle{}, rule.ID) == backendtest.Passed && status(sullen{}, rule.ID) == backendtest.Passed {
			t.Errorf("%s passes on backends that do nothing", rule.ID)
		}
	}
}

// idle answers as politely as one can without an archive.
type idle struct{}

func (idle) Put(_ context.Context, in items) ([]sdk.PutResult, error) {
	var all []sdk.PutResult
	for i, err := range in {
		if err != nil {
			return nil, err
		}
		all = append(all, sdk.PutResult{Tombstone: i.Record.Tombstone, Content: i.Record.Content})
	}
	return all, nil
}

func (idle) Missing(context.Context, []sdk.Digest) ([]sdk.Digest, error) { return nil, nil }

func (idle) Get(_ context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		for _, id := range ids {
			e := &sdk.Error{Kind: sdk.NotFound, Tombstones: []sdk.Tombstone{id}}
			if !yield(sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: e}, nil) {
				return
			}
		}
	}
}

func (idle) List(context.Context, sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(func(sdk.Entry, error) bool) {}
}

func (idle) Append(context.Context, []sdk.Event) error { return nil }

func (idle) Purge(_ context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	all := make([]sdk.Verdict, len(p.Items))
	for i, item := range p.Items {
		all[i] = sdk.Verdict{Tombstone: item.Tombstone, Outcome: sdk.OutcomePurged}
	}
	return all, nil
}

func (idle) Health(context.Context) (sdk.Health, error) { return sdk.Health{}, nil }

func (idle) Close() error { return nil }

// sullen refuses.
type sullen struct{}

func (sullen) no() error { return sdk.Errorf(sdk.Internal, "no") }

func (b sullen) Put(context.Context, items) ([]sdk.PutResult, error) { return nil, b.no() }

func (b sullen) Missing(context.Context, []sdk.Digest) ([]sdk.Digest, error) { return nil, b.no() }

func (b sullen) Get(context.Context, []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) { yield(sdk.GetResult{}, b.no()) }
}

func (b sullen) List(context.Context, sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) { yield(sdk.Entry{}, b.no()) }
}

func (b sullen) Append(context.Context, []sdk.Event) error { return b.no() }

func (b sullen) Purge(context.Context, sdk.Purge) ([]sdk.Verdict, error) { return nil, b.no() }

func (b sullen) Health(context.Context) (sdk.Health, error) { return sdk.Health{}, b.no() }

func (b sullen) Close() error { return nil }
