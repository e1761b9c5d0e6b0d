package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

func (p *program) pluginInspectCommand() *cli.Command {
	return p.plainCommand(&cli.Command{
		Name:      "inspect",
		Usage:     "start a backend program and show what it says of itself",
		UsageText: "codex plugin inspect NAME|PATH [flags]",
		Description: "Shows version, protocol, URL schemes and limits of a backend, and the SHA-256 of its\n" +
			"program. The program is run, but opens no archive and needs no database; in a project with\n" +
			"a .codex/plugins.lock only a program that it names is. An argument with a slash is the\n" +
			"PATH of a program.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin inspect sqlite\n" +
			"   codex plugin inspect ./build/codex-archive-oracle --json",
		Flags: []cli.Flag{
			pluginDirFlag(),
			&cli.StringFlag{Name: "timeout", Usage: "give up after so many `SECONDS`", Value: "30"},
		},
	}, p.pluginInspect)
}

// inspectView is the result of plugin inspect.
type inspectView struct {
	Name      string   `json:"name"`
	Path      string   `json:"path"`
	Place     string   `json:"place"`
	SHA256    string   `json:"sha256"`
	Lock      string   `json:"lock,omitempty"` // the file that lets only this program run
	Warning   string   `json:"warning,omitempty"`
	Version   string   `json:"version"`
	Protocol  int      `json:"protocol"`
	Schemes   []string `json:"schemes"`
	MaxItems  int      `json:"max_items"`
	ChunkSize int      `json:"chunk_size"`
}

func (p *program) pluginInspect(c *cli.Context) error {
	if err := arguments(c, 1, 1, "NAME or PATH"); err != nil {
		return err
	}
	timeout, err := seconds("--timeout", c.String("timeout"))
	if err != nil {
		return err
	}
	program, err := p.namedProgram(c)
	if err != nil {
		return err
	}
	sum, err := program.SHA256()
	if err != nil {
		return err
	}
	root, err := config.Root(p.dir, p.getenv("HOME"))
	if err != nil {
		return &failure{code: exitUsage, kind: "config", err: err}
	}
	locked, err := lockedSum(root, program.Name)
	if err != nil {
		return err
	}
	d, err := p.describe(c.Context, plugin.Command{Path: program.Path, StartTimeout: timeout, SHA256: locked})
	if err != nil {
		return err
	}
	v := inspectView{
		Name: d.Name, Path: program.Path, Place: program.Place.Why, SHA256: sum.String(), Warning: program.Warn,
		Version: d.Version, Protocol: d.Protocol, Schemes: d.Schemes, MaxItems: d.MaxItems, ChunkSize: d.ChunkSize,
	}
	if locked != nil {
		v.Lock = pluginhost.LockPath(root)
	}
	if d.Name != program.Name {
		v.Warning = fmt.Sprintf("it calls itself %q, and is found as %q", d.Name, program.Name)
	}
	if p.json {
		return writeJSON(p.stdout, v)
	}
	return p.writeInspected(v)
}

// namedProgram returns the program that the first argument names, by name or by
// path.
func (p *program) namedProgram(c *cli.Context) (pluginhost.Program, error) {
	named := c.Args().First()
	if !strings.ContainsRune(filepath.ToSlash(named), '/') {
		return p.find(c, named)
	}
	program, err := pluginhost.Check(named)
	if err != nil {
		return program, distrust(err)
	}
	return program, nil
}

// describe starts a program, asks it what it is, and ends it.
func (p *program) describe(ctx context.Context, command plugin.Command) (plugin.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, command.StartTimeout)
	defer cancel()
	command.Env, command.Logger = pluginhost.Environ(p.environ, nil), p.errorLog()
	process, err := plugin.Launch(ctx, command)
	if err != nil {
		return plugin.Description{}, err
	}
	defer process.Close()
	d, err := process.Describe(ctx)
	if err != nil {
		return d, err
	}
	if d.Protocol != sdk.ProtocolVersion {
		return d, sdk.Errorf(sdk.NotStarted, "%s speaks protocol %d, this host %d", command.Path, d.Protocol, sdk.ProtocolVersion)
	}
	return d, nil
}

func (p *program) writeInspected(v inspectView) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Name", v.Name}, {"Version", v.Version}, {"Program", v.Path}, {"Place", v.Place}, {"SHA-256", v.SHA256}, {"Locked in", v.Lock},
		{"Protocol", fmt.Sprint(v.Protocol)}, {"URL schemes", strings.Join(v.Schemes, ", ")},
		{"Items a call", fmt.Sprint(v.MaxItems)}, {"Bytes a chunk", fmt.Sprint(v.ChunkSize)}, {"Warning", v.Warning},
	} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s:\t%s\n", row[0], printable(row[1]))
		}
	}
	return w.Flush()
}
