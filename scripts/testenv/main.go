// Command testenv runs a command, such as go test, in an environment that all
// of its test binaries share: one server of each database, and the programs,
// built once. Both end with the command.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/programs"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
	}
	os.Exit(code)
}

// run returns the exit code of the command.
func run(args []string) (code int, err error) {
	flags := flag.NewFlagSet("testenv", flag.ContinueOnError)
	noServers := flags.Bool("noservers", false, "start no database servers")
	race := flags.Bool("race", false, "build codex and its in-memory backend with the race detector")
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	if flags.NArg() == 0 {
		return 2, errors.New("usage: testenv [-noservers] [-race] COMMAND [ARGUMENTS]")
	}
	dir, err := os.MkdirTemp("", "codex-testenv-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Some tests run a program as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	built := make(chan error, 1)
	go func() { built <- programs.Build(filepath.Join(dir, "programs"), *race) }()
	env := append(os.Environ(), programs.Variable+"="+filepath.Join(dir, "programs"))
	if !*noServers {
		shared := filepath.Join(dir, "servers")
		end, failed := databases.Share(shared)
		defer func() { err = errors.Join(err, end()) }()
		if failed != nil {
			return 1, errors.Join(failed, <-built)
		}
		env = append(env, databases.Variable+"="+shared)
	}
	if err := <-built; err != nil {
		return 1, err
	}
	return runIn(env, flags.Args())
}

// runIn runs the command to its end. Interrupts reach it from the terminal, so
// this process only waits.
func runIn(env, args []string) (code int, err error) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(1, exit.ExitCode()), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
