//go:build !linux

package durable

import (
	"errors"
	"os"
)

// FileSystem makes durable what was written to one file system: only on Linux.
type FileSystem struct{}

// OpenFileSystem returns nil: these systems have no sync of one file system that
// waits and reports errors.
func OpenFileSystem(*os.File) *FileSystem { return nil }

// Sync does nothing.
func (*FileSystem) Sync() error { return errors.ErrUnsupported }

// Close does nothing.
func (*FileSystem) Close() error { return nil }

// Device is not needed here.
func Device(*os.File) (uint64, bool) { return 0, false }
