package main

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// TestKitCatchesLiars: only with a server can the kit show that its rules about
// cut connections, and about passwords in errors, catch who breaks them.
func TestKitCatchesLiars(t *testing.T) {
	t.Parallel()
	for rule, lie := range map[string]func(*sdk.Error, sdk.Options){
		"CUT-01":    func(e *sdk.Error, _ sdk.Options) { e.Effect = sdk.EffectNone },
		"CUT-02":    func(e *sdk.Error, _ sdk.Options) { e.Effect = sdk.EffectNone },
		"CUT-03":    func(e *sdk.Error, _ sdk.Options) { e.Retry = false },
		"SECRET-04": func(e *sdk.Error, o sdk.Options) { e.Msg += " at " + o.URL },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			target := suite().Target(t, func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
				b, err := open(ctx, o)
				if err != nil {
					return nil, err
				}
				return liar{b, func(err error) error {
					var e *sdk.Error
					if !errors.As(err, &e) {
						return err // none
					}
					told := *e
					lie(&told, o)
					return &told
				}}, nil
			})
			report, err := backendtest.RunRules(t.Context(), target, backendtest.Options{Run: func(id string) bool { return id == rule }})
			if err != nil {
				t.Fatal(err)
			}
			r := report.Results[0]
			if r.Status != backendtest.Failed {
				t.Errorf("%s did not catch it: %s\n%s", rule, r.Status, r.Why)
			}
		})
	}
}

// liar is a backend whose errors are not what they should be.
type liar struct {
	sdk.Backend
	tell func(error) error
}

func (l liar) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	stored, err := l.Backend.Put(ctx, items)
	return stored, l.tell(err)
}

func (l liar) Append(ctx context.Context, events []sdk.Event) error {
	return l.tell(l.Backend.Append(ctx, events))
}

func (l liar) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		for found, err := range l.Backend.Get(ctx, ids) {
			found.Err = l.tell(found.Err)
			if !yield(found, l.tell(err)) {
				return
			}
		}
	}
}
