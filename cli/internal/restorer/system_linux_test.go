package restorer

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/scripts/smallfs"
)

// extremes are times that few file systems keep.
var extremes = []time.Time{
	time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2300, 1, 1, 0, 0, 0, 123456000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
}

// restoreAt restores a file with a modification time.
func restoreAt(t *testing.T, dir string, at time.Time) (kept time.Time, warnings []string) {
	t.Helper()
	s := inMemory(t, filetest.Prose(10))
	s.record.ModTime = at
	out := filepath.Join(dir, at.Format("2006"))
	done, err := s.restore(t, Destination{Path: out})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime(), done.Warnings
}

// tmpfs keeps any time.
func TestExtremeTimes(t *testing.T) {
	smallfs.Run(t, "size=1m", func(t *testing.T, dir string) {
		for _, at := range extremes {
			if kept, warnings := restoreAt(t, dir, at); !kept.Equal(at) || len(warnings) > 0 {
				t.Errorf("%v became %v, warnings %q", at, kept, warnings)
			}
		}
	})
}

// What another file system does not keep is said.
func TestLostTimesAreSaid(t *testing.T) {
	dir := t.TempDir()
	for _, at := range extremes {
		kept, warnings := restoreAt(t, dir, at)
		lost := kept.Sub(at).Abs() >= timeGrain
		if lost != (len(warnings) == 1) || lost && !strings.Contains(warnings[0], at.Format(time.RFC3339)) {
			t.Errorf("%v became %v, warnings %q", at, kept, warnings)
		}
	}
}

// A directory without /proc is all that a process in a chroot sees.
func TestWithoutProc(t *testing.T) {
	smallfs.Run(t, "size=8m", func(t *testing.T, dir string) {
		if err := syscall.Chroot(dir); err != nil {
			t.Skip(err)
		}
		if err := os.Chdir("/"); err != nil {
			t.Fatal(err)
		}
		for name, size := range sizes {
			s := inMemory(t, filetest.Noise(size))
			for _, force := range []bool{false, true} {
				if _, err := s.restore(t, Destination{Path: "/a/" + name, Force: force}); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Remove("/a/" + name); err != nil {
				t.Fatal(err)
			}
			if done, err := s.restore(t, Destination{Path: "/a/" + name, Force: true}); err != nil || len(done.Warnings) > 0 {
				t.Errorf("%v, warnings %q", err, done.Warnings)
			}
			if info, err := os.Stat("/a/" + name); err != nil || !info.ModTime().Equal(s.record.ModTime) || info.Mode().Perm() != 0o640 {
				t.Errorf("%v, %v", info, err)
			}
		}
		filetest.OnlyNames(t, "/a", "large", "small")
	})
}
