package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

func pluginInspectCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "inspect",
		Usage:     "start a backend program and show what it says of itself",
		UsageText: "codex plugin inspect NAME|PATH [flags]",
		Description: "Shows version, protocol, URL schemes, limits and capabilities of a backend, and the SHA-256\n" +
			"of its program. The program is run, but opens no archive and needs no database; in a project with\n" +
			"a .codex/plugins.lock only a program that it names is. An argument with a slash is the\n" +
			"PATH of a program.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin inspect sqlite\n" +
			"   codex plugin inspect ./build/codex-archive-oracle --json",
		Flags: []cli.Flag{
			app.PluginDirFlag(),
			&cli.StringFlag{Name: "timeout", Usage: "give up after so many `SECONDS`", Value: "30"},
		},
	}, app.Arguments(runPluginInspect, "NAME or PATH"))
}

// inspectView is the result of plugin inspect.
type inspectView struct {
	Name      string   `json:"name"`
	Path      string   `json:"path"`
	Place     string   `json:"place"`
	SHA256    string   `json:"sha256"`
	Lock      string   `json:"lock,omitempty"` // the file that names this program
	Warning   string   `json:"warning,omitempty"`
	Version   string   `json:"version"`
	Protocol  int      `json:"protocol"`  // that is spoken with it
	Protocols []int    `json:"protocols"` // that it speaks
	Schemes   []string `json:"schemes"`
	MaxItems  int      `json:"max_items"`
	ChunkSize int      `json:"chunk_size"`

	Capabilities []sdk.Capability `json:"capabilities"`
}

func runPluginInspect(ctx context.Context, c *app.Command) error {
	timeout, err := app.Seconds("--timeout", c.Flags.String("timeout"))
	if err != nil {
		return err
	}
	start, err := namedProgram(ctx, c)
	if err != nil {
		return err
	}
	start.Timeout = timeout
	program := start.Program
	sum, err := program.SHA256(ctx)
	if err != nil {
		return err
	}
	d, err := pluginhost.Describe(ctx, start)
	if err != nil {
		return err
	}
	lock, err := pluginhost.ReadLock(ctx, start.Root)
	if err != nil {
		return err
	}
	v := inspectView{
		Name: d.Name, Path: program.Path, Place: program.Place.Why, SHA256: sum.String(), Warning: program.Warn,
		Version: d.Version, Protocol: d.Protocol, Protocols: d.Protocols, Schemes: d.Schemes, MaxItems: d.MaxItems, ChunkSize: d.ChunkSize,
		Capabilities: append([]sdk.Capability{}, d.Capabilities...),
	}
	if lock != nil {
		v.Lock = lock.Path
	}
	if d.Name != program.Name {
		v.Warning = fmt.Sprintf("it calls itself %q, and is found as %q", d.Name, program.Name)
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writeInspected(c, v)
}

// namedProgram says how to start the program that the first argument names, by
// name or by path. The project's plugins.lock must name it, if there is one.
func namedProgram(ctx context.Context, c *app.Command) (pluginhost.Start, error) {
	named := c.Flags.Args().First()
	settings, err := pluginSettings(ctx, c)
	if err != nil {
		return pluginhost.Start{}, err
	}
	start := pluginhost.Start{Env: pluginhost.Environ(c.Env.Vars, settings.PassEnv), Logger: c.Log, Timeout: settings.StartTimeout}
	if strings.ContainsRune(filepath.ToSlash(named), '/') {
		start.Program, err = pluginhost.Search{}.Named(ctx, named)
	} else {
		start.Program, err = findProgram(ctx, c, named)
	}
	if err != nil {
		return start, err
	}
	if start.Root, err = config.Root(config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars}); err != nil {
		return start, output.Errorf(output.Config, "%w", err)
	}
	return start, nil
}

// pluginSettings returns plugins.* of the configuration. The project's own file has
// no say in them.
func pluginSettings(ctx context.Context, c *app.Command) (config.Plugins, error) {
	o := config.Options{Dir: c.Env.Dir, Environ: c.Env.Vars, Alone: true, File: c.Flags.String("config"), Set: c.Flags.StringSlice("set")}
	if o.File == "" {
		o.File = c.Env.Get("CODEX_ARCHIVE_CONFIG")
	}
	said, err := config.Load(ctx, o)
	if err != nil {
		return config.Plugins{}, output.Errorf(output.Config, "%w", err)
	}
	for _, key := range config.Keys() {
		value := ""
		if strings.HasPrefix(key.Name, "plugins.") && !said.Chosen(key.Name) {
			value = c.Env.Get(key.Variable)
		}
		if value != "" {
			o.Flags = append(o.Flags, config.Flag{Name: key.Variable, Key: key.Name, Value: value})
		}
	}
	if said, err = config.Load(ctx, o); err != nil {
		return config.Plugins{}, output.Errorf(output.Config, "%w", err)
	}
	return said.Plugins, nil
}

func writeInspected(c *app.Command, v inspectView) error {
	w := tabwriter.NewWriter(c.Env.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Name", v.Name}, {"Version", v.Version}, {"Program", v.Path}, {"Place", v.Place}, {"SHA-256", v.SHA256}, {"Locked in", v.Lock},
		{"Protocol", protocolsText(v.Protocol, v.Protocols)}, {"URL schemes", strings.Join(v.Schemes, ", ")},
		{"Items a call", fmt.Sprint(v.MaxItems)}, {"Bytes a chunk", fmt.Sprint(v.ChunkSize)},
		{"Capabilities", strings.Trim(fmt.Sprint(v.Capabilities), "[]")}, {"Warning", v.Warning},
	} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s:\t%s\n", row[0], escape.Text(row[1]))
		}
	}
	return w.Flush()
}

// protocolsText names the version that is spoken with a backend, and the others
// that it speaks.
func protocolsText(spoken int, all []int) string {
	if len(all) < 2 {
		return fmt.Sprint(spoken)
	}
	return fmt.Sprintf("%d, of %s", spoken, strings.Trim(fmt.Sprint(all), "[]"))
}
