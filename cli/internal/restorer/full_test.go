package restorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/scripts/smallfs"
	"github.com/codex-archive/codex/sdk"
)

func TestFullDisk(t *testing.T) {
	smallfs.Run(t, "size=1m", func(t *testing.T, dir string) {
		if err := onFullDisk(dir); err != nil {
			t.Fatal(err)
		}
	})
}

// onFullDisk restores more than fits.
func onFullDisk(dir string) error {
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, filetest.Noise(800<<10), 0o600); err != nil {
		return err
	}
	for _, size := range []int{verifiedInMemory, 2 * verifiedInMemory} {
		s := newStored(filetest.Noise(size), filetest.Noise(size), sdk.None)
		for name, d := range map[string]Destination{
			"new": {Path: filepath.Join(dir, "new")}, "old": {Path: old, Force: true},
		} {
			var rs Restorer
			_, err := rs.Restore(context.Background(), &s.record, bytes.NewReader(s.body), d)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), d.Path) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(names) > 0 {
		return fmt.Errorf("left: %v, %w", names, err)
	}
	if b, err := os.ReadFile(old); err != nil || !bytes.Equal(b, filetest.Noise(800<<10)) {
		return fmt.Errorf("the old file is not what it was: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the new file is there: %w", err)
	}
	return nil
}
