package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
)

func pluginListCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "list",
		Usage:     "list the backend programs found, where, and what was ignored and why",
		UsageText: "codex plugin list [flags]",
		Description: "A backend NAME is a program called codex-archive-NAME. The first place that has one wins.\n" +
			"PATH, the current directory and the project's configuration are never asked: cloning a\n" +
			"repository must not be enough to run its code. Nothing is started. In a project with a\n" +
			".codex/plugins.lock it also says which programs that lets run.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin list\n" +
			"   codex plugin list --plugin-dir ./build --json",
		Flags: []cli.Flag{app.PluginDirFlag()},
	}, runPluginList)
}

// pluginListView is the result of plugin list.
type pluginListView struct {
	Plugins []pluginView  `json:"plugins"`
	Lock    *lockFileView `json:"lock,omitempty"`
	Ignored []ignoredView `json:"ignored"`
	Looked  []placeView   `json:"looked_in"`
}

type pluginView struct {
	Name    string           `json:"name"`
	Path    string           `json:"path"`
	Place   string           `json:"place"`
	Lock    pluginhost.State `json:"lock,omitempty"`
	Version string           `json:"locked_version,omitempty"`
	Warning string           `json:"warning,omitempty"`
}

// lockFileView is the project's lock, where there is one. While it is broken no
// program is run.
type lockFileView struct {
	Path  string `json:"path"`
	Error string `json:"error,omitempty"`
}

type ignoredView struct {
	Name string `json:"name,omitempty"`
	Path string `json:"path"`
	Why  string `json:"why"`
}

type placeView struct {
	Dir string `json:"dir"`
	Why string `json:"why"`
}

func runPluginList(_ context.Context, c *app.Command) error {
	if err := c.Arguments(0, 0); err != nil {
		return err
	}
	search, err := c.Search()
	if err != nil {
		return err
	}
	v := viewPlugins(search)
	if root, err := config.Root(config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars}); err == nil {
		v.compare(root)
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writePlugins(c, v)
}

func viewPlugins(search pluginhost.Search) pluginListView {
	v := pluginListView{Plugins: []pluginView{}, Ignored: []ignoredView{}, Looked: []placeView{}}
	programs, ignored := search.List()
	for _, program := range programs {
		v.Plugins = append(v.Plugins, pluginView{Name: program.Name, Path: program.Path, Place: program.Place.Why, Warning: program.Warn})
	}
	for _, i := range ignored {
		v.Ignored = append(v.Ignored, ignoredView(i))
	}
	for _, place := range search.Places() {
		v.Looked = append(v.Looked, placeView(place))
	}
	return v
}

// compare holds the programs against the lock of the project at root.
func (v *pluginListView) compare(root string) {
	lock, err := pluginhost.ReadLock(root)
	if err != nil {
		v.Lock = &lockFileView{pluginhost.LockPath(root), err.Error()}
		return
	}
	if lock == nil {
		return
	}
	v.Lock = &lockFileView{Path: lock.Path}
	for i := range v.Plugins {
		plugin := &v.Plugins[i]
		if plugin.Lock, err = lock.State(pluginhost.Program{Name: plugin.Name, Path: plugin.Path}); err != nil {
			plugin.Warning = err.Error()
		}
		plugin.Version = lock.Version(plugin.Name)
	}
}

func writePlugins(c *app.Command, v pluginListView) error {
	w := tabwriter.NewWriter(c.Env.Stdout, 0, 0, 2, ' ', 0)
	locked := v.Lock != nil && v.Lock.Error == ""
	fmt.Fprint(w, "NAME\tPROGRAM\tPLACE")
	if locked {
		fmt.Fprint(w, "\tLOCK")
	}
	fmt.Fprintln(w)
	for _, plugin := range v.Plugins {
		fmt.Fprintf(w, "%s\t%s\t%s", plugin.Name, escape.Text(plugin.Path), plugin.Place)
		if locked {
			fmt.Fprintf(w, "\t%s", strings.TrimSpace(string(plugin.Lock)+" "+plugin.Version))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, plugin := range v.Plugins {
		if plugin.Warning != "" {
			fmt.Fprintf(c.Env.Stdout, "Warning: %s: %s\n", plugin.Name, escape.Text(plugin.Warning))
		}
	}
	switch {
	case locked:
		fmt.Fprintf(c.Env.Stdout, "\nOnly what is locked is run: %s\n", escape.Text(v.Lock.Path))
	case v.Lock != nil:
		fmt.Fprintf(c.Env.Stdout, "\nNothing is run, the lock cannot be read: %s\n", escape.Text(v.Lock.Error))
	}
	if len(v.Ignored) > 0 {
		fmt.Fprintln(c.Env.Stdout, "\nIgnored:")
	}
	for _, i := range v.Ignored {
		fmt.Fprintf(c.Env.Stdout, "  %s: %s\n", escape.Text(i.Path), escape.Text(i.Why))
	}
	fmt.Fprintln(c.Env.Stdout, "\nLooked in:")
	for _, place := range v.Looked {
		fmt.Fprintf(c.Env.Stdout, "  %s (%s)\n", escape.Text(place.Dir), place.Why)
	}
	return nil
}
