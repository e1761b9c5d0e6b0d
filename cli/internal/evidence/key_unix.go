//go:build unix

package evidence

import (
	"fmt"
	"io/fs"
)

// checkPrivate returns an error if others can read the key.
func checkPrivate(_ string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("found mode %04o, allowed 0600 or less: others can use the key", mode)
	}
	return nil
}
