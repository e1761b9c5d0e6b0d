package backendtest_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
	"github.com/codex-archive/codex/sdk/memory"
)

type bomb struct{ inner }

func (b *bomb) Close() error {
	_ = b.Backend.Close()
	panic("close of nil channel")
}

type neverending struct{ inner }

func (b *neverending) Close() error { select {} }

type leaver struct{ inner }

func (b *leaver) Close() error {
	go func() { select {} }()
	return b.Backend.Close()
}

// opening returns a driver whose Open is changed.
func opening(d sdk.Driver, open func(ctx context.Context, o sdk.Options, sound openFunc) (sdk.Backend, error)) sdk.Driver {
	sound := d.Open
	d.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) { return open(ctx, o, sound) }
	return d
}

type openFunc = func(context.Context, sdk.Options) (sdk.Backend, error)

// altering returns a driver whose Open sees other options.
func altering(d sdk.Driver, alter func(*sdk.Options)) sdk.Driver {
	return opening(d, func(ctx context.Context, o sdk.Options, open openFunc) (sdk.Backend, error) {
		alter(&o)
		return open(ctx, o)
	})
}

// exclusive allows one open handle of an archive at a time, as a store does that
// locks its file from Open to Close.
func exclusive(d sdk.Driver) sdk.Driver {
	var mu sync.Mutex
	taken := map[string]bool{}
	return opening(d, func(ctx context.Context, o sdk.Options, open openFunc) (sdk.Backend, error) {
		mu.Lock()
		defer mu.Unlock()
		if taken[o.URL] {
			return nil, sdk.Errorf(sdk.Busy, "the archive is locked")
		}
		b, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		taken[o.URL] = true
		return &releasing{inner{b}, sync.OnceFunc(func() {
			mu.Lock()
			defer mu.Unlock()
			delete(taken, o.URL)
		})}, nil
	})
}

type releasing struct {
	inner
	release func()
}

func (b *releasing) Close() error {
	b.release()
	return b.Backend.Close()
}

func unopenable(d sdk.Driver) sdk.Driver {
	return opening(d, func(ctx context.Context, o sdk.Options, open openFunc) (sdk.Backend, error) {
		if o.Mode == sdk.ReadWrite {
			return nil, sdk.Errorf(sdk.Unsupported, "mode 1 is not known")
		}
		return open(ctx, o)
	})
}

func writable(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) {
		if o.Mode == sdk.ReadOnly {
			o.Mode = sdk.ReadWrite
		}
	})
}

func maker(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) { o.Mode = sdk.Create })
}

func oneForAll(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) {
		if strings.HasPrefix(o.URL, "memory://") && !strings.Contains(o.URL, "?") {
			o.URL = "memory://the-only-one"
		}
	})
}

func teller(d sdk.Driver) sdk.Driver {
	return opening(d, func(ctx context.Context, o sdk.Options, open openFunc) (sdk.Backend, error) {
		b, err := open(ctx, o)
		if err != nil {
			return nil, sdk.Errorf(sdk.KindOf(err), "open %s with %q: %w", o.URL, o.Password, err)
		}
		return b, nil
	})
}

// sweeper takes the bodies of a Put that is under way for left over ones.
type sweeper struct {
	inner
	mu  sync.Mutex
	end context.CancelFunc // of the last Put
}

func (b *sweeper) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	swept, cancel := context.WithCancel(ctx)
	defer cancel()
	b.mu.Lock()
	if b.end != nil {
		b.end()
	}
	b.end = cancel
	b.mu.Unlock()
	time.Sleep(overlap)
	stored, err := b.Backend.Put(swept, in)
	if err != nil && ctx.Err() == nil && swept.Err() != nil {
		err = sdk.Errorf(sdk.Corrupt, "a piece of a body is not there")
	}
	return stored, err
}

// overlap is how long a call takes so that others begin meanwhile.
const overlap = 10 * time.Millisecond

// mixer keeps what it was asked last in the handle.
type mixer struct {
	inner
	mu  sync.Mutex
	ids []sdk.Tombstone
}

func (b *mixer) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	b.mu.Lock()
	b.ids = ids
	b.mu.Unlock()
	return func(yield func(sdk.GetResult, error) bool) {
		time.Sleep(overlap)
		b.mu.Lock()
		ids := b.ids
		b.mu.Unlock()
		b.Backend.Get(ctx, ids)(yield)
	}
}

// sharedPurger removes the body with the first record that is purged.
func sharedPurger(d sdk.Driver) sdk.Driver {
	archives := new(memory.Archives)
	d.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := archives.Driver().Open(ctx, o)
		if err != nil {
			return nil, err
		}
		return &remover{inner{b}, archives, o.URL}, nil
	}
	return d
}

type remover struct {
	inner
	archives *memory.Archives
	url      string
}

func (b *remover) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	verdicts, err := b.Backend.Purge(ctx, p)
	for _, v := range verdicts {
		if v.Outcome == sdk.OutcomePurged && !p.DryRun {
			_ = kvtest.RemoveBody(ctx, b.archives.Store(b.url), v.Tombstone)
		}
	}
	return verdicts, err
}

// fileTarget keeps archives in memory, each under the name of a file that is
// there as long as it is.
func fileTarget(t *testing.T) backendtest.Target {
	sound := new(memory.Archives).Driver().Open
	var n atomic.Int64
	return backendtest.Target{
		Name: "file", Version: "1", Schemes: []string{"file"}, Protocol: sdk.ProtocolVersion,
		Options: sdk.Options{Dir: t.TempDir()},
		URL:     func() string { return "file:///" + strconv.FormatInt(n.Add(1), 10) + ".x" },
		Open: func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
			path, err := o.FilePath("file")
			if err != nil {
				return nil, err
			}
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && o.Mode >= sdk.Create {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					return nil, sdk.FileError("make the archive", err)
				}
			} else if err != nil {
				return nil, sdk.FileError("open the archive", err)
			}
			o.URL = "memory://" + path
			return sound(ctx, o)
		},
	}
}

func relativist(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) {
		if name, ok := strings.CutPrefix(o.URL, "file:////"); ok {
			o.URL = "file:///" + filepath.Base(name)
		}
	})
}

func decoder(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) {
		if u, err := url.Parse(o.URL); err == nil && u.Scheme == "file" && u.RawQuery == "" {
			o.URL = "file://" + u.Path
		}
	})
}

func optionless(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) { o.URL, _, _ = strings.Cut(o.URL, "?") })
}

func slashless(d sdk.Driver) sdk.Driver {
	return altering(d, func(o *sdk.Options) {
		if len(o.URL) > len("file:///") {
			o.URL = strings.TrimSuffix(o.URL, "/")
		}
	})
}

func litterer(d sdk.Driver) sdk.Driver {
	return opening(d, func(ctx context.Context, o sdk.Options, open openFunc) (sdk.Backend, error) {
		b, err := open(ctx, o)
		if path, failed := o.FilePath("file"); err == nil && failed == nil && o.Mode == sdk.ReadOnly {
			_ = os.WriteFile(path+".lock", nil, 0o600)
		}
		return b, err
	})
}
