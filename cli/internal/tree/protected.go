package tree

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Protected are files of the program itself, by the directory that holds them.
type Protected struct {
	Dir  string
	Name func(string) bool
}

// Names returns which names of the directory at path, nil for none, are those of
// files.
func Names(files []Protected, path string, dir fs.FileInfo) func(string) bool {
	var names []func(string) bool
	for _, p := range files {
		if info, err := os.Stat(p.Dir); err == nil && dir != nil && (os.SameFile(info, dir) || sameLetters(p.Dir, path)) {
			names = append(names, p.Name)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(names, func(is func(string) bool) bool { return is(name) })
	}
}

// sameLetters reports whether two paths of directories are one but for the case of
// letters. A file system in user space that folds case may have a number for each
// spelling.
func sameLetters(a, b string) bool {
	a, b = absolute(a), absolute(b)
	return strings.EqualFold(filepath.Base(a), filepath.Base(b)) && strings.EqualFold(resolved(a), resolved(b))
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// resolved is path without symbolic links, as far as they can be followed.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// Check refuses a path that names one of files. Whether it is there is not its
// business. An error is of type [*PathError].
func Check(files []Protected, path string) error {
	w := &Walk{selection: Selection{Protected: files}}
	w.protected = w.findProtected
	if _, err := w.root(path); err == errProtected {
		return &PathError{path, err}
	}
	return nil
}
