// Codex-archive-mariadb keeps archives in MariaDB. It is started by codex; run
// by hand it says so.
package main

import (
	"context"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// version is set when a release is built.
var version = "dev"

func main() { plugin.Serve(Driver()) }

// Driver returns what the program serves.
func Driver() sdk.Driver {
	return sdk.Driver{
		Name:    "mariadb",
		Version: version,
		Schemes: schemes,
		Open:    open,
	}
}

func open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	b, err := sqlbackend.Open(ctx, dialect(), o)
	if err != nil {
		return nil, err // not b: a nil pointer in an interface is not nil
	}
	return b, nil
}
