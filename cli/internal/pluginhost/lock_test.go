package pluginhost

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func TestLock(t *testing.T) {
	root := t.TempDir()
	l, err := ReadLock(t.Context(), root)
	if l != nil || err != nil {
		t.Fatalf("no lock: %v, %v", l, err)
	}
	if sum, err := l.Sum("sqlite"); sum != nil || err != nil {
		t.Fatalf("without a lock: %v, %v", sum, err)
	}
	if err := os.Mkdir(filepath.Join(root, ".codex"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := sdk.Digest{1, 2, 3}
	l = NewLock(LockPath(root))
	l.parse([]string{"sqlite", "plan9/mips", strings.Repeat("ab", 32)})
	l.Set(Locking{Name: "sqlite", Platform: Platform, SHA256: want, Version: "1.2.0-rc1+x"})
	l.Set(Locking{Name: "sqlite", Platform: Platform, SHA256: want}) // the version stays
	l.Set(Locking{Name: "oracle", Platform: Platform, SHA256: want, Version: "2"})
	l.Set(Locking{Name: "oracle", Platform: Platform, SHA256: sdk.Digest{4}}) // another program
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	again, err := ReadLock(t.Context(), root)
	if err != nil || again.String() != l.String() || !strings.Contains(again.String(), "sqlite plan9/mips abab") {
		t.Fatalf("%v\n%v", err, again)
	}
	if sum, err := again.Sum("sqlite"); err != nil || *sum != want || again.Version("sqlite") != "1.2.0-rc1+x" || again.Version("oracle") != "" {
		t.Errorf("%v, %v\n%v", sum, err, again)
	}
	if !again.Remove("oracle") || again.Remove("oracle") || !strings.Contains(again.String(), "plan9") {
		t.Errorf("after Remove: %v", again)
	}
	var failure *output.Failure
	if sum, err := again.Sum("postgres"); sum != nil || !errors.As(err, &failure) || failure.Kind != output.PluginChanged || !strings.HasSuffix(failure.Hint, "codex plugin lock postgres") {
		t.Errorf("%v, %v", sum, err)
	}
	left, err := os.ReadDir(filepath.Join(root, ".codex"))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestLockBroken reads what is no lock: whatever cannot be read must forbid.
func TestLockBroken(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for _, text := range []string{
		"sqlite", "sqlite linux/amd64", "sqlite linux/amd64 " + sum + "00", "sqlite linux/amd64 " + sum + " more",
		"sqlite linux/amd64 " + sum + " 1.0 more", "sqlite linux/amd64 " + sum + " 1.0/..", "Sqlite linux/amd64 " + sum, "sqlite linux " + sum, "../sqlite linux/amd64 " + sum,
		"a x/y " + sum + "\na x/y " + sum, "\x00\xff", strings.Repeat("#", maxLock+1),
	} {
		if l, err := parseLock("plugins.lock", []byte(text)); err == nil || l != nil || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("%.40q: %v, %v", text, l, err)
		}
	}
	for _, text := range []string{"", "# only\n\n  # words\r\n", "a x/y " + strings.ToUpper(sum) + "\r\n", "a x/y " + sum + " v1.0\n"} {
		if _, err := parseLock("plugins.lock", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	root := t.TempDir()
	if err := os.MkdirAll(LockPath(root), 0o755); err != nil {
		t.Fatal(err)
	}
	if l, err := ReadLock(t.Context(), root); err == nil {
		t.Errorf("a directory: %v", l)
	}
}

// TestLockBehindALink: a clone that brings .codex as a link does not choose where
// a lock is written.
func TestLockBehindALink(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(root, ".codex")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := NewLock(LockPath(root)).Write(); err == nil {
		t.Error("written")
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
