package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// testDebian installs the package into a directory, as root because its files
// belong to root, uses it there as if it were the machine, and purges it.
func (b built) testDebian(t *testing.T) {
	pkg := b.debian(t)
	if os.Geteuid() != 0 {
		t.Skip("installing a package needs root")
	}
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dpkg := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "dpkg", append([]string{"--root=" + root}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DPKG_MAINTSCRIPT_DEBUG=")
		out, err := output(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	dpkg("--install", pkg)
	before := outsideDpkg(t, root)
	for _, want := range []string{"usr/bin/codex", "usr/libexec/codex/codex-archive-sqlite", "usr/share/man/man1/codex.1.gz", debDocs + "copyright", debDocs + "NOTICES.gz"} {
		if !slices.Contains(before, want) {
			t.Errorf("%s is not installed", want)
		}
	}
	useCodex(t, filepath.Join(root, "usr/bin/codex"))
	if after := outsideDpkg(t, root); !slices.Equal(before, after) {
		t.Errorf("using it left files in the system: %v, before: %v", after, before)
	}
	dpkg("--purge", debName)
	if left := outsideDpkg(t, root); len(left) > 0 {
		t.Errorf("the purge left %v", left)
	}
	if out := dpkg("--list"); strings.Contains(out, debName) {
		t.Errorf("dpkg still knows it:\n%s", out)
	}
}

// debian is the package, or the reason why there is none here.
func (b built) debian(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("there is a package on Linux only")
	}
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip(err)
	}
	found, err := filepath.Glob(filepath.Join(b.first.out, "*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("packages: %v, %v", found, err)
	}
	return found[0]
}

// outsideDpkg returns what is in root besides dpkg's own.
func outsideDpkg(t *testing.T, root string) (found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, _ fs.DirEntry, err error) error {
		if path == "var" {
			return fs.SkipDir
		}
		if path != "." {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (b built) testLintian(t *testing.T) {
	pkg := b.debian(t)
	if _, err := exec.LookPath("lintian"); err != nil {
		t.Skip(err)
	}
	args := []string{"--fail-on", "error,warning", pkg}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root")
	}
	if out, err := exec.CommandContext(t.Context(), "lintian", args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
