// Package memory keeps archives in memory, until the process ends: for tests, and
// as the smallest store under package kvbackend.
//
// It is the one backend that holds bodies in memory: where [sdk] says that
// memory does not grow with a file, this package is the exception.
package memory

import (
	"context"
	"strings"
	"sync"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend"
)

// scheme of the URLs, "memory://NAME".
const scheme = "memory"

// Driver returns a driver whose archives live as long as it does: opening
// "memory://NAME" again finds what was stored under NAME before.
func Driver() sdk.Driver { return new(Archives).Driver() }

// Archives holds archives by name. The zero value holds none and is ready.
type Archives struct {
	mu     sync.Mutex
	byName map[string]*store
}

// Driver returns a driver that opens the archives of a.
func (a *Archives) Driver() sdk.Driver {
	return sdk.Driver{Name: "memory", Version: "1", Schemes: []string{scheme}, Capabilities: []sdk.Capability{sdk.IdentityAtOpen, sdk.Inspection}, Open: a.open}
}

// Store returns the store of the archive that url names, nil where there is none.
// Tests damage archives in it.
func (a *Archives) Store(url string) kvbackend.Store {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.byName[strings.TrimPrefix(url, scheme+"://")]; s != nil {
		return s
	}
	return nil
}

func (a *Archives) open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	name, ok := strings.CutPrefix(o.URL, scheme+"://")
	switch {
	case !ok:
		return nil, sdk.Errorf(sdk.Unsupported, "the memory backend takes memory://NAME")
	case strings.Contains(name, "?"):
		return nil, sdk.Errorf(sdk.Unsupported, "a memory URL has no options")
	case name == "":
		return nil, sdk.Errorf(sdk.Invalid, "memory:// names no archive")
	}
	return kvbackend.Open(ctx, a.store(name, o.Mode), kvbackend.Options{
		Mode: o.Mode, Parallel: o.Parallel, Server: "memory", Place: "memory",
		NotDurable: "everything ends with the process",
	})
}

// store returns the store of this name, which only Create keeps if it is new.
func (a *Archives) store(name string, mode sdk.Mode) *store {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byName[name]
	if s != nil {
		return s
	}
	s = &store{}
	if mode >= sdk.Create {
		if a.byName == nil {
			a.byName = map[string]*store{}
		}
		a.byName[name] = s
	}
	return s
}
