// Package pluginhost turns the name of a backend into an opened archive: it finds
// the program, checks that it may be trusted, starts it and opens it.
package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Prefix of the names of backend programs.
const Prefix = "codex-archive-"

// Place is a directory in which programs are looked for.
type Place struct {
	Dir string
	Why string // who named it, such as "--plugin-dir"
}

// Program is a backend's program that may be run.
type Program struct {
	Name  string // of the backend
	Path  string // absolute, symlinks resolved
	Place Place
	Warn  string // what is not forbidden but unwise about it, "" if nothing
}

// Ignored is a program that was found and may not be run, or is hidden by
// another of the same name in an earlier place; or, without a name, a directory
// in which was not looked.
type Ignored struct {
	Name, Path, Why string
}

// Search says where to look.
type Search struct {
	Flags      []string // directories of --plugin-dir
	Path       string   // CODEX_ARCHIVE_PLUGIN_PATH, a list as in PATH
	Executable string   // of the running codex, symlinks resolved
	DataHome   string   // XDG_DATA_HOME, or its default
}

// Places returns the directories to look in, in order. The current directory,
// PATH and the project's configuration are not among them: cloning a
// repository must not be enough to run its code.
func (s Search) Places() []Place {
	var places []Place
	add := func(dir, why string) {
		if dir != "" && filepath.IsAbs(dir) && !slices.ContainsFunc(places, func(p Place) bool { return p.Dir == dir }) {
			places = append(places, Place{filepath.Clean(dir), why})
		}
	}
	for _, dir := range s.Flags {
		if abs, err := filepath.Abs(dir); err == nil {
			add(abs, "--plugin-dir")
		}
	}
	for _, dir := range filepath.SplitList(s.Path) {
		add(dir, "CODEX_ARCHIVE_PLUGIN_PATH")
	}
	if s.Executable != "" {
		dir := filepath.Dir(s.Executable)
		add(dir, "beside codex")
		add(filepath.Join(dir, "plugins"), "beside codex")
		add(filepath.Join(dir, "..", "libexec", "codex"), "beside codex")
	}
	if s.DataHome != "" {
		add(s.userDir(), "user's data")
	}
	if runtime.GOOS != "windows" {
		add("/usr/local/libexec/codex", "system")
		add("/usr/libexec/codex", "system")
	}
	return places
}

// Check reports a directory of --plugin-dir that is none.
func (s Search) Check() error {
	for _, dir := range s.Flags {
		if info, err := os.Stat(dir); err != nil {
			return durable.NamedFile("--plugin-dir", dir, err, "name a directory that exists")
		} else if !info.IsDir() {
			return output.Usagef("--plugin-dir: %s is not a directory", dir)
		}
	}
	return nil
}

// notFound says that there is no program for a backend, what there is, and where
// was looked.
func (s Search) notFound(name string) error {
	found := "none"
	if programs, _ := s.List(); len(programs) > 0 {
		names := make([]string, len(programs))
		for i, p := range programs {
			names[i] = p.Name
		}
		found = strings.Join(names, ", ")
	}
	var dirs []string
	for _, p := range s.Places() {
		dirs = append(dirs, p.Dir)
	}
	return output.Errorf(output.NoBackend, "no program %s for backend %q", Prefix+name, name).
		WithHint("backends found: %s; looked in: %s", found, strings.Join(dirs, ", "))
}

// distrust is the error about a program that is there and may not be run.
func distrust(err error) error {
	return output.Errorf(output.NoBackend, "%w", err).WithHint("nothing was run")
}

// Find returns the program of the backend called name: the first hit in
// [Search.Places]. A first hit that may not be trusted is an error and not
// skipped: another program must not run in its place.
func (s Search) Find(name string) (Program, error) {
	if !sdk.ValidBackendName(name) {
		return Program{}, distrust(fmt.Errorf("backend %q: a name is a lower-case letter and up to 31 letters, digits and hyphens", name))
	}
	for _, place := range s.Places() {
		path := filepath.Join(place.Dir, Prefix+name+suffix())
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		program, err := check(name, path, place)
		if err != nil {
			return Program{}, distrust(err)
		}
		return program, nil
	}
	return Program{}, s.notFound(name)
}

// List returns every backend that Find would find, by name, and what it would
// ignore and why.
func (s Search) List() ([]Program, []Ignored) {
	var programs []Program
	ignored := s.relative()
	first := map[string]string{} // name to the path that Find would take, or refuse
	for _, place := range s.Places() {
		entries, err := os.ReadDir(place.Dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				ignored = append(ignored, Ignored{"", place.Dir, err.Error()})
			}
			continue
		}
		for _, entry := range entries {
			name, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name(), suffix()), Prefix)
			path := filepath.Join(place.Dir, entry.Name())
			switch {
			case !ok || entry.Name() != Prefix+name+suffix():
				continue
			case !sdk.ValidBackendName(name):
				ignored = append(ignored, Ignored{name, path, "not a backend's name"})
				continue
			case first[name] != "":
				ignored = append(ignored, Ignored{name, path, "hidden by " + first[name]})
				continue
			}
			first[name] = path
			program, err := check(name, path, place)
			if err != nil {
				ignored = append(ignored, Ignored{name, path, err.Error()})
				continue
			}
			first[name] = program.Path
			programs = append(programs, program)
		}
	}
	slices.SortFunc(programs, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return programs, ignored
}

// relative returns the directories that are not looked in because they would be
// others from each current directory.
func (s Search) relative() []Ignored {
	var ignored []Ignored
	for _, dir := range filepath.SplitList(s.Path) {
		if dir != "" && !filepath.IsAbs(dir) {
			ignored = append(ignored, Ignored{"", dir, "CODEX_ARCHIVE_PLUGIN_PATH takes absolute directories only"})
		}
	}
	return ignored
}

// Check returns the program at path, which the user named, after the same checks
// as a program that was found.
func Check(path string) (Program, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Program{}, distrust(err)
	}
	name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(abs), suffix()), Prefix)
	program, err := check(name, abs, Place{filepath.Dir(abs), "named outright"})
	if err != nil {
		return Program{}, distrust(err)
	}
	return program, nil
}

// check resolves path and reports why it may not be run, if so.
func check(name, path string, place Place) (Program, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Program{}, fmt.Errorf("%s: %w", path, err)
	}
	p := Program{Name: name, Path: real, Place: place}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return Program{}, err
	case !info.Mode().IsRegular():
		return Program{}, fmt.Errorf("%s is not a regular file", real)
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return Program{}, fmt.Errorf("%s is not executable: chmod +x it", real)
	}
	for _, trusted := range []string{filepath.Dir(real), real} {
		warn, err := trust(trusted)
		if err != nil {
			return Program{}, err
		}
		if warn != "" {
			p.Warn = warn
		}
	}
	return p, nil
}

func suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
