package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

func (p *program) pluginLockCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "lock",
		Usage:     "let only the backend programs run that are there now",
		UsageText: "codex plugin lock [NAME...] [flags]",
		Description: "Writes the SHA-256 of the backend in use, or of those named, to .codex/plugins.lock. From\n" +
			"then on a program that differs, and a backend that is not listed, is refused before it\n" +
			"runs (exit code 2). Programs listed before stay listed; each platform has its own lines.\n" +
			"Nothing is started. Deleting the file lets any program run again.\n\n" +
			"On Linux the bytes that were checked are the bytes that run. Elsewhere, and for scripts,\n" +
			"whose interpreter is not covered, the file is checked just before it is run.\n\n" +
			"EXAMPLES:\n" +
			"   codex plugin lock\n" +
			"   codex plugin lock sqlite postgres",
	}, (*session).pluginLock)
}

// lockView is the result of plugin lock.
type lockView struct {
	Lock    string       `json:"lock"`
	Plugins []lockedView `json:"plugins"`
}

type lockedView struct {
	Name     string `json:"name"`
	Platform string `json:"platform"`
	Path     string `json:"path"`
	SHA256   string `json:"sha256"`
}

func (s *session) pluginLock(context.Context) error {
	names := s.flags.Args().Slice()
	if len(names) == 0 {
		names = []string{s.config.Backend.Type}
	}
	lock, err := pluginhost.ReadLock(s.config.Root)
	if err != nil {
		return lockError(err)
	}
	if lock == nil {
		lock = pluginhost.NewLock(pluginhost.LockPath(s.config.Root))
	}
	v := lockView{Lock: lock.Path}
	for _, name := range names {
		locked, err := s.lockProgram(lock, name)
		if err != nil {
			return err
		}
		v.Plugins = append(v.Plugins, locked)
	}
	if err := os.MkdirAll(filepath.Dir(lock.Path), 0o755); err != nil {
		return err
	}
	if err := lock.Write(); err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.stdout, v)
	}
	for _, l := range v.Plugins {
		fmt.Fprintf(s.stdout, "%s %s %s %s\n", l.Name, l.Platform, l.SHA256, printable(l.Path))
	}
	fmt.Fprintf(s.stdout, "Locked in: %s\n", printable(v.Lock))
	return nil
}

func (s *session) lockProgram(lock *pluginhost.Lock, name string) (lockedView, error) {
	program, err := s.find(s.flags, name)
	if err != nil {
		return lockedView{}, err
	}
	sum, err := program.SHA256()
	if err != nil {
		return lockedView{}, err
	}
	lock.Set(name, sum)
	return lockedView{name, pluginhost.Platform, program.Path, sum.String()}, nil
}

// find returns the program of the backend called name.
func (p *program) find(flags *cli.Context, name string) (pluginhost.Program, error) {
	program, err := p.search(flags.StringSlice("plugin-dir")).Find(name)
	var missing *pluginhost.NotFoundError
	if err == nil || errors.As(err, &missing) {
		return program, err
	}
	return program, distrust(err)
}

// distrust is the error about a program that is there and may not be run.
func distrust(err error) error {
	return &failure{code: exitUsage, kind: "no_backend", err: err, hint: "nothing was run"}
}

// lockedSum returns the hash that the program of a backend must have in the
// project at root, nil where any may run.
func lockedSum(root, name string) (*sdk.Digest, error) {
	lock, err := pluginhost.ReadLock(root)
	if err != nil {
		return nil, lockError(err)
	}
	return lock.Sum(name)
}

func lockError(err error) error {
	return &failure{code: exitUsage, kind: "config", err: err, hint: "mend or delete it, then: codex plugin lock"}
}
