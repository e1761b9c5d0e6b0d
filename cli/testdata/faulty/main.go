// Command faulty is a backend for tests: the SQLite backend, started as a process
// of its own, with faults. Its URL is that of SQLite with another scheme, and
// names the faults as [backendtest.ParseFaults] reads them:
//
//	faulty:///./x.sqlite?program=/path/of/codex-archive-sqlite&faults=lose:2
package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/plugin"
)

func main() {
	plugin.Serve(sdk.Driver{Name: "faulty", Version: "1", Schemes: []string{"faulty"}, Capabilities: []sdk.Capability{sdk.IdentityAtOpen}, Open: open})
}

// open opens the archive behind the faults.
func open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	place, query, _ := strings.Cut(o.URL, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, sdk.Errorf(sdk.Invalid, "bad URL")
	}
	faults, err := backendtest.ParseFaults(values.Get("faults"))
	if err != nil {
		return nil, sdk.Errorf(sdk.Invalid, "%w", err)
	}
	o.URL = "sqlite" + strings.TrimPrefix(place, "faulty")
	return faults.Driver(sdk.Driver{Open: func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		return launch(ctx, values.Get("program"), o)
	}}).Open(ctx, o)
}

// process is an archive whose program ends with it.
type process struct {
	sdk.Backend
	program *plugin.Process
}

func launch(ctx context.Context, path string, o sdk.Options) (sdk.Backend, error) {
	program, err := plugin.Launch(ctx, plugin.Command{Path: path, Env: os.Environ()})
	if err != nil {
		return nil, err
	}
	backend, err := program.Open(ctx, o)
	if err != nil {
		return nil, errors.Join(err, program.Close())
	}
	return process{backend, program}, nil
}

func (p process) Identity() sdk.ID { return sdk.IdentityOf(p.Backend) }

func (p process) Close() error { return errors.Join(p.Backend.Close(), p.program.Close()) }
