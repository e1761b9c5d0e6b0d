package pluginhost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/stalled"
	"github.com/codex-archive/codex/sdk"
)

// TestStalledPlace: a directory of programs on a file system that does not answer
// ends a search in time, by name. It hung.
func TestStalledPlace(t *testing.T) {
	dir := stalled.Mount(t)
	sound := t.TempDir()
	if err := os.WriteFile(filepath.Join(sound, Prefix+"sound"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := Search{Path: dir + string(os.PathListSeparator) + sound, DataHome: t.TempDir(), Wait: 50 * time.Millisecond}
	named := s
	named.Flags = []string{dir}
	for what, call := range map[string]func(context.Context) error{
		"find":        func(ctx context.Context) error { _, err := s.Find(ctx, "sound"); return err },
		"check":       named.Check,
		"named":       func(ctx context.Context) error { _, err := s.Named(ctx, filepath.Join(dir, "x")); return err },
		"can install": func(ctx context.Context) error { _, _, err := s.CanInstall(ctx, "x", sdk.Digest{}, false); return err },
		"can remove":  func(ctx context.Context) error { _, err := s.CanRemove(ctx, "x"); return err },
	} {
		err := call(t.Context())
		f := output.FailureOf(err)
		if f == nil || f.Code() != output.ExitBackend || !strings.Contains(f.Error(), dir) || !strings.Contains(f.Error(), "has not answered for 50ms") || f.Hint == "" {
			t.Errorf("%s: %+v", what, f)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := call(ended); !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "not answered") {
			t.Errorf("%s, interrupted: %v", what, err)
		}
	}
	programs, ignored := s.List(t.Context())
	if len(programs) != 1 || programs[0].Name != "sound" || len(ignored) != 1 || ignored[0].Path != dir || !strings.Contains(ignored[0].Why, "has not answered") {
		t.Errorf("list: %+v, ignored %+v", programs, ignored)
	}
}

// TestStalledFiles: the lock and a program that cannot be read are given up when the
// command is.
func TestStalledFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a mount")
	}
	dir := stalled.Mount(t)
	project := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(project, ".codex")); err != nil {
		t.Fatal(err)
	}
	for what, call := range map[string]func(context.Context) error{
		"lock": func(ctx context.Context) error { _, err := ReadLock(ctx, project); return err },
		"sha256": func(ctx context.Context) error {
			_, err := Program{Path: filepath.Join(dir, "x")}.SHA256(ctx)
			return err
		},
		"socket": func(ctx context.Context) error { return ownSocket(ctx, filepath.Join(dir, "x")) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- call(ctx) }()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var e *durable.StalledError
	reader := durable.AnsweringReader(t.Context(), time.Millisecond, "x", mute{})
	for range 2 {
		if _, err := reader.Read(make([]byte, 1)); !errors.As(err, &e) || e.Path != "x" {
			t.Errorf("read: %v", err)
		}
	}
}

// mute is a file that does not answer.
type mute struct{}

func (mute) Read([]byte) (int, error) { select {} }
