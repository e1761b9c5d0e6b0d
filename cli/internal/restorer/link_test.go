package restorer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// linkTo is the record of a symbolic link.
func linkTo(t *testing.T, target string) stored {
	t.Helper()
	if err := os.Symlink("x", filepath.Join(t.TempDir(), "x")); err != nil {
		t.Skip(err)
	}
	s := inMemory(t, []byte(target))
	s.record.Type = sdk.Symlink
	return s
}

func isLink(t *testing.T, path, target string) {
	t.Helper()
	if got, err := os.Readlink(path); err != nil || got != target {
		t.Errorf("%s leads to %q, %v; want %q", path, got, err, target)
	}
}

func TestLinkIsRestored(t *testing.T) {
	dir := t.TempDir()
	precious := filetest.Write(t, filepath.Join(dir, "precious"), []byte("precious"))
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"precious", "folder", "nowhere/at/all", "../x", "caf\xe9"} {
		s := linkTo(t, target)
		out := filepath.Join(dir, "new", "link")
		if done, err := s.restore(t, Destination{Path: out}); err != nil || done.Unchanged || done.Path != out {
			t.Fatalf("%q: %+v, %v", target, done, err)
		}
		isLink(t, out, target)
		var rs Restorer
		if done, err := rs.Restore(t.Context(), &s.record, unreadable{t}, Destination{Path: out}); err != nil || !done.Unchanged {
			t.Errorf("%q again: %+v, %v", target, done, err)
		}
		var b bytes.Buffer
		if _, err := New(Opener{}).Print(t.Context(), &s.record, bytes.NewReader(s.body), &b); err != nil || b.String() != target {
			t.Errorf("printed %q, %v", b.String(), err)
		}
		other := linkTo(t, "other")
		_, err := other.restore(t, Destination{Path: out})
		wantExists(t, err, "--force")
		if _, err := other.restore(t, Destination{Path: out, Force: true}); err != nil {
			t.Error(err)
		}
		isLink(t, out, "other")
		filetest.OnlyNames(t, filepath.Dir(out), "link")
		if err := os.Remove(out); err != nil {
			t.Fatal(err)
		}
	}
	_, err := linkTo(t, "a").restore(t, Destination{Path: precious})
	wantExists(t, err)
	if string(filetest.Read(t, precious)) != "precious" {
		t.Error("the file was replaced")
	}
	if done, err := linkTo(t, "a").restore(t, Destination{Path: filepath.Join(dir, "folder")}); err != nil || done.Path != filepath.Join(dir, "folder", "b.txt") {
		t.Errorf("into a directory: %+v, %v", done, err)
	}
}

func TestLinksThatLeadOut(t *testing.T) {
	dir := t.TempDir()
	base, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	for _, c := range []struct {
		path, target string
		refused      bool
	}{
		{"a", "b", false},
		{"d/a", "../b", false},
		{"d/e/a", "../../b", false},
		{"./d//a", "./../b", false},
		{"a", "../b", true},
		{"d/a", "../../b", true},
		{"d/a", "x/../../../b", true},
		{"a", "x/../b", true}, // x may be a link
		{"a", "/etc/passwd", true},
	} {
		for _, force := range []bool{false, true} {
			out := filepath.Join(dir, c.path)
			os.Remove(out)
			s := linkTo(t, c.target)
			_, err := s.restore(t, Destination{Path: c.path, Base: base, Force: force})
			if c.refused && !force {
				filetest.WantKind(t, err, sdk.Refused, c.target, "--force")
			} else if err != nil {
				t.Errorf("%s to %s: %v", c.path, c.target, err)
			} else {
				isLink(t, out, c.target)
			}
		}
	}
	_, err = linkTo(t, "/etc/passwd").restore(t, Destination{Path: filepath.Join(dir, "absolute")})
	filetest.WantKind(t, err, sdk.Refused, "is absolute")
}

// A link that was restored does not lead a later file elsewhere.
func TestRestoredLinkIsNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	base, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	var rs Restorer
	link, file := linkTo(t, outside), inMemory(t, filetest.Prose(10))
	if _, err := rs.Restore(t.Context(), &link.record, bytes.NewReader(link.body), Destination{Path: "sub", Base: base, Force: true}); err != nil {
		t.Fatal(err)
	}
	_, err = rs.Restore(t.Context(), &file.record, bytes.NewReader(file.body), Destination{Path: "sub/f", Base: base, Force: true})
	filetest.WantKind(t, err, sdk.Refused, "symbolic link")
	filetest.OnlyNames(t, outside)
}

func TestDamagedLink(t *testing.T) {
	dir := t.TempDir()
	s := linkTo(t, "target")
	s.body = inMemory(t, []byte("tarGet")).body
	_, err := s.restore(t, Destination{Path: filepath.Join(dir, "new", "link")})
	filetest.WantKind(t, err, sdk.Corrupt)
	for _, text := range []string{"", "a\x00b", string(make([]byte, 5000))} {
		_, err := linkTo(t, text).restore(t, Destination{Path: filepath.Join(dir, "new", "link")})
		filetest.WantKind(t, err, sdk.Invalid)
	}
	filetest.OnlyNames(t, dir)
}

func TestTemporaryLinkIsSwept(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, tempName)
	if err := os.Symlink("precious", link); err != nil {
		t.Skip(err)
	}
	s := inMemory(t, filetest.Prose(10))
	restored := []string{}
	for _, name := range []string{"a", "b"} {
		if _, err := s.restore(t, Destination{Path: filepath.Join(dir, name)}); err != nil {
			t.Fatal(err)
		}
		restored = append(restored, name)
		if name == "a" {
			filetest.OnlyNames(t, dir, tempName, "a") // it may be about to be renamed
			if err := setLinkTime(link, time.Now().Add(-time.Hour)); errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	filetest.OnlyNames(t, dir, restored...)
}
