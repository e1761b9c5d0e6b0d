package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

func TestFilePath(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs Unix paths")
	}
	for _, c := range []struct {
		url, want string
		kind      sdk.Kind
	}{
		{url: "sqlite:///./.codex/archive.sqlite", want: "/root dir/.codex/archive.sqlite"},
		{url: "sqlite:///x.db", want: "/root dir/x.db"},
		{url: "sqlite:///../x.db", want: "/x.db"},
		{url: "sqlite:////abs/x.db", want: "/abs/x.db"},
		{url: "sqlite:////abs/%41 #&;.db", want: "/abs/%41 #&;.db"},
		{url: "sqlite:///\xff.db", want: "/root dir/\xff.db"},
		{url: "sqlite://x.db", kind: sdk.Invalid},
		{url: "sqlite:///", kind: sdk.Invalid},
		{url: "sqlite:////", kind: sdk.Invalid},
		{url: "sqlite:///dir/", kind: sdk.Invalid},
		{url: "sqlite:///a\x00b", kind: sdk.Invalid},
		{url: "sqlite:///x.db?mode=memory", kind: sdk.Unsupported},
		{url: "sqlite:///:memory:", kind: sdk.Unsupported},
		{url: "postgres://u:hidden@h/d", kind: sdk.Unsupported},
		{url: "sqlite://u:hidden@h/d", kind: sdk.Invalid},
		{url: "", kind: sdk.Unsupported},
	} {
		got, err := filePath(&sdk.Options{URL: c.url, Dir: "/root dir"})
		if got != c.want || sdk.KindOf(err) != c.kind {
			t.Errorf("filePath(%q) = %q, %v; want %q, %v", c.url, got, err, c.want, c.kind)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("filePath(%q) repeats the password: %v", c.url, err)
		}
	}
}

// Characters that mean something in a URI, to SQLite, or to the driver.
func TestOddFileNames(t *testing.T) {
	names := []string{"with blank.db", "50%.db", "%41.db", "a#b.db", "a&mode=memory.db", "a;b.db", "ü.db", "'quoted'.db", "file:x.db"}
	if runtime.GOOS == "linux" {
		names = append(names, "bytes \xff\xfe.db", "line\nbreak.db", `back\slash.db`)
	}
	dir := t.TempDir()
	for _, name := range names {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			path := filepath.Join(dir, name)
			a, s := openArchive(t, path, dialect(), sdk.Create), newSample(10)
			a.put(s)
			a.holds(s)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode is %v", info.Mode())
			}
			openArchive(t, path, dialect(), sdk.ReadOnly).holds(s)
		})
	}
	if got := listDir(t, dir); len(got) != len(names) {
		t.Errorf("after closing there is %q", got)
	}
}

func listDir(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestDirectoryIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "deep")
	openArchive(t, filepath.Join(dir, "a.db"), dialect(), sdk.Create)
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory is %v", info.Mode())
	}
}

func TestWhatIsNoArchive(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("text", strings.Repeat("this is no database\n", 500))
	write("empty", "")
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	execute(t, openRaw(t, filepath.Join(dir, "others")), "CREATE TABLE customers (x)")
	execute(t, openRaw(t, filepath.Join(dir, "similar")), "CREATE TABLE codex_item (x)")
	execute(t, openRaw(t, filepath.Join(dir, "same name")), "CREATE TABLE codex_archive_meta (x)")

	for _, c := range []struct {
		name string
		mode sdk.Mode
		want sdk.Kind
		says string
	}{
		{"missing", sdk.ReadOnly, sdk.NoArchive, "codex archive init"},
		{"missing", sdk.ReadWrite, sdk.NoArchive, "codex archive init"},
		{"missing/deeper", sdk.ReadWrite, sdk.NoArchive, "missing/deeper"},
		{"text/deeper", sdk.ReadWrite, sdk.Unavailable, "not a directory"},
		{"text/deeper", sdk.Create, sdk.Unavailable, "not a directory"},
		{"text", sdk.ReadOnly, sdk.NoArchive, "not a SQLite database"},
		{"text", sdk.ReadWrite, sdk.NoArchive, "not a SQLite database"},
		{"text", sdk.Create, sdk.NoArchive, "not a SQLite database"},
		{"empty", sdk.ReadOnly, sdk.NoArchive, "codex archive init"},
		{"empty", sdk.ReadWrite, sdk.NoArchive, "codex archive init"},
		{"directory", sdk.ReadOnly, sdk.NoArchive, "is a directory"},
		{"directory", sdk.Create, sdk.NoArchive, "is a directory"},
		{"others", sdk.ReadWrite, sdk.NoArchive, "use another database"},
		{"others", sdk.Create, sdk.NoArchive, "use another database"},
		{"similar", sdk.ReadOnly, sdk.NoArchive, "codex_item"},
		{"similar", sdk.Create, sdk.NoArchive, "codex_item"},
		{"similar", sdk.Upgrade, sdk.NoArchive, "use another database"},
		{"same name", sdk.ReadOnly, sdk.NoArchive, "use another database"},
		{"same name", sdk.Create, sdk.NoArchive, "use another database"},
	} {
		t.Run(fmt.Sprintf("%s mode %d", c.name, c.mode), func(t *testing.T) {
			_, err := open(t.Context(), options(filepath.Join(dir, filepath.FromSlash(c.name)), c.mode))
			e := wantKind(t, err, c.want)
			if !strings.Contains(e.Error(), c.says) || e.Retry {
				t.Errorf("%v (retry %v) does not say %q", e, e.Retry, c.says)
			}
		})
	}
}

// Opening for reading leaves the file and its directory as they are, when
// no process writes and after a writer that died.
func TestReadingLeavesNothing(t *testing.T) {
	a, s := newArchive(t), newSample(300_000)
	a.put(s)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	read := func() {
		before, err := os.ReadFile(a.path)
		if err != nil {
			t.Fatal(err)
		}
		there := listDir(t, filepath.Dir(a.path))
		r := openArchive(t, a.path, dialect(), sdk.ReadOnly)
		r.holds(s)
		if _, err := r.Put(t.Context(), items(newSample(1))); sdk.KindOf(err) != sdk.PermissionDenied {
			t.Errorf("put: %v", err)
		}
		if h, err := r.Health(t.Context()); err != nil || !h.Writable || h.Retrievable != 1 {
			t.Errorf("health: %+v, %v", h, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(a.path)
		if err != nil || string(after) != string(before) {
			t.Errorf("the file has changed (%v)", err)
		}
		if now := listDir(t, filepath.Dir(a.path)); !slices.Equal(now, there) {
			t.Errorf("there was %q, now there is %q", there, now)
		}
	}
	read()
	// What a writer leaves that was killed after a commit.
	w := openArchive(t, a.path, dialect(), sdk.ReadWrite)
	if err := w.Append(t.Context(), []sdk.Event{restored(s.Tombstone)}); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(t.TempDir(), "a.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(a.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dead+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a.path = dead
	read()
}

func restored(id sdk.Tombstone) sdk.Event {
	s := newSample(0)
	return sdk.Event{ID: s.Event, Tombstone: id, Action: sdk.ActionRestore, Actor: "someone", At: s.ArchivedAt}
}

// TestRights runs as a user without rights to the archive, because root has
// them all.
func TestRights(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs Unix permissions")
	}
	dir, err := os.MkdirTemp("", "rights")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.Chmod(filepath.Join(dir, "sealed"), 0o700)
		os.RemoveAll(dir)
	})
	sealed := filepath.Join(dir, "sealed")
	a := openArchive(t, filepath.Join(sealed, "a.db"), dialect(), sdk.Create)
	s := newSample(300_000)
	a.put(s)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{a.path: 0o444, sealed: 0o555, dir: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("needs /proc")
	}
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = []string{roleVar + "=denied", "ARCHIVE=" + a.path, "TOMBSTONE=" + s.Tombstone.String(), "TMPDIR=/tmp"}
	cmd.Dir = "/"
	withoutRights(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// playDenied is TestRights in the process of that user.
func playDenied() error {
	path, dir := os.Getenv("ARCHIVE"), filepath.Dir(os.Getenv("ARCHIVE"))
	id, err := sdk.ParseID(os.Getenv("TOMBSTONE"))
	if err != nil {
		return err
	}
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite} {
		if err := readSealed(path, mode, id); err != nil {
			return fmt.Errorf("mode %d: %w", mode, err)
		}
	}
	ctx, o := backgroundContext(), options(filepath.Join(dir, "new.db"), sdk.Create)
	if _, err := open(ctx, o); sdk.KindOf(err) != sdk.PermissionDenied {
		return fmt.Errorf("making an archive in a directory without rights: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		return fmt.Errorf("the directory now has %v (%v)", entries, err)
	}
	return nil
}

func readSealed(path string, mode sdk.Mode, id sdk.Tombstone) error {
	ctx := backgroundContext()
	b, err := open(ctx, options(path, mode))
	if err != nil {
		return err
	}
	defer b.Close()
	for found, err := range b.Get(ctx, []sdk.Tombstone{id}) {
		if err := errors.Join(err, found.Err); err != nil {
			return err
		}
	}
	if h, err := b.Health(ctx); err != nil || h.Writable || h.Retrievable != 1 {
		return fmt.Errorf("health: %+v, %v", h, err)
	}
	if err := b.Append(ctx, []sdk.Event{restored(id)}); sdk.KindOf(err) != sdk.PermissionDenied {
		return fmt.Errorf("append: %v", err)
	}
	return nil
}
