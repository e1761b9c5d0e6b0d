package pluginhost

import (
	"fmt"
	"io/fs"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// trust reports why a program or its directory may not be trusted: a user who
// can write it can run code as us. What all can write who have an account is
// worth a warning only: directories that are made below a drive's root are so.
func trust(path string) (warn string, err error) {
	groups, err := durable.GroupsWith(path, durable.MayWrite)
	if err != nil {
		return "", fmt.Errorf("%s: who can write it is not known: %w", path, err)
	}
	for _, g := range groups {
		if g.All {
			return "", fmt.Errorf("%s can be written by %s: remove that right with icacls", path, g.Name)
		}
		warn = fmt.Sprintf("%s can be written by %s", path, g.Name)
	}
	return warn, nil
}

// owned has nothing to check: on Windows there are no sockets of users.
func owned(string, fs.FileInfo) error { return nil }
