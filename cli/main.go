// Command codex archives retired files in a database and brings them back.
package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/internal/profile"
	"github.com/codex-archive/codex/sdk/plugin"
)

// version and commit are set by the Makefile.
var (
	version = "unknown"
	commit  = "unknown"
)

func main() {
	plugin.SilenceGRPC()
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	// A reader of stdout or stderr that goes away is an error of writing: what the
	// command does is done and recorded in any case.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		<-signals
		cancel()
		<-signals
		output.ClearLine(os.Stderr)
		os.Exit(int(output.ExitInterrupted))
	}()
	dir, _ := os.Getwd()     // "" if it is gone
	host, _ := os.Hostname() // "" if it has no name
	env := &app.Env{Stdin: os.Stdin, Stdout: output.NewStdout(os.Stdout), Stderr: os.Stderr, Vars: environ(), Dir: dir, Host: strings.ToValidUTF8(host, "\uFFFD")}
	stop := profile.Start()
	code := run(ctx, env, os.Args[1:])
	stop()
	os.Exit(int(code))
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, env *app.Env, args []string) output.Code {
	a := &app.App{Env: env}
	root := commands(a)
	if len(args) > 0 && args[0] == completeWord {
		return output.CodeOf(complete(ctx, env, root, args[1:]))
	}
	return a.Run(ctx, root, args)
}
