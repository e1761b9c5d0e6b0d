package durable

import "os"

// SameName reports whether the file system of root takes a and b, two names of
// files, for one, as those do that fold case. It asks the file system, with a
// temporary file whose name ends in a: there is no other way to know. An error
// means that nothing can be said.
func SameName(root *os.Root, a, b string) (bool, error) {
	stem := newTempName()
	f, err := root.OpenFile(stem+a, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { _ = Remove(root, stem+a) }() // an empty file that stays does no harm
	defer func() { _ = f.Close() }()            // nothing was written
	// A file system in user space may give the two names different numbers.
	_, err = root.Lstat(stem + b)
	if os.IsNotExist(err) {
		return false, nil
	}
	return err == nil, err
}
