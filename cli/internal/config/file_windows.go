package config

import (
	"fmt"
	"io/fs"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// Windows has no named pipes in directories.

const openFlags = 0

func foreignOwner(fs.FileInfo) string { return "" }

// checkPrivate returns a check that fails if all users can read or change the
// file of a secret.
func checkPrivate(secret string) fileCheck {
	return func(path string, _ fs.FileInfo) error {
		if err := durable.CheckPrivate(path); err != nil {
			return fmt.Errorf("%w: others can have %s", err, secret)
		}
		return nil
	}
}

// checkUnwritable fails if all users can write a file.
func checkUnwritable(path string, _ fs.FileInfo) error {
	return durable.CheckRights(path, durable.MayWrite)
}

func readableBy(_, _ string) bool { return true }
