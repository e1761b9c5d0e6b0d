package backendtest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/codex-archive/codex/sdk"
)

// Fault is something that goes wrong in a call of a backend.
type Fault string

// The faults. Where two are due at the same call, the first of these happens.
const (
	FaultFail Fault = "fail" // nothing is done; the error is Unavailable
	FaultLose Fault = "lose" // the call is done and its answer is lost: Unavailable, EffectMaybe
	FaultCut  Fault = "cut"  // a sequence ends in Unavailable behind its first item; of a Put nothing is done
	FaultHang Fault = "hang" // nothing happens until ctx ends
	FaultFlip Fault = "flip" // a bit of each body that Get returns is wrong
	FaultLie  Fault = "lie"  // the answer is another: records have another note, nothing is missing, all is retrievable
)

func allFaults() []Fault {
	return []Fault{FaultFail, FaultLose, FaultCut, FaultHang, FaultFlip, FaultLie}
}

// Faults says which faults happen, each at every so many calls: 1 is every
// call. Calls are counted over all archives of one driver; opening and closing do
// not count. Hosts are tested with it.
type Faults map[Fault]int

// ParseFaults reads the form of the command line and of variables: "fail:3" or
// "lose:5,flip:2".
func ParseFaults(text string) (Faults, error) {
	f := Faults{}
	for word := range strings.SplitSeq(text, ",") {
		name, every, _ := strings.Cut(word, ":")
		n, err := strconv.Atoi(every)
		if err != nil || n < 1 || !slices.Contains(allFaults(), Fault(name)) {
			return nil, fmt.Errorf("%q is not a fault and a number, such as fail:3", word)
		}
		f[Fault(name)] = n
	}
	return f, nil
}

// Driver returns a driver that opens what d opens, with the faults of f.
func (f Faults) Driver(d sdk.Driver) sdk.Driver {
	calls := new(atomic.Int64)
	open := d.Open
	d.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		return &faultBackend{backend: b, faults: f, calls: calls}, nil
	}
	return d
}

// faultBackend is a backend with faults.
type faultBackend struct {
	backend sdk.Backend
	faults  Faults
	calls   *atomic.Int64
}

var _ sdk.Backend = (*faultBackend)(nil)

// next counts a call and returns the fault that is due, or "".
func (b *faultBackend) next() Fault {
	n := int(b.calls.Add(1))
	for _, fault := range allFaults() {
		if every := b.faults[fault]; every > 0 && n%every == 0 {
			return fault
		}
	}
	return ""
}

func lost(effect sdk.Effect) error {
	return &sdk.Error{Kind: sdk.Unavailable, Msg: "the connection was lost, as the test wants it", Retry: true, Effect: effect}
}

// run makes a call with the faults that are the same for all methods.
func (b *faultBackend) run(ctx context.Context, fault Fault, call func() error) error {
	switch fault {
	case FaultFail:
		return lost(sdk.EffectNone)
	case FaultHang:
		<-ctx.Done()
		return sdk.AsError(ctx.Err())
	case FaultLose:
		if err := call(); err != nil {
			return err
		}
		return lost(sdk.EffectMaybe)
	}
	return call()
}

func (b *faultBackend) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) (stored []sdk.PutResult, err error) {
	fault := b.next()
	err = b.run(ctx, fault, func() error {
		in := items
		if fault == FaultCut {
			in = cutOff(items)
		}
		stored, err = b.backend.Put(ctx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

func (b *faultBackend) Missing(ctx context.Context, contents []sdk.Digest) (missing []sdk.Digest, err error) {
	fault := b.next()
	err = b.run(ctx, fault, func() error {
		missing, err = b.backend.Missing(ctx, contents)
		return err
	})
	if err != nil || fault == FaultLie {
		return nil, err
	}
	return missing, nil
}

func (b *faultBackend) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return withFault(ctx, b, b.backend.Get(ctx, ids), func(fault Fault, r *sdk.GetResult) {
		if fault == FaultFlip && r.Body != nil {
			r.Body = &flipped{r: r.Body}
		}
		if fault == FaultLie {
			r.Record.Note += "?"
		}
	})
}

func (b *faultBackend) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return withFault(ctx, b, b.backend.List(ctx, q), func(fault Fault, e *sdk.Entry) {
		if fault == FaultLie {
			e.Record.Note, e.Present = e.Record.Note+"?", true
		}
	})
}

func (b *faultBackend) Append(ctx context.Context, events []sdk.Event) error {
	return b.run(ctx, b.next(), func() error { return b.backend.Append(ctx, events) })
}

func (b *faultBackend) Purge(ctx context.Context, p sdk.Purge) (verdicts []sdk.Verdict, err error) {
	err = b.run(ctx, b.next(), func() error {
		verdicts, err = b.backend.Purge(ctx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return verdicts, nil
}

func (b *faultBackend) Health(ctx context.Context) (h sdk.Health, err error) {
	fault := b.next()
	err = b.run(ctx, fault, func() error {
		h, err = b.backend.Health(ctx)
		return err
	})
	if err != nil {
		return sdk.Health{}, err
	}
	if fault == FaultLie {
		h.Retrievable, h.Unmeasured, h.Durable = h.Live, "", true
	}
	return h, nil
}

func (b *faultBackend) Inspect(ctx context.Context) (findings []sdk.Finding, err error) {
	err = b.run(ctx, b.next(), func() error {
		findings, err = sdk.Inspect(ctx, b.backend)
		return err
	})
	return findings, err
}

func (b *faultBackend) Identity() sdk.ID { return sdk.IdentityOf(b.backend) }

func (b *faultBackend) Close() error { return b.backend.Close() }

// cutOff yields the first item of a Put and then an error.
func cutOff(items iter.Seq2[sdk.Item, error]) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for item, err := range items {
			if !yield(item, err) || err != nil {
				return
			}
			break
		}
		yield(sdk.Item{}, lost(sdk.EffectNone))
	}
}

// withFault counts the call when the sequence is ranged over, and spoils it.
func withFault[V any](ctx context.Context, b *faultBackend, seq iter.Seq2[V, error], spoil func(Fault, *V)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var zero V
		fault := b.next()
		stopped := false
		err := b.run(ctx, fault, func() error {
			for v, err := range seq {
				if err == nil {
					spoil(fault, &v)
				}
				if stopped = !yield(v, err) || err != nil; stopped {
					return nil
				}
				if fault == FaultCut {
					return lost(sdk.EffectNone)
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(zero, err)
		}
	}
}

// flipped is a body whose first bit is another.
type flipped struct {
	r    io.Reader
	done bool
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if n > 0 && !f.done {
		p[0] ^= 0x80
		f.done = true
	}
	return n, err
}
