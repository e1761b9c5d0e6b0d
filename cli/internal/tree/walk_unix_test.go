//go:build unix

package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// plant makes files, each with its path as content.
func plant(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		filetest.Write(t, filepath.Join(dir, name), []byte(name))
	}
}

// listed returns what a selection lists, relative to dir, with the type of what
// is no regular file.
func listed(t *testing.T, dir string, s Selection) []string {
	t.Helper()
	w, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var names []string
	for e, err := range w.Entries(t.Context()) {
		if err != nil {
			t.Fatalf("%s: %v", e.Path, err)
		}
		name, err := filepath.Rel(dir, e.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Regular() {
			name += " " + e.Type.String()
		}
		names = append(names, name)
	}
	return names
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found %q\nwant  %q", got, want)
	}
}

// TestOrder: the order is that of git's index, which holds whole paths in byte
// order.
func TestOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a/b", "a-b", "a.b", "a/c/d", "a/c-d", "a/c.d", "Z", "é", "a\xff", "new\nline", "-dash", "z/\x01")
	if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("git", "-C", dir, "add", "-A").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("git", "-C", dir, "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, listed(t, dir, Selection{Paths: []string{dir}}), strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")...)
}

func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a", ".git/config", "sub/.git", "sub/b", ".codex/archive.toml", "sub/.codex/x", "db/archive.db", "db/archive.db-wal", "db/other")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	protected := []Protected{{Dir: filepath.Join(dir, "db"), Name: func(name string) bool { return strings.HasPrefix(name, "archive.db") }}}
	expect(t, listed(t, dir, Selection{Paths: []string{dir}, Protected: protected}),
		"a", "db/other", "link L---------", "pipe p---------", "sub/b")
	if _, err := Open(Selection{Paths: []string{filepath.Join(dir, "db/archive.db-wal")}, Protected: protected}); !errors.Is(err, errProtected) {
		t.Errorf("naming a protected file: %v", err)
	}
	other := filepath.Join(dir, "hard link")
	if err := os.Link(filepath.Join(dir, "db/archive.db"), other); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Selection{Paths: []string{other}, Protected: protected}); !errors.Is(err, errProtected) {
		t.Errorf("naming a protected file by another name: %v", err)
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a")
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Symlink("a", in("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".", in("link to directory")); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", in("s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, name := range []string{"link", "link to directory", "link to directory/", "s", "none"} {
		var refused *PathError
		if _, err := Open(Selection{Paths: []string{in("a"), in(name)}}); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEachFileOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "src/a", "src/sub/b", "c")
	in := func(name string) string { return filepath.Join(dir, name) }
	expect(t, listed(t, dir, Selection{Paths: []string{in("src/sub/b"), in("src"), in("c"), in("src/sub"), dir}}), "src/sub/b", "src/a", "c")
	list := strings.Join([]string{in("src/a"), in("src/./a"), "", in("src"), in("c")}, "\n")
	expect(t, listed(t, dir, Selection{List: &List{Reader: func() io.Reader { return strings.NewReader(list) }}}), "src/a", "src/sub/b", "c")
}

func TestList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "new\nline", "-dash", "b\xff", "skip/x", "y")
	if err := os.Symlink("y", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, name := range []string{"link", "b\xff", "new\nline", "-dash", "skip/x", "y"} {
		list.WriteString(filepath.Join(dir, name) + "\x00")
	}
	exclude, err := ParsePatterns([]string{"skip/"})
	if err != nil {
		t.Fatal(err)
	}
	s := Selection{List: &List{Reader: func() io.Reader { return strings.NewReader(list.String()) }, Null: true}, Exclude: exclude}
	expect(t, listed(t, dir, s), "link L---------", "b\xff", "new\nline", "-dash", "y")

	w, err := Open(Selection{List: &List{Reader: func() io.Reader { return strings.NewReader(dir + "/none\n") }}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for e, err := range w.Entries(t.Context()) {
		if !errors.Is(err, fs.ErrNotExist) || e.Path != "" {
			t.Errorf("%q, %v", e.Path, err)
		}
	}
}

func TestExcludeAndTracked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a.go", "a_test.go", "build/x", "src/build/y", "src/c.go")
	exclude, err := ParsePatterns([]string{"*_test.go", "/build/"})
	if err != nil {
		t.Fatal(err)
	}
	tracked := func(_ context.Context, e *Entry) (bool, error) { return filepath.Base(e.Path) != "c.go", nil }
	expect(t, listed(t, dir, Selection{Paths: []string{dir}, Exclude: exclude, Tracked: tracked}), "a.go", "src/build/y")
	expect(t, listed(t, dir, Selection{Paths: []string{filepath.Join(dir, "a_test.go"), filepath.Join(dir, "a.go")}, Exclude: exclude}), "a.go")
}

// walkOf opens the walk of a directory until the test ends.
func walkOf(t *testing.T, dir string) *Walk {
	t.Helper()
	w, err := Open(Selection{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // the test is over
	return w
}

// TestNestedWorkTree: files of a repository inside are said to be of that one.
func TestNestedWorkTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a", ".git/x", "sub/.git/x", "sub/deep/b", "z")
	w := walkOf(t, dir)
	for e, err := range w.Entries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if strings.HasSuffix(e.Path, "b") {
			want = filepath.Join(dir, "sub")
		}
		if e.WorkTree != want {
			t.Errorf("%s: work tree %q", e.Path, e.WorkTree)
		}
	}
}

// TestSwappedDirectory replaces a directory by a symbolic link, again and again,
// while entries are listed, opened and removed.
func TestSwappedDirectory(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, outside := filepath.Join(top, "dir"), filepath.Join(top, "outside")
	plant(t, top, "outside/secret/f", "outside/secret/deep/f")
	plant(t, dir, "sub/secret/f", "sub/secret/deep/f")
	if err := os.Symlink("../outside", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		in := func(name string) string { return filepath.Join(dir, name) }
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Rename(in("sub"), in("kept"))
			os.Rename(in("link"), in("sub"))
			os.Rename(in("sub"), in("link"))
			os.Rename(in("kept"), in("sub"))
		}
	})
	for range 300 {
		round(t, dir)
	}
	close(stop)
	swapper.Wait()
	for _, name := range []string{"secret/f", "secret/deep/f"} {
		if _, err := os.Stat(filepath.Join(outside, name)); err != nil {
			t.Error(err)
		}
	}
}

// round walks dir once, reads and removes each file, and puts it back.
func round(t *testing.T, dir string) {
	t.Helper()
	w := walkOf(t, dir)
	for e, err := range w.Entries(t.Context()) {
		if err != nil || !e.Regular() {
			continue // it was being swapped
		}
		f, err := e.Open()
		if err != nil {
			continue
		}
		content, err := io.ReadAll(f)
		f.Close()
		if err == nil && !strings.HasPrefix(string(content), "sub/") {
			t.Fatalf("%s led out, to %q", e.Path, content)
		}
		if remove(&e) == nil {
			restore(t, w, e, content)
		}
	}
}

func remove(e *Entry) error {
	taken, err := e.Take()
	if err != nil {
		return err
	}
	return taken.Remove()
}

// restore puts a removed file back where it was, whatever its directory is
// called now.
func restore(t *testing.T, w *Walk, e Entry, content []byte) {
	t.Helper()
	for range 1000 {
		for _, at := range []string{"sub", "kept"} {
			name := strings.Replace(e.Name, strings.SplitN(e.Name, "/", 2)[0], at, 1)
			err := w.roots[0].dir.in(name, func(parent int, base string) error {
				fd, err := unix.Openat(parent, base, unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW, 0o644)
				if err != nil {
					return err
				}
				defer unix.Close(fd)
				_, err = unix.Write(fd, content)
				return err
			})
			if err == nil {
				return
			}
		}
	}
	t.Fatal(fmt.Errorf("%s could not be put back", e.Path))
}

func TestRemoveEmptied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a/b/c/f", "a/b/g", "x/y/h")
	w := walkOf(t, dir)
	for e, err := range w.Entries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(e.Path) == "g" {
			continue
		}
		if err := remove(&e); err != nil {
			t.Fatal(err)
		}
		e.RemoveEmptied()
	}
	var left []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		left = append(left, name)
		return err
	})
	expect(t, left, ".", "a", "a/b", "a/b/g")
}

// TestStepwise is for systems that cannot look a whole name up in one call.
func TestStepwise(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "a/b/f")
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	d, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for name, ok := range map[string]bool{"a/b/f": true, "a": true, "link/b/f": false, "link": false, "a/none/f": false} {
		fd, err := openStepwise(d.fd, name, noFollow)
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			unix.Close(fd)
		}
	}
}
