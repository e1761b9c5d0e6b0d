package archive

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

const noFollow = 0

// syncDir does nothing: Windows has no such call, NTFS journals names.
func syncDir(*os.File) error { return nil }

// Windows lets nobody remove a file that Go has open, which is the lock.
func lockTemp(*os.File) bool { return true }
func orphaned(*os.File) bool { return true }

func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, windows.ERROR_NOT_SUPPORTED) || errors.Is(err, windows.ERROR_INVALID_FUNCTION)
}

// closeToRename: a file that Go has open cannot be renamed.
const closeToRename = true
