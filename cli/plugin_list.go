package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

func pluginListCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "list",
		Usage:     "list the backend programs found, where, and what was ignored and why",
		UsageText: "codex plugin list [flags]",
		Description: "A backend NAME is a program called codex-archive-NAME. The first place that has one wins.\n" +
			"PATH, the current directory and the project's configuration are never asked: cloning a\n" +
			"repository must not be enough to run its code. In a project with a .codex/plugins.lock it\n" +
			"also says which programs that lets run. Nothing is started without --describe, which asks\n" +
			"each program for its version and for the versions of the protocol that it speaks.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin list\n" +
			"   codex plugin list --describe\n" +
			"   codex plugin list --plugin-dir ./build --json",
		Flags: []cli.Flag{
			app.PluginDirFlag(),
			app.Switch("describe", "start each program, and show its version and protocols"),
		},
	}, app.NoArguments(runPluginList))
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
	Locked  string           `json:"locked_version,omitempty"` // the version that the lock names
	Warning string           `json:"warning,omitempty"`

	// With --describe, of a program that was started.
	Version   string `json:"version,omitempty"`
	Protocol  int    `json:"protocol,omitempty"`
	Protocols []int  `json:"protocols,omitempty"`
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

func runPluginList(ctx context.Context, c *app.Command) error {
	search, err := c.Search(ctx)
	if err != nil {
		return err
	}
	v := viewPlugins(ctx, search)
	if err := ctx.Err(); err != nil {
		return sdk.AsError(err)
	}
	root, err := config.Root(config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars})
	if err == nil {
		v.compare(ctx, root)
	}
	if c.Flags.Bool("describe") {
		if err != nil {
			return output.Errorf(output.Config, "%w", err) // nothing is run without knowing what the lock says
		}
		if err := v.describe(ctx, c, root); err != nil {
			return err
		}
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writePlugins(c, v)
}

func viewPlugins(ctx context.Context, search pluginhost.Search) pluginListView {
	v := pluginListView{Plugins: []pluginView{}, Ignored: []ignoredView{}, Looked: []placeView{}}
	programs, ignored := search.List(ctx)
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
func (v *pluginListView) compare(ctx context.Context, root string) {
	lock, err := pluginhost.ReadLock(ctx, root)
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
		if plugin.Lock, err = lock.State(ctx, pluginhost.Program{Name: plugin.Name, Path: plugin.Path}); err != nil {
			plugin.Warning = err.Error()
		}
		plugin.Locked = lock.Version(plugin.Name)
	}
}

// describeTime is how long a program may take to say what it is.
const describeTime = 30 * time.Second

// describe starts the programs, all at once: each may hang until its time is over.
// One that does not start has a warning.
func (v *pluginListView) describe(ctx context.Context, c *app.Command, root string) error {
	var started sync.WaitGroup
	for i := range v.Plugins {
		plugin := &v.Plugins[i]
		started.Go(func() {
			d, err := pluginhost.Describe(ctx, pluginhost.Start{
				Program: pluginhost.Program{Name: plugin.Name, Path: plugin.Path}, Root: root,
				Env: pluginhost.Environ(c.Env.Vars, nil), Logger: c.Log, Timeout: describeTime,
			})
			if err != nil {
				plugin.Warning = err.Error()
				return
			}
			plugin.Version, plugin.Protocol, plugin.Protocols = d.Version, d.Protocol, d.Protocols
		})
	}
	started.Wait()
	if err := ctx.Err(); err != nil {
		return sdk.AsError(err)
	}
	return nil
}

// writePluginTable writes a line for each program.
func writePluginTable(c *app.Command, v pluginListView, locked bool) error {
	w := tabwriter.NewWriter(c.Env.Stdout, 0, 0, 2, ' ', 0)
	described := c.Flags.Bool("describe")
	fmt.Fprint(w, "NAME")
	if described {
		fmt.Fprint(w, "\tVERSION\tPROTOCOL")
	}
	fmt.Fprint(w, "\tPROGRAM\tPLACE")
	if locked {
		fmt.Fprint(w, "\tLOCK")
	}
	fmt.Fprintln(w)
	for i := range v.Plugins {
		plugin := &v.Plugins[i]
		fmt.Fprint(w, plugin.Name)
		if described {
			fmt.Fprintf(w, "\t%s\t%s", cmp.Or(escape.Text(plugin.Version), "-"), cmp.Or(plugin.protocols(), "-"))
		}
		fmt.Fprintf(w, "\t%s\t%s", escape.Text(plugin.Path), plugin.Place)
		if locked {
			fmt.Fprintf(w, "\t%s", strings.TrimSpace(string(plugin.Lock)+" "+escape.Text(plugin.Locked)))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func writePlugins(c *app.Command, v pluginListView) error {
	locked := v.Lock != nil && v.Lock.Error == ""
	if err := writePluginTable(c, v, locked); err != nil {
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

// protocols is "" of a program that was not started.
func (p *pluginView) protocols() string {
	if p.Protocol == 0 {
		return ""
	}
	return protocolsText(p.Protocol, p.Protocols)
}
