//go:build unix

package durable

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestScratchDirsLeftBehind: a new directory removes those that killed processes have
// left, and no other.
func TestScratchDirsLeftBehind(t *testing.T) {
	base := t.TempDir()
	t.Setenv("TMPDIR", base)
	elsewhere := t.TempDir()
	hour := time.Now().Add(-2 * unlockedAge)
	leave := func(name string, mode os.FileMode, lock bool) (path string) {
		path = filepath.Join(base, name)
		if err := os.Mkdir(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if lock {
			if err := os.WriteFile(filepath.Join(path, scratchLock), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	stays := map[string]bool{
		leave("x-killed", 0o700, true):     false,
		leave("x-unlocked", 0o700, false):  true,
		leave("x-old", 0o700, false):       false,
		leave("x-open", 0o755, true):       true,
		leave("y-other", 0o700, true):      true,
		filepath.Join(base, "x-link"):      true,
		filepath.Join(elsewhere, "inside"): true,
	}
	if err := os.Chtimes(filepath.Join(base, "x-old"), hour, hour); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(base, "x-link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "inside"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := NewScratchDir("x-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(first.Path, "f"), nil, 0o600); err != nil {
		t.Error(err)
	}
	second, err := NewScratchDir("x-")
	if err != nil {
		t.Fatal(err)
	}
	stays[first.Path] = true
	for path, want := range stays {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
	first.Remove()
	second.Remove()
	if left, _ := filepath.Glob(filepath.Join(base, "x-*")); len(left) != 3 {
		t.Errorf("left: %v", left)
	}
}
