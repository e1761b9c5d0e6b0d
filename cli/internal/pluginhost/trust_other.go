//go:build !unix

package pluginhost

import "io/fs"

// trust has nothing to check where files have no owner and mode of this kind.
func trust(string) (warn string, err error) { return "", nil }

// owned has nothing to check here either.
func owned(string, fs.FileInfo) error { return nil }
