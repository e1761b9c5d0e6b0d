package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Exclude adds paths, relative to the top of the tree, to the clone's own
// info/exclude, which no commit carries. A path that ends in a slash is a
// directory. What is there already is not added again. A link in the place of
// the file or its directory is left alone, and an error.
func (t *Tree) Exclude(paths ...string) error {
	dir := filepath.Join(t.Common, "info")
	file := filepath.Join(dir, "exclude")
	for _, p := range []string{dir, file} {
		if info, err := os.Lstat(p); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link and was left alone", p)
		}
	}
	present, err := readSmall(file, maxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := strings.Split(string(present), "\n")
	var add strings.Builder
	for _, p := range paths {
		pattern := pattern(p)
		if pattern != "" && !slices.Contains(lines, pattern) {
			add.WriteString(pattern + "\n")
		}
	}
	if add.Len() == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text := "# codex archive: what git clean, stash and add leave alone\n" + add.String()
	if len(present) > 0 && present[len(present)-1] != '\n' {
		text = "\n" + text
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE|openFlags|noFollow, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// pattern returns the gitignore pattern that matches path and nothing else, or
// "" where none can: a pattern has no way to write a newline.
func pattern(path string) string {
	if strings.ContainsAny(path, "\n\r") {
		return ""
	}
	var b strings.Builder
	b.WriteByte('/')
	for _, c := range []byte(path) {
		if strings.IndexByte(`\*?[] `, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
