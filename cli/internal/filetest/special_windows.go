package filetest

import (
	"errors"
	"testing"
)

// Mkfifo fails: Windows has no pipes in directories.
func Mkfifo(string) error { return errors.ErrUnsupported }

// Special makes nothing: Windows has no pipes and sockets in directories.
func Special(*testing.T, string) map[string]string { return nil }
