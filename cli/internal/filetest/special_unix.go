//go:build unix

package filetest

import (
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Mkfifo makes a pipe with a name.
func Mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

// Special makes a pipe and a socket in dir.
func Special(t *testing.T, dir string) map[string]string {
	t.Helper()
	pipe := filepath.Join(dir, "pipe")
	if err := Mkfifo(pipe); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // the path of a socket is at most 107 bytes
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // its file goes with the directory
	return map[string]string{pipe: "a pipe", filepath.Join(dir, "socket"): "a socket"}
}
