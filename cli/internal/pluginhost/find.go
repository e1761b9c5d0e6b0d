// Package pluginhost turns the name of a backend into an opened archive: it finds
// the program, checks that it may be trusted, starts it and opens it.
package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

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
	// Wait is how long a file system may take to answer; 0: 30 seconds.
	Wait time.Duration
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
func (s Search) Check(ctx context.Context) error {
	for _, dir := range s.Flags {
		info, err := durable.Answered(ctx, s.Wait, dir, func() (fs.FileInfo, error) { return os.Stat(dir) })
		if err != nil {
			return durable.NamedFile("--plugin-dir", dir, err, "name a directory that exists")
		} else if !info.IsDir() {
			return output.Usagef("--plugin-dir: %s is not a directory", dir)
		}
	}
	return nil
}

// notFound says that there is no program for a backend, what there is, and where
// was looked.
func (s Search) notFound(ctx context.Context, name string) error {
	found := "none"
	if programs, _ := s.List(ctx); len(programs) > 0 {
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
	var stalled *durable.StalledError
	if errors.As(err, &stalled) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err // it was not looked at
	}
	return output.Errorf(output.NoBackend, "%w", err).WithHint("nothing was run")
}

// Find returns the program of the backend called name: the first hit in
// [Search.Places]. A first hit that may not be trusted is an error and not
// skipped: another program must not run in its place. So is a place that does not
// answer.
func (s Search) Find(ctx context.Context, name string) (Program, error) {
	if !sdk.ValidBackendName(name) {
		return Program{}, distrust(fmt.Errorf("backend %q: a name is a lower-case letter and up to 31 letters, digits and hyphens", name))
	}
	for _, place := range s.Places() {
		path := filepath.Join(place.Dir, Prefix+name+suffix())
		there, err := s.exists(ctx, place, path)
		if err != nil {
			return Program{}, err
		}
		if !there {
			continue
		}
		program, err := s.check(ctx, name, path, place)
		if err != nil {
			return Program{}, distrust(err)
		}
		return program, nil
	}
	return Program{}, s.notFound(ctx, name)
}

// exists reports whether there is something at a path in a place. An error says
// that the place does not answer.
func (s Search) exists(ctx context.Context, place Place, path string) (bool, error) {
	there, err := durable.Answered(ctx, s.Wait, place.Dir, func() (bool, error) {
		_, err := os.Lstat(path)
		return err == nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("look for %s (%s): %w", filepath.Base(path), place.Why, err)
	}
	return there, nil
}

// check is [check] that does not wait for a file system without end.
func (s Search) check(ctx context.Context, name, path string, place Place) (Program, error) {
	return durable.Answered(ctx, s.Wait, path, func() (Program, error) { return check(name, path, place) })
}

// List returns every backend that Find would find, by name, and what it would
// ignore and why. A place that does not answer is among the ignored.
func (s Search) List(ctx context.Context) ([]Program, []Ignored) {
	var programs []Program
	ignored := s.relative()
	first := map[string]string{} // name to the path that Find would take, or refuse
	for _, found := range s.lookEverywhere(ctx) {
		if found.err != nil && !errors.Is(found.err, fs.ErrNotExist) {
			ignored = append(ignored, Ignored{"", found.place.Dir, strings.TrimPrefix(found.err.Error(), found.place.Dir+": ")})
		}
		for _, c := range found.candidates {
			switch {
			case !sdk.ValidBackendName(c.name):
				ignored = append(ignored, Ignored{c.name, c.path, "not a backend's name"})
			case first[c.name] != "":
				ignored = append(ignored, Ignored{c.name, c.path, "hidden by " + first[c.name]})
			case c.err != nil:
				first[c.name] = c.path
				ignored = append(ignored, Ignored{c.name, c.path, c.err.Error()})
			default:
				first[c.name] = c.program.Path
				programs = append(programs, c.program)
			}
		}
	}
	slices.SortFunc(programs, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return programs, ignored
}

// looked is what is in a place.
type looked struct {
	place      Place
	candidates []candidate
	err        error
}

// candidate is a file that is called as a program of a backend.
type candidate struct {
	name, path string
	program    Program
	err        error // why it may not be run
}

// lookEverywhere looks in all places at once: each may keep a caller waiting.
func (s Search) lookEverywhere(ctx context.Context) []looked {
	all := make([]looked, len(s.Places()))
	var looking sync.WaitGroup
	for i, place := range s.Places() {
		looking.Go(func() { all[i] = s.look(ctx, place) })
	}
	looking.Wait()
	return all
}

func (s Search) look(ctx context.Context, place Place) looked {
	found := looked{place: place}
	var entries []fs.DirEntry
	entries, found.err = durable.Answered(ctx, s.Wait, place.Dir, func() ([]fs.DirEntry, error) { return os.ReadDir(place.Dir) })
	for _, entry := range entries {
		name, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name(), suffix()), Prefix)
		if ok && entry.Name() == Prefix+name+suffix() {
			found.candidates = append(found.candidates, candidate{name: name, path: filepath.Join(place.Dir, entry.Name())})
		}
	}
	var checking sync.WaitGroup
	for i := range found.candidates {
		c := &found.candidates[i]
		checking.Go(func() { c.program, c.err = s.check(ctx, c.name, c.path, place) })
	}
	checking.Wait()
	return found
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

// Named returns the program at path, which the user named, after the same checks
// as a program that was found.
func (s Search) Named(ctx context.Context, path string) (Program, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Program{}, distrust(err)
	}
	name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(abs), suffix()), Prefix)
	program, err := s.check(ctx, name, abs, Place{filepath.Dir(abs), "named outright"})
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
