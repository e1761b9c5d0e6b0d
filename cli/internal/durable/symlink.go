package durable

import (
	"io/fs"
	"os"
	"time"
)

// Symlink makes a symbolic link. Without replace a name that is taken is
// [fs.ErrExist].
func Symlink(root *os.Root, target, name string, replace bool) error {
	if !replace {
		return root.Symlink(target, name)
	}
	temp := newTempName()
	if err := root.Symlink(target, temp); err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		_ = Remove(root, temp) // what cannot be removed is swept later; err says more
		return err
	}
	return nil
}

// linkAge is how old a temporary link is when it is swept. It has that name
// for a moment only, and cannot be locked.
const linkAge = time.Minute

// sweepLink removes the temporary link of a killed process.
func sweepLink(root *os.Root, name string) {
	info, err := root.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && time.Since(info.ModTime()) > linkAge {
		_ = Remove(root, name) // what cannot be removed is swept later
	}
}
