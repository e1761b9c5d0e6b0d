package kvbackend

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// Options says what a [Store] does not say of itself.
type Options struct {
	// Mode and Parallel are those of [sdk.Options].
	Mode     sdk.Mode
	Parallel int
	// Server is the database and its version, for people.
	Server string
	// Place says where the archive is, for people, such as a path. It holds no
	// secret.
	Place string
	// NotDurable says why the machine may lose what Update has committed; "": it
	// does not.
	NotDurable string
	// Writable reports whether the store can be written, whatever Mode is; nil: it
	// can.
	Writable func() bool
}

// backend is one handle on an archive.
type backend struct {
	store   Store
	o       Options
	archive sdk.ID
	pieces  int // of a body that one transaction reads

	closing context.Context // done from Close on
	cancel  context.CancelFunc
	running sync.RWMutex // read-locked by each transaction
	closed  bool         // guarded by running
	swept   sync.Once
}

var _ sdk.Backend = (*backend)(nil)

// Memory for the pieces of bodies: 16 of them are 4 MiB; all calls at once hold no
// more than 16 MiB.
const (
	maxPieces = 16
	allPieces = 64
)

// Open opens the archive in s, and makes it where o.Mode allows it. It takes s
// over: it is closed with the backend, or now if Open fails.
func Open(ctx context.Context, s Store, o Options) (sdk.Backend, error) {
	b := &backend{store: s, o: o, pieces: min(maxPieces, max(1, allPieces/max(o.Parallel, 1)))}
	b.closing, b.cancel = context.WithCancel(context.Background())
	if err := b.open(ctx); err != nil {
		_ = b.Close() // the first error says more
		return nil, err
	}
	return b, nil
}

// open reads the identity of the archive, or makes the archive.
func (b *backend) open(ctx context.Context) error {
	var m layout.Meta
	there := false
	err := b.view(ctx, "open", func(t tx) (err error) {
		there, err = t.load(layout.MetaKey(), &m)
		return err
	})
	if err == nil && !there && b.o.Mode >= sdk.Create {
		err = b.update(ctx, "open", func(t tx) error { return t.create(&m) })
	}
	switch {
	case err != nil:
		return err
	case m.Archive.IsZero():
		return &sdk.Error{Kind: sdk.NoArchive, Op: "open", Msg: "there is no archive in " + b.o.Place}
	case m.Version != layout.Version:
		e := sdk.Errorf(sdk.Schema, "the archive has version %d, this program knows %d", m.Version, layout.Version)
		e.Op = "open"
		return e
	}
	b.archive = m.Archive
	return nil
}

// create makes an archive, unless another program has just made one.
func (t tx) create(m *layout.Meta) error {
	if there, err := t.load(layout.MetaKey(), m); err != nil || there {
		return err
	}
	first, _, err := t.Seek([]byte{0})
	if err != nil {
		return err
	}
	if first != nil {
		return sdk.Errorf(sdk.NoArchive, "the store holds other data and no archive")
	}
	*m = layout.Meta{Archive: sdk.NewID(), Version: layout.Version}
	return t.save(layout.MetaKey(), m)
}

// Identity implements [sdk.Identified].
func (b *backend) Identity() sdk.ID { return b.archive }

// Close implements [sdk.Backend]. Transactions under way see that their context
// ends, and are waited for.
func (b *backend) Close() error {
	b.cancel()
	b.running.Lock()
	defer b.running.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.wrap(context.Background(), "close", b.store.Close())
}

// view runs fn in a transaction that reads. fn does not call out.
func (b *backend) view(ctx context.Context, op string, fn func(tx) error) error {
	return b.run(ctx, op, b.store.View, fn)
}

// update runs fn in a transaction that writes. fn does not call out.
func (b *backend) update(ctx context.Context, op string, fn func(tx) error) error {
	return b.run(ctx, op, b.store.Update, fn)
}

func (b *backend) run(ctx context.Context, op string, transact func(context.Context, func(Tx) error) error, fn func(tx) error) error {
	b.running.RLock()
	defer b.running.RUnlock()
	if err := b.alive(ctx, op); err != nil {
		return err
	}
	ctx, done := b.begin(ctx)
	defer done()
	err := transact(ctx, func(t Tx) error {
		if err := fn(tx{ctx, t}); err != nil {
			return err
		}
		return ctx.Err()
	})
	return b.wrap(ctx, op, err)
}

// begin returns the context of a call, which ends with ctx or with Close.
func (b *backend) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.closing, cancel)
	return ctx, func() { stop(); cancel() }
}

// alive reports why a call must not begin, or go on.
func (b *backend) alive(ctx context.Context, op string) error {
	if b.closing.Err() != nil {
		return &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: "the archive is closed"}
	}
	if err := ctx.Err(); err != nil {
		return b.wrap(ctx, op, err)
	}
	return nil
}

// mayWrite refuses what this handle was not opened for.
func (b *backend) mayWrite(op string) error {
	if b.o.Mode == sdk.ReadOnly {
		return &sdk.Error{Kind: sdk.PermissionDenied, Op: op, Msg: "the archive was opened for reading only"}
	}
	return nil
}

// wrap makes an [sdk.Error] of err and adds op.
func (b *backend) wrap(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var e *sdk.Error
	if !errors.As(err, &e) && ctx.Err() != nil {
		err = ctx.Err()
		if b.closing.Err() != nil {
			err = sdk.Errorf(sdk.Canceled, "the archive was closed")
		}
	}
	named := *sdk.AsError(err)
	if named.Op == "" {
		named.Op = op
	}
	return named.About(named.Tombstones...)
}

func tooMany(op, what string) error {
	e := sdk.Errorf(sdk.Limit, "more than %d %s in one call", sdk.MaxItems, what)
	e.Op = op
	return e
}

// now is the time of this machine, on which the store runs.
func now() time.Time { return sdk.Time(time.Now()) }
