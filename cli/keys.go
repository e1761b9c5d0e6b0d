package main

import (
	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

// newCompressor returns what makes bodies as archive.* says.
func newCompressor(c *app.Command) (*archiver.Compressor, error) {
	recipients, err := c.Recipients()
	if err != nil {
		return nil, err
	}
	return archiver.NewCompressor(sdk.Codec(c.Config.Archive.Codec), c.Config.Archive.Level, recipients)
}

// newOpener returns what reads bodies, with the private keys that
// archive.identity_file names.
func newOpener(c *app.Command) (restorer.Opener, error) {
	identities, err := c.Identities()
	return restorer.Opener{Identities: identities}, err
}
