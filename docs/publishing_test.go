package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestPublishingABackend does what the page tells a vendor, and then a user, to do:
// builds, signs, installs and locks, for this platform.
func TestPublishingABackend(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds programs")
	}
	if runtime.GOOS == "windows" {
		t.Skip("windows: the page is written for a POSIX shell")
	}
	t.Parallel()
	work, env := t.TempDir(), vendorEnv(t)
	buildMystore(t, work, env)
	tools := t.TempDir()
	build := exec.Command("go", "build", "-o", tools, "aead.dev/minisign/cmd/minisign")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := filepath.Join(work, "mystore")
	for _, name := range []string{"LICENSE", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mystore\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data := t.TempDir()
	env = append(env, "PLATFORMS="+runtime.GOOS+"_"+runtime.GOARCH, "XDG_DATA_HOME="+data, "PATH="+tools+string(os.PathListSeparator)+pathOf(env))
	var script strings.Builder
	for _, b := range blocks(t, "publishing-a-backend.md") {
		script.WriteString(b.text)
	}
	shell(t, dir, env, script.String())
	if _, err := os.Stat(filepath.Join(data, "codex", "plugins", "codex-archive-mystore")); err != nil {
		t.Error(err)
	}
	lock, err := os.ReadFile(filepath.Join(dir, "project", ".codex", "plugins.lock"))
	if want := "\nmystore " + runtime.GOOS + "/" + runtime.GOARCH + " "; err != nil || !strings.Contains(string(lock), want) || !strings.HasSuffix(string(lock), " 1.2.0\n") {
		t.Errorf("the lock: %v\n%s", err, lock)
	}
}

// pathOf returns the value of PATH that counts.
func pathOf(env []string) (path string) {
	for _, pair := range env {
		if value, ok := strings.CutPrefix(pair, "PATH="); ok {
			path = value
		}
	}
	return path
}

// buildMystore makes the module of the page about writing a backend, and its
// program, in work.
func buildMystore(t *testing.T, work string, env []string) {
	t.Helper()
	page := blocks(t, "writing-a-backend.md")
	if !strings.HasPrefix(page[0].text, "mkdir mystore\n") || page[1].file != "mystore/main.go" {
		t.Fatalf("the page begins with %q and %q", page[0].text, page[1].file)
	}
	shell(t, work, env, page[0].text)
	if err := os.WriteFile(filepath.Join(work, page[1].file), []byte(page[1].text), 0o644); err != nil {
		t.Fatal(err)
	}
	shell(t, filepath.Join(work, "mystore"), env, "go build -o codex-archive-mystore .\n")
}
