package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// testArchive is an archive with a file of its own, and the file's path.
type testArchive struct {
	sdk.Backend
	t    testing.TB
	path string
}

func newArchive(t testing.TB) *testArchive {
	t.Helper()
	return openArchive(t, filepath.Join(t.TempDir(), "a.db"), dialect(), sdk.Create)
}

func openArchive(t testing.TB, path string, d *sqlbackend.Dialect, mode sdk.Mode) *testArchive {
	t.Helper()
	b, err := sqlbackend.Open(t.Context(), d, options(path, mode))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return &testArchive{b, t, path}
}

func options(path string, mode sdk.Mode) sdk.Options {
	return sdk.Options{URL: "sqlite:///" + path, Mode: mode, Parallel: 4}
}

// sample is a record with its body.
type sample struct {
	sdk.Record
	body []byte
}

// newSample makes a record of a random body of n bytes.
func newSample(n int) sample {
	s := sample{body: make([]byte, n)}
	rand.Read(s.body)
	s.Record = sdk.Record{
		Content: sdk.Content{SHA256: sha256.Sum256(s.body), Size: int64(n), Codec: sdk.None}.WithBody(s.body),
		Set:     sdk.NewID(), Type: sdk.RegularFile,
		Repo: "repo", Path: "dir/file", Reason: "dead", ContentKind: "code", ArchivedBy: "someone",
		ArchivedAt: sdk.Time(time.Now()),
	}
	rand.Read(s.Tombstone[:])
	rand.Read(s.Event[:])
	return s
}

func (s sample) item() sdk.Item {
	s.Digest = s.ComputeDigest()
	return sdk.Item{Record: s.Record, Body: bytes.NewReader(s.body)}
}

func items(samples ...sample) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for _, s := range samples {
			if !yield(s.item(), nil) {
				return
			}
		}
	}
}

func (a *testArchive) put(samples ...sample) {
	a.t.Helper()
	if _, err := a.Put(a.t.Context(), items(samples...)); err != nil {
		a.t.Fatal(err)
	}
}

// body reads one body back.
func (a *testArchive) body(id sdk.Tombstone) ([]byte, error) {
	a.t.Helper()
	for found, err := range a.Get(a.t.Context(), []sdk.Tombstone{id}) {
		if err != nil {
			return nil, err
		}
		if found.Err != nil {
			return nil, found.Err
		}
		return io.ReadAll(found.Body)
	}
	a.t.Fatal("get yielded nothing")
	return nil, nil
}

// holds checks that samples come back as they were stored.
func (a *testArchive) holds(samples ...sample) {
	a.t.Helper()
	for _, s := range samples {
		if got, err := a.body(s.Tombstone); err != nil || !bytes.Equal(got, s.body) {
			a.t.Errorf("get %v: %d of %d bytes, %v", s.Tombstone, len(got), len(s.body), err)
		}
	}
}

// raw opens the file beside the archive.
func (a *testArchive) raw() *sql.DB {
	a.t.Helper()
	return openRaw(a.t, a.path)
}

func openRaw(t testing.TB, path string) *sql.DB {
	t.Helper()
	if err := makeFile(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", writeDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, db *sql.DB, from string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantKind checks that err is of a kind and on one line.
func wantKind(t testing.TB, err error, want sdk.Kind) *sdk.Error {
	t.Helper()
	if got := sdk.KindOf(err); got != want {
		t.Fatalf("got %v (%v), want %v", err, got, want)
	}
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *sdk.Error: %v", err, err)
	}
	if bytes.ContainsRune([]byte(e.Error()), '\n') {
		t.Errorf("more than one line: %q", e.Error())
	}
	return e
}

// scribble overwrites the second half of the first page: the list of tables.
func scribble(t testing.TB, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 16000), 100); err != nil {
		t.Fatal(err)
	}
}
