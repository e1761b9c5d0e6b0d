//go:build unix

package pluginhost

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func kindOf(err error) output.Kind {
	if err == nil {
		return ""
	}
	return output.FailureOf(err).Kind
}

func programFile(t *testing.T, text string) (path string, sum sdk.Digest) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, sha256.Sum256([]byte(text))
}

// TestInstallsAtOnce: the second of two installs that both found nothing says what
// it finds at its end. It failed, because the file was there.
func TestInstallsAtOnce(t *testing.T) {
	for _, test := range []struct {
		name, other string
		what        Installed
		kind        output.Kind
	}{
		{"the same program", "#!program", Unchanged, ""},
		{"another program", "#!another", "", output.OutputExists},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Search{DataHome: t.TempDir()}
			_, sum := programFile(t, "#!program")
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := unix.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			type result struct {
				what Installed
				err  error
			}
			slow := make(chan result, 1)
			go func() {
				_, what, err := s.Install(t.Context(), "x", fifo, sum, false)
				slow <- result{what, err}
			}()
			feed, err := os.OpenFile(fifo, os.O_WRONLY, 0) // opens when it copies
			if err != nil {
				t.Fatal(err)
			}
			from, other := programFile(t, test.other)
			if _, what, err := s.Install(t.Context(), "x", from, other, false); what != New || err != nil {
				t.Fatalf("the fast one: %v, %v", what, err)
			}
			if _, err := feed.WriteString("#!program"); err != nil {
				t.Fatal(err)
			}
			if err := feed.Close(); err != nil {
				t.Fatal(err)
			}
			if r := <-slow; r.what != test.what || kindOf(r.err) != test.kind {
				t.Errorf("the slow one: %v, %v", r.what, r.err)
			}
		})
	}
}

// TestInstallOfWhatMayNotRun: a program that is there already, in a directory that
// others can write, or without the right to be executed, would be refused when it is
// used. It was called unchanged, and all was well.
func TestInstallOfWhatMayNotRun(t *testing.T) {
	s := Search{DataHome: t.TempDir()}
	from, sum := programFile(t, "#!program")
	path, _, err := s.Install(t.Context(), "x", from, sum, false)
	if err != nil {
		t.Fatal(err)
	}
	for file, modes := range map[string][2]os.FileMode{filepath.Dir(path): {0o777, 0o755}, path: {0o644, 0o755}} {
		for i, kind := range []output.Kind{output.NoBackend, ""} {
			if err := os.Chmod(file, modes[i]); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Install(t.Context(), "x", from, sum, false); kindOf(err) != kind {
				t.Errorf("%s with mode %o: %v", file, modes[i], err)
			}
		}
	}
}

// TestInstallOfAChangedProgram: the program is started once before it is installed,
// and could exchange itself meanwhile.
func TestInstallOfAChangedProgram(t *testing.T) {
	s := Search{DataHome: t.TempDir()}
	from, _ := programFile(t, "#!changed")
	path, _, err := s.Install(t.Context(), "x", from, sha256.Sum256([]byte("#!verified")), false)
	if kindOf(err) != output.PluginChanged {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("it was installed: %v", err)
	}
}
