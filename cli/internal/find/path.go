package find

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// PathSpellings returns how records may spell a path that a user gave in the
// directory dir of the project root: as it was given, relative to the top of the
// git work tree (or else to the root), and absolute. None says that every record
// may be meant: the path is the top itself.
func PathSpellings(path, dir, root string) []string {
	absolute := path
	if !filepath.IsAbs(absolute) {
		absolute = filepath.Join(dir, absolute)
	}
	top := WorkTree(dir)
	if top == "" {
		top = root
	}
	var all []string
	for _, spelling := range []string{filepath.Clean(path), below(top, absolute), filepath.Clean(absolute)} {
		spelling = filepath.ToSlash(spelling)
		if spelling == "." {
			return nil
		}
		if spelling != "" && !slices.Contains(all, spelling) {
			all = append(all, spelling)
		}
	}
	return all
}

// WorkTree returns the top of the git work tree that dir is in, "" if it is in
// none.
func WorkTree(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// below returns path relative to dir, "" if it is not dir or below it.
func below(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return ""
	}
	return rel
}
