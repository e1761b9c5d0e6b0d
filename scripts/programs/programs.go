// Package programs builds the programs that tests run as processes.
//
// make test builds them once and names their directory in the environment. A
// test binary that is run alone builds its own.
package programs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Variable names a directory in which [Build] has been run.
const Variable = "CODEX_TEST_PROGRAMS"

// Dir returns a directory with the programs, and a function that removes what
// this call has made. They are laid out as make build does it: codex, and the
// backends in plugins. Those of cli/testdata are in vendor.
func Dir() (dir string, remove func() error, err error) {
	if dir := os.Getenv(Variable); dir != "" {
		return dir, func() error { return nil }, nil
	}
	if dir, err = os.MkdirTemp("", "codex-test-"); err != nil {
		return "", nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	if err := Build(dir, false); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return dir, remove, nil
}

// For is Dir until a test ends.
func For(t testing.TB) (dir string) {
	t.Helper()
	dir, remove, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Run runs a program to its end, and returns what it printed and its exit code.
func Run(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Build builds the programs into dir. With race, those that do not contain a
// database in Go, which the race detector would slow down, are built with it.
func Build(dir string, race bool) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	targets := map[string]string{"cli": "codex", "cli/testdata/slow": "vendor/codex-archive-slow", "cli/testdata/faulty": "vendor/codex-archive-faulty"}
	plugins, err := filepath.Glob(filepath.Join(root, "plugins/*/main.go"))
	if err != nil {
		return err
	}
	for _, main := range plugins {
		name := filepath.Base(filepath.Dir(main))
		targets["plugins/"+name] = "plugins/codex-archive-" + name
	}
	for source, program := range targets {
		withRace := race && !strings.HasPrefix(source, "plugins/")
		if err := build(root, source, filepath.Join(dir, executable(program)), withRace); err != nil {
			return err
		}
	}
	return nil
}

func build(root, source, output string, race bool) error {
	flags := "-s -w -X main.version=test -X main.commit=0123456789ab"
	args := []string{"build", "-ldflags", flags, "-o", output}
	env := append(os.Environ(), "CGO_ENABLED=0", "GOGC=400") // for the compiler, as in the Makefile
	if race {
		args, env = append(args, "-race"), append(env, "CGO_ENABLED=1")
	}
	cmd := exec.Command("go", append(args, "./"+source)...)
	cmd.Dir, cmd.Env = root, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// moduleRoot finds the directory of go.mod from a package's directory, in
// which its tests run.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// executable adds the suffix that programs have on this system.
func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
