package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/sdk"
)

// program is the outside world as one run sees it.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string // as os.Environ
	dir            string   // the current directory, "" where that was removed

	session *session       // of the command that ran, once it is set up
	json    bool           // --json stands on the command line
	format  config.Options // what stands there about the log's format, whether or not the rest makes sense
}

// run runs one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	if out, ok := p.stdout.(*outlet); ok && err == nil {
		err = out.err
	}
	code := p.report(err)
	if p.session != nil {
		p.session.close()
	}
	return code
}

func (p *program) dispatch(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == completeWord {
		return p.complete(args[1:])
	}
	app := p.app()
	p.json, p.format = wantsJSON(args), p.aboutFormat(args)
	if p.dir == "" {
		return &failure{code: exitFailed, kind: "failed", hint: "cd to a directory that exists", err: errors.New("the current directory is gone")}
	}
	arranged, err := arrange(app, args)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, arranged)
}

// wantsJSON finds --json without parsing, so that errors of parsing have the
// form that was asked for.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		if arg == "--" {
			return false
		}
		if name, value, ok := strings.Cut(arg, "="); (name == "--json" || name == "-json") && (!ok || value == "true") {
			return true
		}
	}
	return false
}

// aboutFormat finds what decides on the log's format, likewise.
func (p *program) aboutFormat(args []string) config.Options {
	o := config.Options{Dir: p.dir, Env: p.lookupEnv}
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, value, given := strings.Cut(arg, "=")
		if !given && i+1 < len(args) {
			value = args[i+1]
		}
		switch name {
		case "--config", "-config":
			o.File = value
		case "--set", "-set":
			o.Set = append(o.Set, value)
		case "--log-format", "-log-format":
			o.Flags = []config.Flag{{Name: "--log-format", Key: "logging.format", Value: value}}
		}
	}
	return o
}

// app is the command tree.
func (p *program) app() *cli.App {
	// urfave/cli prints this variable's flag as "-v"; verbosity is --log-level.
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Usage: "print version, protocol and commit", DisableDefaultText: true}
	return &cli.App{
		Name:                      "codex",
		Usage:                     "retire source files, and get each of them back",
		UsageText:                 "codex archive COMMAND [arguments] [flags]",
		Description:               "codex archive store puts a file into a database and answers with a tombstone;\ncodex archive restore brings it back, verified. Every act leaves a line of evidence.",
		Version:                   fmt.Sprintf("%s (protocol %d, commit %s)", version, sdk.ProtocolVersion, commit),
		HideHelpCommand:           true,
		Reader:                    p.stdin,
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usageError("%v", err) },
		CustomAppHelpTemplate:     cli.AppHelpTemplate + "\n" + exitHelp(),
		Action:                    groupHelp,
		DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{{
			Name:            "archive",
			Usage:           "store, find and restore archived files",
			UsageText:       "codex archive COMMAND [arguments] [flags]",
			HideHelpCommand: true,
			Action:          groupHelp,
			Subcommands: []*cli.Command{
				p.initCommand(),
				p.storeCommand(),
				p.restoreCommand(),
				p.batchRestoreCommand(),
				p.listCommand(),
				p.showCommand(),
				p.healthCheckCommand(),
				p.configShowCommand(),
				p.metricsCommand(),
				p.evidenceCommand(),
			},
		},
			p.pluginCommand(),
			p.explainCommand(),
			p.completionCommand(),
			p.manCommand(),
		},
	}
}

// groupHelp is what a word that only groups commands does.
func groupHelp(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageError("unknown command %q", c.Args().First())
	}
	return cli.ShowSubcommandHelp(c)
}

// command fills in what every archive command has: the common flags, help with
// the exit codes, and the session around its action.
func (p *program) command(c *cli.Command, action func(s *session, ctx context.Context) error) *cli.Command {
	c.Flags = withCommon(c.Flags)
	c.HideHelpCommand = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageError("%v", err) }
	c.CustomHelpTemplate = cli.CommandHelpTemplate + "\n" + exitHelp()
	c.Action = func(cc *cli.Context) error {
		s, err := p.open(cc)
		if err != nil {
			return err
		}
		p.session = s
		ctx := cc.Context
		if s.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.timeout)
			defer cancel()
		}
		return action(s, ctx)
	}
	return c
}

// plainCommand fills in what a command has that works without configuration,
// log or archive.
func (p *program) plainCommand(c *cli.Command, action cli.ActionFunc) *cli.Command {
	c.Flags = append(c.Flags, jsonFlag())
	c.HideHelpCommand = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageError("%v", err) }
	c.CustomHelpTemplate = cli.CommandHelpTemplate + "\n" + exitHelp()
	c.Action = action
	return c
}

const commonCategory = "COMMON"

// commonFlags are the flags of every archive command. Those with a key of the
// configuration are listed in flagKeys.
func commonFlags() []cli.Flag {
	text := func(name, usage string) *cli.StringFlag {
		return &cli.StringFlag{Name: name, Usage: usage, Category: commonCategory}
	}
	return []cli.Flag{
		text("backend", "`NAME` of the backend: sqlite, postgres, mariadb or a vendor's"),
		text("url", "`URL` of the archive; a password is better kept in CODEX_ARCHIVE_URL or backend.password_file"),
		text("config", "read this `FILE` instead of looking for .codex/archive.toml first"),
		&cli.StringSliceFlag{Name: "set", Usage: "set any key of the configuration: `SECTION.KEY=VALUE`, repeatable", Category: commonCategory},
		pluginDirFlag(),
		text("log-level", "`LEVEL`: debug, info, warn or error"),
		text("log-format", "`FORMAT`: json or text"),
		text("timeout", "give up after so many `SECONDS`"),
		jsonFlag(),
	}
}

func pluginDirFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "plugin-dir", Usage: "look for backend programs in `DIR` first, repeatable", Category: commonCategory}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the result, or the error, as JSON on stdout", Category: commonCategory, DisableDefaultText: true}
}

// withCommon adds the common flags. One that the command has itself, with
// another meaning, is left out.
func withCommon(flags []cli.Flag) []cli.Flag {
	for _, common := range commonFlags() {
		if findFlag(flags, common.Names()[0]) == nil {
			flags = append(flags, common)
		}
	}
	return flags
}

// isCommon reports whether a command's flag of this name is a common one.
func isCommon(c *cli.Command, name string) bool {
	f, ok := findFlag(c.Flags, name).(cli.CategorizableFlag)
	return ok && f.GetCategory() == commonCategory
}

// flagKeys maps common flags to the keys that they set.
var flagKeys = map[string]string{
	"backend":    "backend.type",
	"url":        "backend.url",
	"log-level":  "logging.level",
	"log-format": "logging.format",
}

// byFlag is the flag of every command that leaves evidence.
func byFlag() cli.Flag {
	return &cli.StringFlag{Name: "by", Usage: "`WHO` does it; without it CODEX_ACTOR is asked"}
}
