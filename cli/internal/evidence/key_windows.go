package evidence

import (
	"io/fs"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// checkPrivate returns an error if others can read the key.
func checkPrivate(path string, _ fs.FileInfo) error { return durable.CheckPrivate(path) }
