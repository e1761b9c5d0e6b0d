package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/trust"
	"github.com/codex-archive/codex/sdk"
)

// loadConfig reads the configuration and decides on the trust in the project's
// own file.
func (c *Command) loadConfig(ctx context.Context, o config.Options) (*config.Loaded, error) {
	o.Trust = func(ctx context.Context, p config.Project) config.Trust {
		c.Decision = trust.Open(c.Env.Lookup).Decide(ctx, p, c.Env.Get(trust.Variable))
		return config.Trust{Granted: c.Decision.Granted, Why: c.Decision.Why}
	}
	loaded, err := config.Load(ctx, o)
	if err != nil {
		f := output.Errorf(output.Config, "%w", err)
		var value *config.ValueError
		if errors.As(err, &value) && value.Hint != "" {
			f = f.WithHint("%s", value.Hint)
		}
		return nil, f
	}
	return loaded, nil
}

// warn logs what the configuration warns of, at a level that the project's own
// file has no say in.
func (c *Command) warn() error {
	log := c.Log
	if level := c.Config.WarnLevel(); level != c.Config.Logging.Level {
		o := c.logOptions()
		o.Level = level
		raised, file, err := logging.New(o)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // a line that the file lacks is on stderr
		log = raised
	}
	for _, w := range c.Config.Warnings {
		log.Warn(w.Message, logging.OnlyJSON(w.Pairs...)...)
	}
	return nil
}

// admit refuses an archive that an untrusted file names, remembers the first
// use of an untracked one, and checks what else must be known before the
// archive is touched.
func (c *Command) admit(mode sdk.Mode) error {
	if err := c.Config.Refusal(); err != nil {
		return refused(err)
	}
	if err := c.Config.CheckFiles(); err != nil {
		return output.Errorf(output.Config, "%w", err)
	}
	if c.Decision.First {
		c.rememberFirst()
	}
	if mode == sdk.Create {
		return c.admitNew()
	}
	return nil
}

// refused is the failure of a configuration that must not be used.
func refused(err error) error {
	var untrusted *config.UntrustedError
	if errors.As(err, &untrusted) {
		return output.Errorf(output.Untrusted, "%w", err).WithHint("codex archive trust shows the file and asks")
	}
	return output.Errorf(output.Config, "%w", err)
}

// rememberFirst remembers that the user's own file was used, so that it stays
// trusted when it is committed.
func (c *Command) rememberFirst() {
	where := c.RedactedURL()
	if u, err := url.Parse(c.Config.Backend.URL); err == nil && u.Host != "" {
		where = "host " + u.Host
	}
	if err := c.Remember(trust.Untracked); err != nil {
		c.Log.Warn("The trust in " + c.Config.ProjectFile + " cannot be remembered: " + err.Error() + "; it will not be trusted once it is committed")
		return
	}
	c.Log.Info(fmt.Sprintf("Trusted %s from now on, because %s: %s", c.Config.ProjectFile, c.Decision.Why, where),
		logging.OnlyJSON("file", c.Config.ProjectFile, "url", c.RedactedURL())...)
}

// Remember adds what the project's own file says now to the store of trust.
func (c *Command) Remember(how string) error {
	return trust.Open(c.Env.Lookup).Add(c.Config.Project.Tree, trust.Entry{
		Hash: c.Decision.Hash, URL: c.WrittenURL(), How: how, At: time.Now().UTC().Truncate(time.Second),
	})
}

// WrittenURL is the URL of the archive as it is written, without its secrets.
func (c *Command) WrittenURL() string {
	return sdk.RedactURL(c.Config.Origin("backend.url").Written)
}

// Reload reads the configuration again, with settings as if flags set them.
func (c *Command) Reload(ctx context.Context, settings map[string]string) error {
	o := c.options()
	for key, value := range settings {
		o.Set = append(o.Set, key+"="+value)
	}
	loaded, err := c.loadConfig(ctx, o)
	if err == nil {
		c.Config = loaded
	}
	return err
}
