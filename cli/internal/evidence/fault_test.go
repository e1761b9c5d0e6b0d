package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/faultfile"
	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// onFaultyDisk makes calls of l on its file fail as p says.
func onFaultyDisk(l *Log, p *faultfile.Plan) {
	l.wrap = func(f *os.File) Disk { return faultfile.File{Plan: p, Disk: f} }
}

// TestFaultyDisk makes each call fail in turn, for the first and for a second
// time. No record is ever there twice, and none that was acknowledged is missing.
func TestFaultyDisk(t *testing.T) {
	for torn, fault := range map[string]error{"": syscall.ENOSPC, "a torn line": syscall.EIO} {
		for at := 1; at < 12; at++ {
			for every := range 3 {
				for _, short := range []bool{false, true} {
					p := faultfile.Plan{At: at, Every: every, Err: fault, Short: short}
					t.Run(fmt.Sprintf("%v at %d, every %d, short %v, torn %q", fault, at, every, short, torn), func(t *testing.T) {
						appendWithFaults(t, &p, torn)
					})
				}
			}
		}
	}
}

func appendWithFaults(t *testing.T, p *faultfile.Plan, torn string) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	mustAppend(t, l, archiveRecord("first"))
	appendText(t, l.Path(), torn)
	onFaultyDisk(l, p)
	acknowledged := map[string]bool{"first": true}
	for i := range 3 {
		r, second := archiveRecord(fmt.Sprint("a", i)), archiveRecord(fmt.Sprint("b", i))
		intent := mustBegin(t, l, Intent{Backend: "sqlite", Records: []*Record{r, second}})
		err := l.Append(r, second)
		if err != nil {
			err = l.Append(r, second) // as a caller may that was told of an error
		}
		if err == nil {
			acknowledged[r.Path], acknowledged[second.Path] = true, true
			err = intent.Done()
		} else {
			err = intent.Release()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	l = mustOpen(t, dir) // the next command
	stale, err := l.StaleIntents()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stale {
		if err := s.Resolve(all, Same); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for _, r := range intact(t, l) {
		seen[r.Path]++
	}
	for path, n := range seen {
		if n != 1 && path != "" {
			t.Errorf("%q is there %d times", path, n)
		}
	}
	if len(seen) < 7 { // what was committed is recorded in the end
		t.Errorf("only %v", seen)
	}
	for path := range acknowledged {
		if seen[path] == 0 {
			t.Errorf("%q was acknowledged and is not there", path)
		}
	}
}

// A clone can bring any file, and links to any place.
func TestLinksAreNotFollowed(t *testing.T) {
	for _, at := range []string{"evidence", "evidence/pending", "deep", "deep/evidence/pending"} {
		t.Run(at, func(t *testing.T) {
			victim, project := t.TempDir(), t.TempDir()
			name := sdk.NewID().String() + ".json"
			filetest.Write(t, filepath.Join(victim, name), []byte("precious"))
			filetest.Write(t, filepath.Join(victim, FileName), []byte("precious"))
			link := filepath.Join(project, ".codex", filepath.FromSlash(at))
			if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(victim, link); err != nil {
				t.Skip(err)
			}
			dir := filepath.Join(project, ".codex", strings.TrimSuffix(filepath.FromSlash(at), string(filepath.Separator)+pendingDir))
			if at == "deep" {
				dir = filepath.Join(dir, "evidence")
			}
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
				t.Errorf("open: %v", err)
			}
			filetest.OnlyNames(t, victim, name, FileName)
			for _, n := range []string{name, FileName} {
				if string(filetest.Read(t, filepath.Join(victim, n))) != "precious" {
					t.Errorf("%s was changed", n)
				}
			}
		})
	}
}

// A link that takes the place of the directory later is not followed either.
func TestLinkInPlaceOfPending(t *testing.T) {
	dir, victim := t.TempDir(), t.TempDir()
	l := mustOpen(t, dir)
	name := sdk.NewID().String() + ".json"
	filetest.Write(t, filepath.Join(victim, name), nil)
	pending := filepath.Join(dir, pendingDir)
	if err := os.Remove(pending); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, pending); err != nil {
		t.Skip(err)
	}
	if _, err := l.StaleIntents(); err == nil {
		t.Error("looked for intents behind a link")
	}
	if _, err := l.Begin(Intent{Records: []*Record{archiveRecord("a")}}); err == nil {
		t.Error("wrote an intent behind a link")
	}
	filetest.OnlyNames(t, victim, name)
}

func TestForeignLogIsLeftAlone(t *testing.T) {
	for _, text := range []string{"#!/bin/sh\n", "precious", "{}\n", "\n", `{"v":2}`} {
		dir := t.TempDir()
		path := filetest.Write(t, filepath.Join(dir, FileName), []byte(text))
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
		if got := string(filetest.Read(t, path)); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// hugeSize is that of a log whose end is not looked for from its beginning.
const hugeSize = 10 << 30

// countingReader counts what is read.
type countingReader struct {
	f *os.File
	n int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.f.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

func TestHugeSparseLog(t *testing.T) {
	for name, end := range map[string]string{"zeros": "", "a line of zeros": "\n", "short lines": "\nx\ny\n"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir)
			mustAppend(t, l, archiveRecord("a"))
			if err := os.Truncate(l.Path(), hugeSize); err != nil {
				t.Skip("this file system has no sparse files:", err)
			}
			appendText(t, l.Path(), end)
			f, err := os.Open(l.Path())
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			counted := &countingReader{f: f}
			newline, err := lastNewline(counted, info.Size())
			if err == nil {
				_, _, err = readTail(counted, newline+1)
			}
			if err == nil || counted.n > 3*maxTail {
				t.Errorf("%v after %d bytes", err, counted.n)
			}
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), l.Path()) {
				t.Errorf("open: %v", err)
			}
			filetest.OnlyNames(t, dir, lockName, FileName, pendingDir)
		})
	}
}

// A log of zeros has no line. What checks it reads no further than a line can be
// long.
func TestEndlessLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 10<<30)); err != nil {
		t.Fatal(err)
	}
	var c Checker
	if err := c.Run(path, nil); err != nil || c.Report.Broken != 1 || c.Report.Torn {
		t.Errorf("%v, %+v", err, c.Report)
	}
	lines := 0
	for range Read(path) {
		lines++
	}
	if lines != 1 {
		t.Errorf("%d lines", lines)
	}
}
