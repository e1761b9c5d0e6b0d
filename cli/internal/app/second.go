package app

import (
	"context"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Place says where the second archive of a command is. Its flags are --NAME,
// --NAME-config and --NAME-password-file, its variable CODEX_ARCHIVE_NAME_URL.
type Place struct {
	Name     string // "to"
	Forms    string // what --NAME takes, for people
	Variable string // "CODEX_ARCHIVE_TO_URL"
}

// Second returns a command on another archive, with the same flags, log and
// evidence. Neither the environment nor the project's file say anything about that
// archive; if the user names such a file for it, its rules of trust apply, and it
// is not opened where the project's own archive would not be.
func (c *Command) Second(ctx context.Context, p Place) (*Command, error) {
	o, err := c.secondOptions(p)
	if err != nil {
		return nil, err
	}
	second := &Command{Env: c.Env, Flags: c.Flags, JSON: c.JSON, Log: c.Log, Screen: c.Screen, Started: c.Started, timeout: c.timeout, isSecond: true}
	if second.Config, err = second.loadConfig(ctx, o); err != nil {
		return nil, err
	}
	backend := second.Config.Backend
	second.Config.Config = c.Config.Config
	second.Config.Backend = backend
	second.sameBackend = backend.Type == c.Config.Backend.Type
	c.second = second
	return second, nil
}

func (c *Command) secondOptions(p Place) (config.Options, error) {
	o := config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars, Alone: true}
	url, source, file := c.Flags.String(p.Name), "--"+p.Name, c.Flags.String(p.Name+"-config")
	switch {
	case url != "" && file != "":
		return o, output.Usagef("--%s and --%s-config are two ways to name an archive: choose", p.Name, p.Name)
	case url != sdk.RedactURL(url):
		return o, output.Usagef("--%s: found a URL with a password, which other users of this machine can see; allowed one without", p.Name).
			WithHint("use %s, or --%s-password-file FILE", p.Variable, p.Name)
	case url == "" && file == "":
		url, source = c.Env.Get(p.Variable), p.Variable
	}
	if url == "" && file == "" {
		return o, output.Usagef("%s: --%s is missing", c.Flags.Command.HelpName, p.Name).
			WithHint("add --%s %s, or --%s-config FILE, or set %s", p.Name, p.Forms, p.Name, p.Variable)
	}
	if url != "" {
		o.Flags = append(o.Flags, config.Flag{Name: source, Key: "backend.url", Value: url})
	}
	if password := c.Flags.String(p.Name + "-password-file"); password != "" {
		o.Flags = append(o.Flags, config.Flag{Name: "--" + p.Name + "-password-file", Key: "backend.password_file", Value: password})
	}
	if file != "" {
		o.File, o.FileFlag = file, "--"+p.Name+"-config"
		if !filepath.IsAbs(file) {
			o.File = filepath.Join(c.Env.Dir, file)
		}
		o.Dir = projectOf(o.File, o.Dir)
	}
	return o, nil
}

// projectOf returns where the paths in a configuration file start: for the own
// file of another project there, else at dir.
func projectOf(file, dir string) string {
	home := filepath.Dir(filepath.Clean(file))
	if filepath.Base(file) == "archive.toml" && filepath.Base(home) == ".codex" {
		return filepath.Dir(home)
	}
	return dir
}
