package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// enterStarters makes the contestants of the contest that only starts programs.
// The first is the measure.
func (b *bench) enterStarters(program string) error {
	empty := filepath.Join(b.dir, "empty")
	if err := os.WriteFile(empty+".go", []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", empty, empty+".go").CombinedOutput(); err != nil {
		return fmt.Errorf("build an empty program: %w: %s", err, out)
	}
	b.starters = []contestant{
		starter("an empty Go program", nil, empty),
		starter("codex --version", nil, program, "--version"),
		{name: "the SQLite plugin: start, open, one answer, end", begin: opened(program, spawn)},
		{name: "codex archive health-check", begin: opened(program, func(a *archive) func(*meter) error {
			return func(m *meter) error { _, err := a.run(m, "health-check"); return err }
		})},
	}
	return nil
}

func starter(name string, env []string, program string, args ...string) contestant {
	return contestant{name: name, begin: func(*job, string) (*entry, error) {
		return &entry{steps: map[string]func(*meter) error{stepStart: func(m *meter) error {
			_, err := m.run(env, program, args...)
			return err
		}}}, nil
	}}
}

// opened begins with an archive on SQLite.
func opened(program string, step func(*archive) func(*meter) error) func(*job, string) (*entry, error) {
	return func(j *job, dir string) (*entry, error) {
		a := &archive{codex: codex{program: program, backend: "sqlite"}, job: j, dir: dir}
		if _, err := a.begin(); err != nil {
			return nil, err
		}
		return &entry{steps: map[string]func(*meter) error{stepStart: step(a)}}, nil
	}
}

// spawn does what a host does before and after its own work.
func spawn(a *archive) func(*meter) error {
	return func(m *meter) error {
		start := time.Now()
		ctx := context.Background()
		process, err := plugin.Launch(ctx, plugin.Command{
			Path: filepath.Join(filepath.Dir(a.codex.program), "plugins", "codex-archive-sqlite"), Env: []string{"HOME=" + a.dir},
		})
		if err != nil {
			return err
		}
		defer func() { _ = process.Close() }() // for early returns, which have an error already
		backend, err := process.Open(ctx, sdk.Options{URL: "sqlite:///" + a.file(), Dir: a.dir, Mode: sdk.ReadOnly, Parallel: 1})
		if err != nil {
			return err
		}
		if _, err := backend.Health(ctx); err != nil {
			return err
		}
		err = process.Close()
		m.took = time.Since(start)
		return err
	}
}
