//go:build unix

package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/scripts/smallfs"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// What the system says of a file that has no name yet names the path.
func TestFullDiskNamesThePath(t *testing.T) {
	smallfs.Run(t, "size=64k", func(t *testing.T, dir string) {
		path := filepath.Join(dir, "f")
		for _, write := range []func(string, fs.FileMode, func(io.Writer) error) error{CreateFile, WriteFile} {
			err := write(path, 0o666, text(strings.Repeat("x", 1<<20)))
			if !errors.Is(err, syscall.ENOSPC) || err.Error() != "write "+path+": no space left on device" {
				t.Errorf("%v", err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file was left: %v", err)
			}
		}
	})
}

// The umask is that of the whole process, so no test beside this one makes files.
func TestFilesRespectTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	for umask, want := range map[int]fs.FileMode{0o077: 0o600, 0o022: 0o644, 0o002: 0o664} {
		syscall.Umask(umask)
		path := filepath.Join(t.TempDir(), "f")
		for _, write := range []func(string, fs.FileMode, func(io.Writer) error) error{CreateFile, WriteFile} {
			if err := write(path, 0o666, text("x")); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %o: %v, %v; want %v", umask, info.Mode(), err, want)
			}
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "f"), filetest.Write(t, filepath.Join(dir, "victim"), []byte("precious"))
	if err := os.Symlink(victim, path); err != nil {
		t.Fatal(err)
	}
	if err := CreateFile(path, 0o666, text("new")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over a link: %v", err)
	}
	failed := errors.New("failed")
	if err := WriteFile(path, 0o666, func(w io.Writer) error { io.WriteString(w, "half"); return failed }); err != failed {
		t.Error(err)
	}
	if target, err := os.Readlink(path); err != nil || target != victim {
		t.Errorf("a write that failed left %q, %v", target, err)
	}
	if err := WriteFile(path, 0o666, text("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || string(filetest.Read(t, path)) != "new" {
		t.Errorf("%v, %v", info, err)
	}
	if string(filetest.Read(t, victim)) != "precious" {
		t.Error("the link was followed")
	}
	filetest.OnlyNames(t, dir, "f", "victim")
}
