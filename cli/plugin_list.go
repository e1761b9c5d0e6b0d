package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/backends"
)

func (p *program) pluginListCommand() *cli.Command {
	return p.plainCommand(&cli.Command{
		Name:      "list",
		Usage:     "list the backend programs found, where, and what was ignored and why",
		UsageText: "codex plugin list [flags]",
		Description: "A backend NAME is a program called codex-archive-NAME. The first place that has one wins.\n" +
			"PATH, the current directory and the project's configuration are never asked: cloning a\n" +
			"repository must not be enough to run its code. Nothing is started.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin list\n" +
			"   codex plugin list --plugin-dir ./build --json",
		Flags: []cli.Flag{pluginDirFlag()},
	}, p.pluginList)
}

// pluginListView is the result of plugin list.
type pluginListView struct {
	Plugins []pluginView  `json:"plugins"`
	Ignored []ignoredView `json:"ignored"`
	Looked  []placeView   `json:"looked_in"`
}

type pluginView struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Place   string `json:"place"`
	Warning string `json:"warning,omitempty"`
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

func (p *program) pluginList(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	v := viewPlugins(p.search(c.StringSlice("plugin-dir")))
	if p.json {
		return writeJSON(p.stdout, v)
	}
	return p.writePlugins(v)
}

func viewPlugins(search backends.Search) pluginListView {
	v := pluginListView{Plugins: []pluginView{}, Ignored: []ignoredView{}, Looked: []placeView{}}
	programs, ignored := search.List()
	for _, program := range programs {
		v.Plugins = append(v.Plugins, pluginView{program.Name, program.Path, program.Place.Why, program.Warn})
	}
	for _, i := range ignored {
		v.Ignored = append(v.Ignored, ignoredView(i))
	}
	for _, place := range search.Places() {
		v.Looked = append(v.Looked, placeView(place))
	}
	return v
}

func (p *program) writePlugins(v pluginListView) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPROGRAM\tPLACE")
	for _, plugin := range v.Plugins {
		fmt.Fprintf(w, "%s\t%s\t%s\n", plugin.Name, printable(plugin.Path), plugin.Place)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, plugin := range v.Plugins {
		if plugin.Warning != "" {
			fmt.Fprintf(p.stdout, "Warning: %s: %s\n", plugin.Name, printable(plugin.Warning))
		}
	}
	if len(v.Ignored) > 0 {
		fmt.Fprintln(p.stdout, "\nIgnored:")
	}
	for _, i := range v.Ignored {
		fmt.Fprintf(p.stdout, "  %s: %s\n", printable(i.Path), printable(i.Why))
	}
	fmt.Fprintln(p.stdout, "\nLooked in:")
	for _, place := range v.Looked {
		fmt.Fprintf(p.stdout, "  %s (%s)\n", printable(place.Dir), place.Why)
	}
	return nil
}
