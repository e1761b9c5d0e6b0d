package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// testContainer builds the image and uses it, where Debian's buildah may do so;
// what the container file copies is looked up everywhere.
func (b built) testContainer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images are for Linux")
	}
	b.checkContainerFile(t)
	checkContainerRoot(t, filepath.Join(b.first.out, containerRoot))
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Skip(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("entering an image needs root")
	}
	run, root := b.image(t)
	dir := filepath.Join(root, "work")
	if err := os.WriteFile(filepath.Join(dir, "old.py"), []byte("print()\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, dir, run)
}

// image builds the image, and returns what runs codex in it, and where its files
// are.
func (b built) image(t *testing.T) (run func(args ...string) []byte, root string) {
	t.Helper()
	state := t.TempDir()
	buildah := func(args ...string) string {
		common := []string{"--root", filepath.Join(state, "root"), "--runroot", filepath.Join(state, "run"), "--storage-driver", "vfs"}
		out, err := output(exec.CommandContext(context.WithoutCancel(t.Context()), "buildah", append(common, args...)...))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	buildah("build", "--isolation", "chroot", "--build-arg", "VERSION="+b.first.version, "--build-arg", "TARGETARCH="+runtime.GOARCH, "--tag", "codex", b.first.out)
	container := buildah("from", "codex")
	t.Cleanup(func() { buildah("rm", "--all") })
	run = func(args ...string) []byte {
		return []byte(buildah(append([]string{"run", "--isolation", "chroot", container, "--", "/usr/bin/codex"}, args...)...))
	}
	return run, buildah("mount", container)
}

// checkContainerFile reports what the container file adds or copies and the
// release does not have.
func (b built) checkContainerFile(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.first.out, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unpack(t, b.archive(t), dir, func(*tar.Header) {})
	named := strings.NewReplacer("${VERSION}", b.first.version, "${TARGETARCH}", runtime.GOARCH)
	checked := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(named.Replace(line))
		var source string
		switch {
		case len(fields) > 2 && fields[0] == "ADD":
			source = filepath.Join(b.first.out, fields[1])
		case len(fields) > 3 && fields[0] == "COPY":
			source = filepath.Join(dir, fields[2])
		default:
			continue
		}
		checked++
		if _, err := os.Stat(source); err != nil {
			t.Errorf("%s: %v", strings.TrimSpace(line), err)
		}
	}
	if checked < 5 {
		t.Errorf("only %d lines were checked", checked)
	}
}

// checkContainerRoot: a directory for temporary files is one for everybody.
func checkContainerRoot(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[h.Name] = fs.FileMode(h.Mode)
	}
	if modes["tmp/"] != 0o1777 || modes["work/"] != 0o1777 || modes["etc/passwd"] != 0o644 {
		t.Errorf("modes are %v", modes)
	}
}
