package app

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/output"
)

// App runs one command line.
type App struct {
	Env *Env

	line    *Line
	command *Command // that runs; nil before it is set up
}

// Run runs args on the command tree root and returns the exit code.
func (a *App) Run(ctx context.Context, root *cli.App, args []string) output.Code {
	a.line = Parse(root, args)
	err := a.dispatch(ctx, root)
	if err == nil {
		err = a.Env.Stdout.Err()
	}
	code := a.report(err)
	if a.command != nil {
		a.command.close(ctx)
	}
	return code
}

func (a *App) dispatch(ctx context.Context, root *cli.App) error {
	if a.Env.Dir == "" {
		return output.Errorf(output.Failed, "the current directory is gone").WithHint("cd to a directory that exists")
	}
	args, err := a.line.Args()
	if err != nil {
		return err
	}
	if c := a.line.command; c != nil && len(c.Subcommands) == 0 && a.line.asked("help") {
		_, err := io.WriteString(a.Env.Stdout, helpText(c, strings.Join(a.line.Words, " ")))
		return err
	}
	return root.RunContext(ctx, args)
}

// Action is what a command does.
type Action func(context.Context, *Command) error

// Arguments is action for a command that has an argument for each name, and no
// other.
func Arguments(action Action, names ...string) Action {
	return func(ctx context.Context, c *Command) error {
		if err := c.Arguments(names...); err != nil {
			return err
		}
		return action(ctx, c)
	}
}

// NoArguments is action for a command that has no arguments.
func NoArguments(action Action) Action { return Arguments(action) }

// Command completes an archive command: the common flags, and the set-up before
// its action.
func (a *App) Command(c *cli.Command, action Action) *cli.Command {
	c.Flags = withCommon(c.Flags)
	return a.complete(c, func(cc *cli.Context) error {
		command, err := a.open(cc)
		if err != nil {
			return err
		}
		a.command = command
		ctx := cc.Context
		if command.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, command.timeout)
			defer cancel()
		}
		return action(ctx, command)
	})
}

// Plain completes a command that works without configuration, log file and
// archive.
func (a *App) Plain(c *cli.Command, action Action) *cli.Command {
	c.Flags = append(c.Flags, JSONFlag())
	return a.complete(c, func(cc *cli.Context) error {
		return action(cc.Context, &Command{Env: a.Env, Flags: cc, JSON: cc.Bool("json"), Log: a.earlyLog()})
	})
}

func (a *App) complete(c *cli.Command, action cli.ActionFunc) *cli.Command {
	c.HideHelpCommand = true
	c.OnUsageError = UsageError
	c.Action = action
	return c
}

// UsageError is what the library calls for its own errors.
func UsageError(_ *cli.Context, err error, _ bool) error { return output.Usagef("%w", err) }

// report says on stderr, and with --json on stdout, how the command failed, and
// returns the exit code.
func (a *App) report(err error) output.Code {
	f := output.FailureOf(err)
	if f == nil {
		return output.ExitDone
	}
	log, level := a.earlyLog(), hclog.Error
	message := f.Error()
	unprinted := f.Kind == output.NotPrinted || f.Kind == output.OutputClosed
	switch {
	case unprinted && a.command != nil && a.command.Acts:
		f = f.WithHint("what was done is recorded: codex archive evidence show")
	case f.Kind == output.OutputClosed:
		level = hclog.Debug // as in codex archive list | head
	}
	if a.command != nil {
		log = a.command.Log
		if a.command.failed(f) {
			message = a.command.title() + " failed: " + message
		}
	}
	pairs := []any{}
	if f.Hint != "" {
		pairs = append(pairs, "hint", f.Hint)
	}
	pairs = append(pairs, "kind", logging.JSONOnly{Value: string(f.Kind)}, "code", logging.JSONOnly{Value: int(f.Code())})
	log.Log(level, message, pairs...)
	if a.line.asked("json") && !errors.As(err, new(output.Shown)) && a.Env.Stdout.Err() == nil {
		_ = output.WriteFailure(a.Env.Stdout, f) // Stdout keeps its error
	}
	if lost := a.Env.Stdout.Err(); lost != nil && !unprinted {
		log.Error(lost.Error())
	}
	return f.Code()
}

// earlyLog is the log of a run before its configuration is read, and of plain
// commands. A flag or the environment may name its format; without one it is
// text on a terminal and JSON elsewhere.
func (a *App) earlyLog() hclog.Logger {
	for _, format := range []string{a.line.value("log-format"), a.Env.Get("CODEX_ARCHIVE_LOG_FORMAT"), "auto"} {
		if format == "" {
			continue
		}
		log, _, err := logging.New(logging.Options{Level: "error", Format: format, Stderr: a.Env.Stderr, NoColor: a.Env.Get("NO_COLOR") != ""})
		if err == nil {
			return log
		}
	}
	return hclog.NewNullLogger()
}
