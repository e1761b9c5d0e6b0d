package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
)

func pluginLockCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "lock",
		Usage:     "allow only the backend programs that are there now",
		UsageText: "codex plugin lock [NAME...] [flags]",
		Description: "Writes the SHA-256 of the backend in use, or of those named, to .codex/plugins.lock. From\n" +
			"then on a program that differs, and a backend that is not listed, is refused before it\n" +
			"runs (exit code 2). Programs listed before stay listed; each platform has its own lines.\n" +
			"Nothing is started. Deleting the file lets any program run again.\n\n" +
			"On Linux the bytes that were checked are the bytes that run. Elsewhere, and for scripts,\n" +
			"whose interpreter is not covered, the file is checked just before it is run.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin lock\n" +
			"   codex plugin lock sqlite postgres",
	}, runPluginLock)
}

// lockView is the result of plugin lock.
type lockView struct {
	Lock    string       `json:"lock"`
	Plugins []lockedView `json:"plugins"`
}

type lockedView struct {
	Name     string `json:"name"`
	Platform string `json:"platform"`
	Path     string `json:"path"`
	SHA256   string `json:"sha256"`
}

func runPluginLock(ctx context.Context, c *app.Command) error {
	names := c.Flags.Args().Slice()
	if len(names) == 0 {
		names = []string{c.Config.Backend.Type}
	}
	lock, err := pluginhost.ReadLock(c.Config.Root)
	if err != nil {
		return err
	}
	if lock == nil {
		lock = pluginhost.NewLock(pluginhost.LockPath(c.Config.Root))
	}
	v := lockView{Lock: lock.Path}
	for _, name := range names {
		locked, err := lockProgram(c, lock, name)
		if err != nil {
			return err
		}
		v.Plugins = append(v.Plugins, locked)
	}
	if err := os.MkdirAll(filepath.Dir(lock.Path), 0o755); err != nil {
		return err
	}
	if err := lock.Write(); err != nil {
		return err
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	for _, l := range v.Plugins {
		fmt.Fprintf(c.Env.Stdout, "%s %s %s %s\n", l.Name, l.Platform, l.SHA256, escape.Text(l.Path))
	}
	fmt.Fprintf(c.Env.Stdout, "Locked in: %s\n", escape.Text(v.Lock))
	return nil
}

func lockProgram(c *app.Command, lock *pluginhost.Lock, name string) (lockedView, error) {
	program, err := findProgram(c, name)
	if err != nil {
		return lockedView{}, err
	}
	sum, err := program.SHA256()
	if err != nil {
		return lockedView{}, err
	}
	lock.Set(name, sum)
	return lockedView{name, pluginhost.Platform, program.Path, sum.String()}, nil
}

// findProgram returns the program of the backend called name.
func findProgram(c *app.Command, name string) (pluginhost.Program, error) {
	search, err := c.Search()
	if err != nil {
		return pluginhost.Program{}, err
	}
	return search.Find(name)
}
