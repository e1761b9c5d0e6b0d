package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
)

func pluginRemoveCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "remove",
		Usage:     "remove a backend program that was installed for you",
		UsageText: "codex plugin remove NAME [flags]",
		Description: "Removes codex-archive-NAME from $XDG_DATA_HOME/codex/plugins (~/.local/share/codex/plugins),\n" +
			"where codex plugin install puts it, and from nowhere else. Archives stay as they are. With\n" +
			"--unlock the line for this platform goes from .codex/plugins.lock of this project too; a lock\n" +
			"that names nothing lets nothing run.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin remove oracle\n" +
			"   codex plugin remove oracle --unlock --dry-run",
		Flags: []cli.Flag{
			app.Switch("unlock", "take the backend out of .codex/plugins.lock, for this platform"),
			app.Switch("dry-run", "say what would be removed, and remove nothing"),
			app.PluginDirFlag(),
		},
	}, app.Arguments(runPluginRemove, "NAME"))
}

// removeView is the result of plugin remove.
type removeView struct {
	Name     string `json:"name"`
	Program  string `json:"program"`
	DryRun   bool   `json:"dry_run"`
	Unlocked string `json:"unlocked,omitempty"` // the file that does not name the backend any more
	Next     string `json:"next,omitempty"`     // the program that is used from now on
}

func runPluginRemove(ctx context.Context, c *app.Command) error {
	search, err := c.Search(ctx)
	if err != nil {
		return err
	}
	v := removeView{Name: c.Flags.Args().First(), DryRun: c.Flags.Bool("dry-run")}
	unlock, err := unlocking(ctx, c, v.Name)
	if err != nil {
		return err
	}
	remove := search.Remove
	if v.DryRun {
		remove = search.CanRemove
	}
	if v.Program, err = remove(ctx, v.Name); err != nil {
		return err
	}
	if unlock != nil {
		v.Unlocked = unlock.Path
		if !v.DryRun {
			if err := unlock.Write(); err != nil {
				return output.Errorf(output.Failed, "removed, and still locked: %w", err)
			}
		}
	}
	if next, err := search.Find(ctx, v.Name); err == nil && !v.DryRun {
		v.Next = next.Path
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writeRemoved(c, v)
}

// unlocking returns the lock without the backend; nil if it shall stay as it is,
// or does not name it.
func unlocking(ctx context.Context, c *app.Command, name string) (*pluginhost.Lock, error) {
	if !c.Flags.Bool("unlock") {
		return nil, nil
	}
	root, err := config.Root(config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars})
	if err != nil {
		return nil, output.Errorf(output.Config, "%w", err)
	}
	lock, err := pluginhost.ReadLock(ctx, root)
	if err != nil || lock == nil || !lock.Remove(name) {
		return nil, err
	}
	return lock, nil
}

func writeRemoved(c *app.Command, v removeView) error {
	if v.Unlocked != "" {
		fmt.Fprintf(c.Env.Stdout, "Unlocked in: %s\n", escape.Text(v.Unlocked))
	}
	if v.Next != "" {
		fmt.Fprintf(c.Env.Stdout, "Used from now on: %s\n", escape.Text(v.Next))
	}
	format := "Removed: %s\n"
	if v.DryRun {
		format = "Dry run, nothing was removed: it would be %s\n"
	}
	_, err := fmt.Fprintf(c.Env.Stdout, format, escape.Text(v.Program))
	return err
}
