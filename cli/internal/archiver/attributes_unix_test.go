//go:build unix

package archiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/scripts/smallfs"
)

func TestDroppedBits(t *testing.T) {
	path := filetest.Write(t, filepath.Join(t.TempDir(), "f"), nil)
	for _, bit := range []os.FileMode{os.ModeSetuid, os.ModeSetgid, os.ModeSticky} {
		if err := os.Chmod(path, 0o754|bit); err != nil {
			t.Skip(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&bit == 0 {
			t.Skip("this system does not keep the bit")
		}
		s, err := open(t, path, "")
		if err != nil || s.Mode != 0o754 || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], path) {
			t.Errorf("%v: mode %o, warnings %q, %v", bit, s.Mode, s.Warnings, err)
		}
	}
}

// tmpfs keeps any time.
func TestTimesOutsideTheRange(t *testing.T) {
	smallfs.Run(t, "size=1m", func(t *testing.T, dir string) {
		path := filetest.Write(t, filepath.Join(dir, "f"), nil)
		for _, c := range []struct {
			at, want string
			warns    bool
		}{
			{"2300-01-01T00:00:00.123456Z", "2300-01-01T00:00:00.123456Z", false},
			{"1677-01-01T00:00:00Z", "1677-01-01T00:00:00Z", false},
			{"0001-01-01T00:00:01Z", "0001-01-01T00:00:01Z", false},
			{"0001-01-01T00:00:00Z", "0001-01-01T00:00:01Z", true},
			{"0000-12-31T23:59:59Z", "0001-01-01T00:00:01Z", true},
			{"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", false},
			{"10000", "9999-12-31T23:59:59.999999Z", true},
		} {
			at, err := time.Parse(time.RFC3339Nano, c.at)
			if err != nil {
				at = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
			}
			ts, err := unix.TimeToTimespec(at)
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, 0); err != nil {
				t.Fatal(err)
			}
			s, err := open(t, path, "")
			if err != nil || s.ModTime.Format(time.RFC3339Nano) != c.want || len(s.Warnings) > 0 != c.warns {
				t.Errorf("%s: %v, warnings %q, %v; want %s", c.at, s.ModTime, s.Warnings, err, c.want)
			}
		}
	})
}
