package published

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// limits bound what an archive may cost.
type limits struct {
	archive   int64 // bytes of the archive itself, or of a program that is published alone
	program   int64 // bytes of the program
	total     int64 // bytes of all that is unpacked, the tar's own blocks included
	directory int64 // bytes of the directory of a zip, which is held in memory
	entries   int   // files and directories
}

func usualLimits() limits {
	return limits{archive: 1 << 30, program: 512 << 20, total: 2 << 30, directory: 16 << 20, entries: 10_000}
}

// entries judges the entries of an archive, one after the other.
type entries struct {
	limits limits
	n      int
	seen   map[string]bool // files; in lower case, because some file systems fold it
}

// admit reports an entry that no archive of a backend needs. An archive that has
// one is not used at all.
func (e *entries) admit(name string, mode fs.FileMode) error {
	if e.n++; e.n > e.limits.entries {
		return fmt.Errorf("it has more than %d entries", e.limits.entries)
	}
	if err := checkPath(name); err != nil {
		return err
	}
	switch {
	case mode.IsDir():
		return nil
	case !mode.IsRegular():
		return fmt.Errorf("%q is %s; an archive of a backend has only files and directories", name, durable.FileType(mode))
	case strings.HasSuffix(name, "/"):
		return fmt.Errorf("%q is a file with the name of a directory", name)
	case mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
		return fmt.Errorf("%q has a setuid, setgid or sticky bit", name)
	}
	key := strings.ToLower(path.Clean(name))
	if e.seen[key] {
		return fmt.Errorf("%q is there twice", name)
	}
	e.seen[key] = true
	return nil
}

// checkPath reports a name that leads elsewhere, here or on another system.
func checkPath(name string) error {
	elsewhere := !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, `\:`) || strings.Contains("/"+name+"/", "/../")
	if elsewhere || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%.200q is no name of a file in an archive", name)
	}
	return nil
}

// tarMode is the mode of an entry of a tar. Those that are neither files nor
// directories, hard links among them, count as special.
func tarMode(h *tar.Header) fs.FileMode {
	mode := h.FileInfo().Mode()
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir:
		return mode
	case tar.TypeSymlink:
		return mode.Perm() | fs.ModeSymlink
	case tar.TypeLink:
		return mode.Perm() | fs.ModeIrregular
	}
	return mode | fs.ModeIrregular
}

// candidates are the programs that an archive or a directory offers.
type candidates struct {
	want  string // the backend that the user named; "" for the only one
	names []string
	taken string // the path of the one that was taken
}

// take reports whether the file at path is the program to take.
func (c *candidates) take(file string) (backend string, ok bool) {
	backend, ok = programHere(path.Base(file))
	if !ok {
		return "", false
	}
	c.names = append(c.names, backend)
	if c.taken != "" || c.want != "" && backend != c.want {
		return backend, false
	}
	c.taken = file
	return backend, true
}

// check reports that there was no program, or more than one to choose from.
func (c *candidates) check() error {
	wanted := 0
	for _, name := range c.names {
		if c.want == "" || name == c.want {
			wanted++
		}
	}
	switch {
	case wanted == 1:
		return nil
	case wanted > 1 && c.want == "":
		return fmt.Errorf("it has several programs of backends (%s)", strings.Join(c.names, ", "))
	case wanted > 1:
		return fmt.Errorf("it has several programs of backend %q", c.want)
	case len(c.names) > 0:
		return fmt.Errorf("it has no program of backend %q, and of %s", c.want, strings.Join(c.names, ", "))
	}
	return errors.New("it has no program of a backend for this system, which is called codex-archive-NAME" + exe())
}
