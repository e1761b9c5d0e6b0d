// Command testenv runs a command, such as go test, in an environment that all
// of its test binaries share: one server of each database, and the programs,
// built once. Both end with the command.
package main

import (
	"errors"
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
	withServers := true
	if len(args) > 0 && args[0] == "-noservers" {
		withServers, args = false, args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("usage: testenv [-noservers] COMMAND [ARGUMENTS]")
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
	go func() { built <- programs.Build(filepath.Join(dir, "programs")) }()
	env := append(os.Environ(), programs.Variable+"="+filepath.Join(dir, "programs"))
	if withServers {
		shared := filepath.Join(dir, "servers")
		end, err := databases.Share(shared)
		defer end()
		if err != nil {
			return 1, errors.Join(err, <-built)
		}
		env = append(env, databases.Variable+"="+shared)
	}
	if err := <-built; err != nil {
		return 1, err
	}
	return runIn(env, args)
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
