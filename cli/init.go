package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/trust"
	"github.com/codex-archive/codex/sdk"
)

func initCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "init",
		Usage:     "write a commented configuration and make the archive",
		UsageText: "codex archive init [flags]",
		Description: "Writes .codex/archive.toml, in which every setting is explained, and .codex/.gitignore for\n" +
			"database, logs and evidence; neither is ever overwritten. Then makes the archive that the\n" +
			"configuration names. Running it again is harmless. In a git work tree it keeps git clean, git\n" +
			"stash and git add away from them. Where a clone brought the configuration, no archive is made\n" +
			"before codex archive trust accepts it.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive init\n" +
			"   codex archive init --outside     keep a SQLite archive outside the clone\n" +
			"   codex archive init --upgrade     bring an older archive's schema up to date",
		Flags: []cli.Flag{
			app.Switch("upgrade", "bring an older schema up to date; nothing else does"),
			app.Switch("outside", "put a SQLite archive and its evidence into the data directory"),
		},
	}, app.NoArguments(runInit))
}

// gitignore keeps what belongs to one machine out of the repository.
const gitignore = `# Written by codex archive init: what stays out of the repository.
*.sqlite
*.sqlite-*
*.log
evidence/
`

// initView is the result of init.
type initView struct {
	Config    string `json:"config"`
	Created   bool   `json:"config_created"`
	GitIgnore string `json:"gitignore"`
	Backend   string `json:"backend"`
	URL       string `json:"url"`
	Archive   string `json:"archive"`
	Schema    int    `json:"schema"`
}

func runInit(ctx context.Context, c *app.Command) error {
	settings, err := chooseOutside(ctx, c)
	if err != nil {
		return err
	}
	view := initView{Backend: c.Config.Backend.Type, URL: c.RedactedURL()}
	refusal := c.Config.Refusal()
	if refusal == nil {
		if err := makeArchive(ctx, c, &view); err != nil {
			return err
		}
	}
	if err := writeProject(ctx, c, settings, &view); err != nil {
		return err
	}
	if refusal != nil {
		c.Log.Warn("No archive was made: "+refusal.Error(), "hint", "codex archive trust shows the file and asks")
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, view)
	}
	return writeInit(c, view)
}

// chooseOutside settles the paths of --outside, as flags would. They are what
// is written into the configuration.
func chooseOutside(ctx context.Context, c *app.Command) (map[string]string, error) {
	if !c.Flags.Bool("outside") {
		return nil, nil
	}
	if c.Flags.IsSet("url") || c.Flags.IsSet("backend") {
		return nil, output.Usagef("--outside chooses the URL itself: --url and --backend do not go with it")
	}
	dir := config.Outside(c.Config.Root, c.Env.Lookup)
	if dir == "" {
		return nil, output.Usagef("--outside: neither XDG_DATA_HOME nor HOME names a directory")
	}
	settings := config.OutsideSettings(dir)
	for key, value := range settings {
		if c.Config.Project != nil && c.Config.Origin(key).Written != value {
			return nil, output.Usagef("--outside: %s exists and says something else of %s; it is never overwritten", c.Config.ProjectFile, key).
				WithHint("write into it: %s = %s", key, value)
		}
	}
	return settings, c.Reload(ctx, settings)
}

// makeArchive makes the archive, or brings its schema up to date.
func makeArchive(ctx context.Context, c *app.Command, view *initView) error {
	mode := sdk.Create
	if c.Flags.Bool("upgrade") {
		mode = sdk.Upgrade
	}
	archive, err := c.Dial(ctx, mode)
	if err != nil {
		return err
	}
	backend, err := archive.Reach(ctx)
	if err != nil {
		return err
	}
	health, err := backend.Health(ctx)
	if err != nil {
		return err
	}
	view.Archive, view.Schema = health.Archive.String(), health.Schema
	return nil
}

// writeProject writes the project's files that are not there yet. What it wrote
// is trusted.
func writeProject(ctx context.Context, c *app.Command, settings map[string]string, view *initView) error {
	dir := filepath.Join(c.Config.Root, ".codex")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	view.Config, view.GitIgnore = filepath.Join(dir, "archive.toml"), filepath.Join(dir, ".gitignore")
	var err error
	if view.Created, err = writeOnce(view.Config, config.Template(settings)); err != nil {
		return err
	}
	if _, err := writeOnce(view.GitIgnore, gitignore); err != nil {
		return err
	}
	if _, ok := c.Config.SQLitePath(); ok {
		c.Exclude(ctx)
	}
	if !view.Created {
		return nil
	}
	if err := c.Reload(ctx, nil); err != nil {
		return err
	}
	if err := c.Remember(trust.Init); err != nil {
		c.Log.Warn("The trust in " + view.Config + " cannot be remembered: " + err.Error())
	}
	return nil
}

func writeInit(c *app.Command, view initView) error {
	verb := "kept"
	if view.Created {
		verb = "written"
	}
	fmt.Fprintf(c.Env.Stdout, "Configuration: %s (%s)\nArchive: %s %s\n", view.Config, verb, view.Backend, view.URL)
	if view.Archive == "" {
		_, err := fmt.Fprintln(c.Env.Stdout, "Next: codex archive trust")
		return err
	}
	fmt.Fprintf(c.Env.Stdout, "Archive ID: %s, schema version %d\n", view.Archive, view.Schema)
	if c.Config.Origin("backend.url").Source.Layer == config.FlagLayer {
		fmt.Fprintln(c.Env.Stdout, "Note: a flag is for one command; for those that follow, write backend.url into the configuration")
	}
	_, err := fmt.Fprintln(c.Env.Stdout, "Next: codex archive store REPO PATH --by WHO --reason dead")
	return err
}

// writeOnce writes a file that is not there yet, whole or not at all.
func writeOnce(path, content string) (created bool, err error) {
	err = durable.CreateFile(path, 0o666, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, nil
}
