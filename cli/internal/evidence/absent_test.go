package evidence

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// A log whose directory is missing is not made before something was done. The
// failures from before come first then.
func TestLogIsMadeByAnAct(t *testing.T) {
	failure := func() *Record { return &Record{Action: Restore, Status: Failed, Actor: "me", Backend: "b"} }
	for name, act := range map[string]func(*Log) error{
		"record": func(l *Log) error {
			return l.Append(&Record{Action: Restore, Status: Success, Actor: "me", Backend: "b"})
		},
		"intent": func(l *Log) error {
			_, err := l.Begin(Intent{Backend: "b", Records: []*Record{{Action: Archive, Status: Success, Actor: "me", Backend: "b"}}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			l, err := Open(filepath.Join(root, ".codex", "evidence"))
			if err == nil {
				err = l.Append(failure(), failure())
			}
			if err != nil {
				t.Fatal(err)
			}
			if stale, err := l.StaleIntents(); err != nil || len(stale) > 0 {
				t.Errorf("%d intents, %v", len(stale), err)
			}
			if entries, err := os.ReadDir(root); err != nil || len(entries) > 0 {
				t.Fatalf("a failure made %v (%v)", entries, err)
			}
			if err := act(l); err != nil {
				t.Fatal(err)
			}
			if got := len(intact(t, l)); got < 2 {
				t.Errorf("the log has %d lines", got)
			}
			if err := l.Append(failure()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Where there is a project, a failure is recorded.
func TestFailureInAProjectIsRecorded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".codex", "evidence")
	if err := os.Mkdir(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := Open(dir)
	if err == nil {
		_, err = os.Lstat(dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open made the directory: %v", err)
	}
	if err := l.Append(&Record{Action: Restore, Status: Refused, Actor: "me", Backend: "b"}); err != nil {
		t.Fatal(err)
	}
	if got := len(intact(t, l)); got != 1 {
		t.Errorf("the log has %d lines", got)
	}
}

// A directory that cannot be made is found before anything is done.
func TestOpenProvesThatItCanBeMade(t *testing.T) {
	file := filetest.Write(t, filepath.Join(t.TempDir(), "file"), nil)
	for _, dir := range []string{filepath.Join(file, "evidence"), filepath.Join(file, "a", "evidence"), "/proc/evidence/a"} {
		if _, err := Open(dir); err == nil {
			t.Errorf("%s: no error", dir)
		}
	}
}
