//go:build !linux

// Package stalled mounts a file system that never answers.
package stalled

import "testing"

// Mount skips the test: only Linux has such a mount.
func Mount(t testing.TB) (dir string) {
	t.Skip("Linux, to mount a file system that does not answer")
	return ""
}
