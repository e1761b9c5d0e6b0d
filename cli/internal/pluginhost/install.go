package pluginhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Installed says what [Search.Install] did, or would do.
type Installed string

// What can become of a program.
const (
	New       Installed = "installed" // there was none
	Replaced  Installed = "replaced"  // there was another
	Unchanged Installed = "unchanged" // this very program was there
)

// userDir is the user's own directory of programs: the only one that is written.
func (s Search) userDir() string {
	if s.DataHome == "" {
		return ""
	}
	return filepath.Join(s.DataHome, "codex", "plugins")
}

// userProgram returns where the user's own program of a backend is, or would be.
func (s Search) userProgram(name string) (string, error) {
	dir := s.userDir()
	if !filepath.IsAbs(dir) {
		return "", output.Errorf(output.Config, "the environment names no directory for your programs").WithHint("set HOME, or XDG_DATA_HOME")
	}
	return filepath.Join(dir, Prefix+name+suffix()), nil
}

// CanInstall says what installing the program with this sum would do. Another
// program is replaced only if replace says so, and one that would never be found is
// an error.
func (s Search) CanInstall(ctx context.Context, name string, sum sdk.Digest, replace bool) (path string, what Installed, err error) {
	if path, err = s.userProgram(name); err != nil {
		return "", "", err
	}
	first, err := s.before(ctx, filepath.Dir(path), name)
	if err != nil {
		return path, "", err
	}
	if first != "" {
		return path, "", output.Errorf(output.KindOf(sdk.Refused), "codex would run %s instead, which it finds first", first).
			WithHint("remove that one, or use yours with --plugin-dir DIR")
	}
	info, err := s.lstat(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, New, nil
	case err != nil:
		return path, "", err
	case info.Mode().IsRegular():
		there, err := Program{Path: path}.SHA256(ctx)
		if err != nil {
			return path, "", err
		}
		if there == sum { // and would it run?
			_, err := s.Named(ctx, path)
			return path, Unchanged, err
		}
	}
	if !replace || info.IsDir() {
		return path, "", output.Errorf(output.OutputExists, "%s is there already, and is %s", path, other(info)).WithHint("--force replaces a program")
	}
	return path, Replaced, nil
}

func other(info fs.FileInfo) string {
	if info.Mode().IsRegular() {
		return "another program"
	}
	return durable.FileType(info.Mode())
}

// before returns the program of a backend that is found before one in dir, "" if
// there is none.
func (s Search) before(ctx context.Context, dir, name string) (string, error) {
	for _, place := range s.Places() {
		if place.Dir == dir {
			return "", nil
		}
		path := filepath.Join(place.Dir, Prefix+name+suffix())
		if there, err := s.exists(ctx, place, path); there || err != nil {
			return path, err
		}
	}
	return "", nil
}

// lstat is [os.Lstat] that does not wait for a file system without end.
func (s Search) lstat(ctx context.Context, path string) (fs.FileInfo, error) {
	return durable.Answered(ctx, s.Wait, path, func() (fs.FileInfo, error) { return os.Lstat(path) })
}

// Install copies the program at from to the user's directory, whole or not at
// all, and returns once it is on disk. It has this sum, or nothing is installed.
func (s Search) Install(ctx context.Context, name, from string, sum sdk.Digest, replace bool) (path string, what Installed, err error) {
	if path, what, err = s.CanInstall(ctx, name, sum, replace); err != nil || what == Unchanged {
		return path, what, err
	}
	dir := filepath.Dir(path)
	if err := makeDirs(dir); err != nil {
		return path, "", err
	}
	if _, err := trust(dir); err != nil {
		return path, "", distrust(err)
	}
	durable.SweepPath(dir)
	write := durable.WriteFile
	if what == New {
		write = durable.CreateFile
	}
	err = write(path, 0o755, func(w io.Writer) error { return copyProgram(w, from, sum) })
	if what == New && errors.Is(err, fs.ErrExist) { // another install was faster
		return s.CanInstall(ctx, name, sum, false)
	}
	return path, what, err
}

// copyProgram copies the program with this sum. It was started since it was
// verified, and could have been changed.
func copyProgram(w io.Writer, from string, sum sdk.Digest) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), f); err != nil {
		return err
	}
	if sdk.Digest(h.Sum(nil)) != sum {
		return output.Errorf(output.PluginChanged, "the program was changed after it was verified").WithHint("it was not installed")
	}
	return nil
}

// makeDirs makes dir and what is missing above it, and syncs the names.
func makeDirs(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	for _, d := range slices.Backward(missing) {
		if err := os.Mkdir(d, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := durable.SyncPath(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// CanRemove returns the user's own program of a backend. A program elsewhere was
// not installed by this one, and is an error.
func (s Search) CanRemove(ctx context.Context, name string) (path string, err error) {
	if !sdk.ValidBackendName(name) {
		return "", s.notFound(ctx, name)
	}
	if path, err = s.userProgram(name); err != nil {
		return "", err
	}
	info, err := s.lstat(ctx, path)
	switch {
	case err == nil && info.IsDir():
		return path, output.Errorf(output.NoBackend, "%s is a directory", path)
	case !errors.Is(err, fs.ErrNotExist):
		return path, err
	}
	for _, place := range s.Places() {
		elsewhere := filepath.Join(place.Dir, Prefix+name+suffix())
		there, err := s.exists(ctx, place, elsewhere)
		if err != nil {
			return path, err
		}
		if there {
			return path, output.Errorf(output.KindOf(sdk.Refused), "%s was not installed by codex plugin install", elsewhere).
				WithHint("only programs in %s are removed; remove this one as it came", filepath.Dir(path))
		}
	}
	return path, s.notFound(ctx, name)
}

// Remove removes the user's own program of a backend.
func (s Search) Remove(ctx context.Context, name string) (path string, err error) {
	if path, err = s.CanRemove(ctx, name); err != nil {
		return path, err
	}
	if err := os.Remove(path); err != nil {
		return path, err
	}
	return path, durable.SyncPath(filepath.Dir(path))
}
