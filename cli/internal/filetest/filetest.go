// Package filetest makes contents and files for tests, and checks what became
// of them.
package filetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// Noise is n bytes that do not compress, the same at every call.
func Noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// Prose is n bytes that compress.
func Prose(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d: return nil, fmt.Errorf(\"open %%s\", path)\n", i*i)
	}
	return b.Bytes()[:n]
}

// Write makes the file at path, and its directory, and returns path.
func Write(t testing.TB, path string, content []byte) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// Read returns the content of the file at path.
func Read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// OnlyNames fails the test unless dir holds these names and no others.
func OnlyNames(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(names)
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

// WantKind fails the test unless err is an [*sdk.Error] of kind k that says all
// the words.
func WantKind(t testing.TB, err error, k sdk.Kind, words ...string) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) || e.Kind != k {
		t.Fatalf("error %v (%v), want kind %v", err, sdk.KindOf(err), k)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
