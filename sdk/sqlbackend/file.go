package sqlbackend

import (
	"errors"
	"io/fs"
	"os"

	"github.com/codex-archive/codex/sdk"
)

// maxFile is the size of the largest certificate, key or password file.
const maxFile = 1 << 20 // bytes; bundles of certificate authorities have a quarter of it

// CheckFile refuses a file that an option names and a driver would read to its
// end: one that is not regular, such as a pipe, or that is larger than 1 MiB.
func CheckFile(option, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sdk.Errorf(sdk.Invalid, "%s names %s: no such file", option, path)
	case err != nil:
		return sdk.Errorf(sdk.Invalid, "%s names a file: %w", option, err)
	case !info.Mode().IsRegular():
		return sdk.Errorf(sdk.Invalid, "%s names %s, which is not a regular file", option, path)
	case info.Size() > maxFile:
		return sdk.Errorf(sdk.Invalid, "%s names %s, which is larger than 1 MiB", option, path)
	}
	return nil
}
