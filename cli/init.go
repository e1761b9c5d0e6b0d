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
	"github.com/codex-archive/codex/sdk"
)

func initCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "init",
		Usage:     "write a commented configuration and make the archive",
		UsageText: "codex archive init [flags]",
		Description: "Writes .codex/archive.toml, in which every setting is explained, and .codex/.gitignore for\n" +
			"database, logs and evidence; neither is ever overwritten. Then makes the archive that the\n" +
			"configuration names. Running it again is harmless.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive init\n" +
			"   codex archive init --upgrade     bring an older archive's schema up to date",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "upgrade", Usage: "bring an older schema up to date; nothing else does", DisableDefaultText: true},
		},
	}, runInit)
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
	if err := c.Arguments(0, 0); err != nil {
		return err
	}
	mode := sdk.Create
	if c.Flags.Bool("upgrade") {
		mode = sdk.Upgrade
	}
	archive, err := c.Dial(ctx, mode)
	if err != nil {
		return err
	}
	dir := filepath.Join(c.Config.Root, ".codex")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	view := initView{
		Config: filepath.Join(dir, "archive.toml"), GitIgnore: filepath.Join(dir, ".gitignore"),
		Backend: c.Config.Backend.Type, URL: c.RedactedURL(),
	}
	if view.Created, err = writeOnce(view.Config, config.Template()); err != nil {
		return err
	}
	if _, err := writeOnce(view.GitIgnore, gitignore); err != nil {
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
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, view)
	}
	verb := "kept"
	if view.Created {
		verb = "written"
	}
	fmt.Fprintf(c.Env.Stdout, "Configuration: %s (%s)\nArchive: %s %s\nArchive ID: %s, schema version %d\n",
		view.Config, verb, view.Backend, view.URL, view.Archive, view.Schema)
	if c.Config.Origin("backend.url").Source.Layer == config.FlagLayer {
		fmt.Fprintln(c.Env.Stdout, "Note: a flag is for one command; for those that follow, write backend.url into the configuration")
	}
	fmt.Fprintln(c.Env.Stdout, "Next: codex archive store REPO PATH --by YOU --reason dead")
	return nil
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
