// Program codex-archive-sqlite keeps archives in SQLite files.
package main

import (
	"context"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// version and commit are set by the build.
var (
	version = "dev"
	commit  = "unknown"
)

func main() { plugin.Serve(sqliteDriver()) }

func sqliteDriver() sdk.Driver {
	return sdk.Driver{
		Name: "sqlite", Version: version, Commit: commit, Schemes: []string{"sqlite"},
		Capabilities: []sdk.Capability{sdk.IdentityAtOpen, sdk.Inspection}, Open: open,
	}
}

func open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	return sqlbackend.Open(ctx, dialect(), o)
}
