//go:build !linux

package smallfs

import "testing"

// Run skips the test: mounting without privileges is what Linux can.
func Run(t *testing.T, _ string, _ func(t *testing.T, dir string)) {
	t.Skip("only Linux mounts a file system for a test")
}
