package sdk

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFilePath(t *testing.T) {
	dir := t.TempDir()
	absolute := filepath.Join(dir, "abs", "x.db")
	for _, c := range []struct {
		url, want string
		kind      Kind
	}{
		{url: "box:///x.db", want: filepath.Join(dir, "x.db")},
		{url: "box:///./sub/../x y%41.db", want: filepath.Join(dir, "x y%41.db")},
		{url: "box:///" + filepath.ToSlash(absolute), want: absolute},
		{url: "box://x.db", kind: Invalid},
		{url: "box:///", kind: Invalid},
		{url: "box:///dir/", kind: Invalid},
		{url: "box:///a\x00b", kind: Invalid},
		{url: "box:///x.db?mode=ro", kind: Unsupported},
		{url: "boxes:///x.db", kind: Unsupported},
		{url: "box://u:hidden@h/d", kind: Invalid},
	} {
		o := Options{URL: c.url, Dir: dir}
		got, err := o.FilePath("box")
		if got != c.want || KindOf(err) != c.kind {
			t.Errorf("%q: %q, %v; want %q, %v", c.url, got, err, c.want, c.kind)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: the error repeats the password: %v", c.url, err)
		}
	}
}

func TestFileError(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind Kind
	}{
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOSPC}, Full},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, PermissionDenied},
		{fs.ErrPermission, PermissionDenied},
		{os.ErrClosed, Unavailable},
	} {
		e := FileError("make the archive", c.err)
		if e.Kind != c.kind || e.Retry || !strings.HasPrefix(e.Msg, "make the archive: ") {
			t.Errorf("%v: %+v", c.err, e)
		}
	}
	_, err := os.Open(filepath.Join(t.TempDir(), "none"))
	if e := FileError("open", err); e.Kind != NoArchive {
		t.Errorf("%v: %v", err, e.Kind)
	}
}
