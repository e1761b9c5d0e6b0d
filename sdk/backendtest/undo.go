package backendtest

import (
	"errors"
	"io"
	"iter"

	"github.com/codex-archive/codex/sdk"
)

func undoRules() []Rule {
	return []Rule{
		must("UNDO-01", "An error in the sequence ends Put, which returns that very error; nothing of the call is visible.", func(t *T) {
			t.undone(t.backend(), t.items(10)...)
		}),
		must("UNDO-02", "An error in the sequence at its beginning, or after MaxItems items, leaves nothing.", func(t *T) {
			b := t.backend()
			t.undone(b)
			t.undone(b, t.items(sdk.MaxItems)...)
		}),
		must("UNDO-03", "An error in the sequence after bodies above StagedBody leaves nothing.", func(t *T) {
			t.undone(t.backend(), t.item(10), t.item(sdk.StagedBody+1), t.item(2*sdk.ChunkSize), t.item(sdk.StagedBody+1))
		}),
		must("UNDO-04", "Any error value comes back unchanged, one of the contract or of io included.", func(t *T) {
			b := t.backend()
			for _, failure := range []error{
				io.EOF, io.ErrUnexpectedEOF,
				sdk.Errorf(sdk.Corrupt, "the host's own"), sdk.Errorf(sdk.Unavailable, "the host's own"),
				&pathError{"changed"},
			} {
				s := t.item(100)
				_, err := b.Put(t.ctx, broken(failure, s))
				if err != failure {
					t.Errorf("put answered %T %v, want %T %v", err, err, failure, failure)
				}
				t.unseen(b, s)
			}
		}),
		must("UNDO-05", "What was there before stays when a Put that touches it is undone.", func(t *T) {
			b, old := t.backend(), t.items(3)
			t.put(b, old...)
			body, content := frame(old[1].body)
			fresh := t.item(100)
			failure := errors.New("stop here")
			_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
				other := sample{t.record(content), body}
				_ = yield(old[0].item(), nil) && yield(other.item(), nil) && yield(t.again(old[2]).item(), nil) &&
					yield(fresh.item(), nil) && yield(sdk.Item{}, failure)
			})
			if err != failure {
				t.Errorf("put answered %v, want the error of the sequence", err)
			}
			t.unseen(b, fresh)
			t.once(b, old...)
		}),
	}
}

// pathError is an error of a type of its own.
type pathError struct{ what string }

func (e *pathError) Error() string { return e.what }

// undone stores samples in a sequence that ends in an error, then properly.
func (t *T) undone(b sdk.Backend, s ...sample) {
	failure := errors.New("the host cannot go on")
	ended := false
	_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
		var seq iter.Seq2[sdk.Item, error] = broken(failure, s...)
		for i, e := range seq {
			if !yield(i, e) {
				break
			}
		}
		ended = true
	})
	if err != failure {
		t.Errorf("put answered %v, want the very error of the sequence", err)
	}
	if !ended {
		t.Errorf("put returned while its sequence was still running")
	}
	t.unseen(b, s...)
	t.missing(b, s...)
	if len(s) > 10 { // a few tell as much
		s = s[:10]
	}
	t.put(b, s...)
	t.same(b, s...)
}
