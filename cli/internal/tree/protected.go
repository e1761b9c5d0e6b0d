package tree

import (
	"io/fs"
	"os"
	"slices"
)

// Protected are files of the program itself, by the directory that holds them.
type Protected struct {
	Dir  string
	Name func(string) bool
}

// Names returns which names of a directory, nil for none, are those of files.
func Names(files []Protected, dir fs.FileInfo) func(string) bool {
	var names []func(string) bool
	for _, p := range files {
		if info, err := os.Stat(p.Dir); err == nil && dir != nil && os.SameFile(info, dir) {
			names = append(names, p.Name)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(names, func(is func(string) bool) bool { return is(name) })
	}
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
