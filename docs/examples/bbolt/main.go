// Command codex-archive-bolt keeps archives in files of bbolt, an ordered
// key/value store in Go.
package main

import (
	"example.com/codex-archive-bolt/boltstore"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// version is set by the build.
var version = "dev"

func main() {
	plugin.Serve(sdk.Driver{Name: "bolt", Version: version, Schemes: []string{"bolt"}, Capabilities: []sdk.Capability{sdk.IdentityAtOpen, sdk.Inspection}, Open: boltstore.Open})
}
