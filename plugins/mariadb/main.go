// Program codex-archive-mariadb keeps archives in MariaDB.
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

func main() { plugin.Serve(mariadbDriver()) }

func mariadbDriver() sdk.Driver {
	return sdk.Driver{
		Name: "mariadb", Version: version, Commit: commit, Schemes: schemes,
		Capabilities: []sdk.Capability{sdk.IdentityAtOpen, sdk.Inspection}, Open: open,
	}
}

func open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	return sqlbackend.Open(ctx, dialect(), o)
}
