package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// twoFiles is the schema with a second version.
func twoFiles(t *testing.T) fs.FS {
	t.Helper()
	first, err := schema.ReadFile("schema/0001_archive.sql")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"0001_archive.sql": {Data: first},
		"0002_more.sql":    {Data: []byte("-- a second version\nCREATE TABLE codex_more (x);\n\nCREATE TABLE codex_most (\n\tx\n);\n")},
	}
}

func TestSchemaVersions(t *testing.T) {
	newer := dialect()
	newer.Schema.Files = twoFiles(t)
	a, s := newArchive(t), newSample(100)
	a.put(s)
	a.Close()
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create} {
		_, err := sqlbackend.Open(t.Context(), newer, options(a.path, mode))
		e := wantKind(t, err, sdk.Schema)
		if !strings.Contains(e.Msg, "version 1") || !strings.Contains(e.Msg, "2") || !strings.Contains(e.Msg, "--upgrade") {
			t.Errorf("mode %d: %v", mode, e)
		}
	}
	upgraded := openArchive(t, a.path, newer, sdk.Upgrade)
	upgraded.holds(s)
	if h, err := upgraded.Health(t.Context()); err != nil || h.Schema != 2 {
		t.Errorf("health: %+v, %v", h, err)
	}
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create, sdk.Upgrade} {
		_, err := open(t.Context(), options(a.path, mode))
		if e := wantKind(t, err, sdk.Schema); !strings.Contains(e.Msg, "version 2") || !strings.Contains(e.Msg, "knows 1") {
			t.Errorf("mode %d: %v", mode, e)
		}
	}
}

// plainDialect is the dialect as a database without DDL in transactions needs
// it: each statement can be run again, and is recorded by itself.
func plainDialect(t *testing.T, f *fault) *sqlbackend.Dialect {
	d := faultyDialect(f)
	files := fstest.MapFS{}
	for name, file := range twoFiles(t).(fstest.MapFS) {
		text := strings.NewReplacer("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", "CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", "CREATE UNIQUE INDEX ", "CREATE UNIQUE INDEX IF NOT EXISTS ").Replace(string(file.Data))
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d.Schema.Files, d.Schema.Atomic = files, false
	d.Schema.Lock, d.Schema.Unlock = "SELECT 1", "SELECT 1"
	return d
}

// Killed after, or in the middle of, any step, another run completes the
// schema, and no reader takes half of it for an archive.
func TestSchemaKilledAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts a program for each statement")
	}
	for _, kind := range []struct {
		name    string
		dialect func(*fault) *sqlbackend.Dialect
	}{
		{"in one transaction", func(f *fault) *sqlbackend.Dialect {
			d := faultyDialect(f)
			d.Schema.Files = twoFiles(t)
			return d
		}},
		{"step by step", func(f *fault) *sqlbackend.Dialect { return plainDialect(t, f) }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			steps := wholeSchema(t, kind.dialect)
			if steps < 30 {
				t.Errorf("the schema was made in %d statements only", steps)
			}
			for kill := 1; kill <= steps; kill++ {
				killAtStep(t, kind.dialect, kill, false)
				killAtStep(t, kind.dialect, kill, true)
			}
		})
	}
}

// killAtStep runs no statement from the kill-th on, or runs that one and loses its
// answer.
func killAtStep(t *testing.T, kind func(*fault) *sqlbackend.Dialect, kill int, happens bool) {
	t.Helper()
	f := &fault{}
	d, path := kind(f), t.TempDir()+"/a.db"
	n := 0
	die := func(string) error {
		if n++; n >= kill {
			return errors.New("killed")
		}
		return nil
	}
	if f.set(die, nil); happens {
		f.set(nil, die)
	}
	if b, err := sqlbackend.Open(t.Context(), d, options(path, sdk.Create)); err == nil {
		b.Close() // it was the answer to the unlocking, which is not needed
	}
	f.set(nil, nil)
	if b, err := sqlbackend.Open(t.Context(), d, options(path, sdk.ReadOnly)); err == nil {
		h, err := b.Health(t.Context())
		if b.Close(); err != nil || h.Schema != 2 {
			t.Fatalf("killed at %d: an archive with %+v, %v", kill, h, err)
		}
	} else if k := sdk.KindOf(err); k != sdk.NoArchive && k != sdk.Schema {
		t.Fatalf("killed at %d, opened for reading: %v", kill, err)
	}
	a, s := openArchive(t, path, d, sdk.Upgrade), newSample(100)
	a.put(s)
	a.holds(s)
	if h, err := a.Health(t.Context()); err != nil || h.Schema != 2 {
		t.Fatalf("killed at %d, then completed: %+v, %v", kill, h, err)
	}
}

// wholeSchema counts the statements of an undisturbed run.
func wholeSchema(t *testing.T, kind func(*fault) *sqlbackend.Dialect) (n int) {
	t.Helper()
	f := &fault{before: func(string) error { n++; return nil }}
	openArchive(t, t.TempDir()+"/a.db", kind(f), sdk.Create)
	f.set(nil, nil)
	return n
}
