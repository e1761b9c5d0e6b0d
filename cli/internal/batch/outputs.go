package batch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// CheckOutputs reports the first output that cannot be: one that another item
// has too, one that is a directory, or that another output needs as one. dir is
// where relative outputs start, a base directory for one. base, if confined, is
// that directory opened, which no output may leave; nil there says that it does
// not exist yet. It takes one look at the file system for each item and
// directory, and writes nothing but the probes of [durable.SameName], where two
// outputs differ in case alone.
func (m *Manifest) CheckOutputs(dir string, confined bool, base *os.Root) error {
	p := places{dir: dir, real: map[string]string{}, plain: confined && base == nil}
	list := make([]string, len(m.Items))
	for i := range m.Items {
		if err := m.checkOutput(i, confined, base); err != nil {
			return err
		}
		list[i] = p.of(m.Items[i].Output)
	}
	return m.checkPlaces(list)
}

// checkPlaces finds an output that is also that of another item, or a directory
// of it. list has the place of each.
func (m *Manifest) checkPlaces(list []string) error {
	t := newTwins(list)
	for i, place := range list {
		if other := t.of(i, place); other >= 0 {
			why := ""
			if list[other] != place {
				why = fmt.Sprintf(", %q: this file system takes the two names for one", m.Items[other].Output)
			}
			return m.errorAt(i, "output", "%q is the output of item %d too%s", m.Items[i].Output, other+1, why)
		}
	}
	seen := map[string]bool{} // directories, and with each those above it
	for i, place := range list {
		for up := filepath.Dir(place); up != place && !seen[up]; place, up = up, filepath.Dir(up) {
			seen[up] = true
			if other := t.of(len(list), up); other >= 0 {
				return m.errorAt(other, "output", "%q is a directory: item %d goes into it", m.Items[other].Output, i+1)
			}
		}
	}
	return nil
}

// places brings outputs into the form in which two can be compared: the same
// file may be spelled in several ways, and reached through symbolic links.
type places struct {
	dir   string            // where relative outputs start
	real  map[string]string // of directories, as they were spelled
	plain bool              // there is nothing yet that could be a link
}

func (p *places) of(output string) string {
	if !filepath.IsAbs(output) {
		output = p.dir + string(filepath.Separator) + output // not cleaned: "link/.." is not "."
	}
	up, name := filepath.Split(output)
	real, known := p.real[up]
	if !known {
		real = p.resolve(up)
		p.real[up] = real
	}
	return filepath.Join(real, name)
}

// resolve follows the links of a directory, as far down as it exists.
func (p *places) resolve(dir string) string {
	if p.plain {
		return filepath.Clean(dir)
	}
	rest := ""
	for at := dir; ; {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		up, name := filepath.Split(strings.TrimRightFunc(at, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) }))
		if up == "" || up == at {
			return filepath.Clean(dir)
		}
		at, rest = up, filepath.Join(name, rest)
	}
}

// looker is what is asked about outputs: the file system, or a part of it.
type looker interface {
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
}

type everywhere struct{}

func (everywhere) Stat(name string) (fs.FileInfo, error)  { return os.Stat(name) }
func (everywhere) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

func (m *Manifest) checkOutput(index int, confined bool, base *os.Root) error {
	path := m.Items[index].Output
	directory := func() error { return m.errorAt(index, "output", "%q is a directory, want a file", path) }
	last := filepath.Base(filepath.FromSlash(path))
	if os.IsPathSeparator(path[len(path)-1]) || last == "." || last == ".." {
		return directory()
	}
	var look looker = everywhere{}
	if confined {
		if leaves(path) {
			return m.errorAt(index, "output", "%q leads out of the base directory: absolute paths and .. are not allowed", path)
		}
		if base == nil {
			return nil
		}
		look = base
	}
	info, err := look.Lstat(path)
	switch {
	case err != nil && confined && !errors.Is(err, fs.ErrNotExist):
		// os.Root has no error of its own for a link that leads out.
		return m.errorAt(index, "output", "%q: %v", path, durable.Cause(err))
	case err != nil:
		return nil // what else is wrong shows when it is written
	case info.IsDir():
		return directory()
	}
	if info, err := look.Stat(path); err == nil && info.IsDir() {
		return directory()
	}
	return nil
}

// leaves reports whether a path says by itself that it leads out of a base.
func leaves(output string) bool {
	if !filepath.IsLocal(output) {
		return true
	}
	for part := range strings.SplitSeq(filepath.ToSlash(output), "/") {
		if part == ".." {
			return true
		}
	}
	return false
}
