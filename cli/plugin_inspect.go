package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/backends"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

func (p *program) pluginInspectCommand() *cli.Command {
	return p.plainCommand(&cli.Command{
		Name:      "inspect",
		Usage:     "start a backend program and show what it says of itself",
		UsageText: "codex plugin inspect NAME|PATH [flags]",
		Description: "Shows version, protocol, URL schemes and limits of a backend, and the SHA-256 of its\n" +
			"program. The program is run, but opens no archive and needs no database. An argument with\n" +
			"a slash is the PATH of a program.\n\n" +
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
	d, err := p.describe(c.Context, program, timeout)
	if err != nil {
		return err
	}
	v := inspectView{
		Name: d.Name, Path: program.Path, Place: program.Place.Why, SHA256: sum.String(), Warning: program.Warn,
		Version: d.Version, Protocol: d.Protocol, Schemes: d.Schemes, MaxItems: d.MaxItems, ChunkSize: d.ChunkSize,
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
func (p *program) namedProgram(c *cli.Context) (backends.Program, error) {
	named := c.Args().First()
	var program backends.Program
	var err error
	if strings.ContainsRune(filepath.ToSlash(named), '/') {
		program, err = backends.Check(named)
	} else {
		program, err = p.search(c.StringSlice("plugin-dir")).Find(named)
	}
	var missing *backends.NotFoundError
	if err == nil || errors.As(err, &missing) {
		return program, err
	}
	return program, &failure{code: exitUsage, kind: "no_backend", err: err, hint: "nothing was run"}
}

// describe starts a program, asks it what it is, and ends it.
func (p *program) describe(ctx context.Context, program backends.Program, timeout time.Duration) (plugin.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	process, err := plugin.Launch(ctx, plugin.Command{
		Path: program.Path, Env: backends.Environ(p.environ, nil), Logger: p.errorLog().Named(program.Name), StartTimeout: timeout,
	})
	if err != nil {
		return plugin.Description{}, err
	}
	defer process.Close()
	d, err := process.Describe(ctx)
	if err != nil {
		return d, err
	}
	if d.Protocol != sdk.ProtocolVersion {
		return d, sdk.Errorf(sdk.NotStarted, "%s speaks protocol %d, this host %d", program.Path, d.Protocol, sdk.ProtocolVersion)
	}
	return d, nil
}

func (p *program) writeInspected(v inspectView) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Name", v.Name}, {"Version", v.Version}, {"Program", v.Path}, {"Place", v.Place}, {"SHA-256", v.SHA256},
		{"Protocol", fmt.Sprint(v.Protocol)}, {"URL schemes", strings.Join(v.Schemes, ", ")},
		{"Items a call", fmt.Sprint(v.MaxItems)}, {"Bytes a chunk", fmt.Sprint(v.ChunkSize)}, {"Warning", v.Warning},
	} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s:\t%s\n", row[0], printable(row[1]))
		}
	}
	return w.Flush()
}
