package app

import (
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/crypt"
)

// Recipients reads whom new content is encrypted to, nil where it is not
// encrypted.
func (c *Command) Recipients() (*crypt.Recipients, error) {
	recipients, err := config.Recipients(c.Config, crypt.ParseRecipients)
	if err != nil {
		return nil, refused(err)
	}
	return recipients, nil
}

// Identities reads what encrypted content is read with. Without a file they are
// none, and content that needs one is an error when it is met.
func (c *Command) Identities() (*crypt.Identities, error) {
	recipients, err := c.Recipients()
	if err != nil {
		return nil, err
	}
	identities, err := config.Identities(c.Config, crypt.ParseIdentities)
	if err != nil {
		return nil, refused(err)
	}
	return identities.For(recipients), nil
}
