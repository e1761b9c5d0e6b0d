package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// Named temporary files are what systems other than Linux use.
func TestNamedTemp(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	make := func(text string) *Temp {
		t.Helper()
		tmp, err := NewNamedTemp(root, 0o600)
		if err == nil {
			_, err = io.WriteString(tmp.File, text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return tmp
	}
	publish := func(text string, replace bool) error {
		tmp := make(text)
		defer tmp.Discard()
		return tmp.Publish("out", replace)
	}
	if err := publish("one", false); err != nil {
		t.Fatal(err)
	}
	if err := publish("two", false); !errors.Is(err, os.ErrExist) {
		t.Errorf("taken name: %v", err)
	}
	if string(filetest.Read(t, filepath.Join(dir, "out"))) != "one" {
		t.Error("replaced without force")
	}
	if err := publish("three", true); err != nil || string(filetest.Read(t, filepath.Join(dir, "out"))) != "three" {
		t.Errorf("with force: %v", err)
	}
	filetest.OnlyNames(t, dir, "out")
	make("abandoned").Discard()
	filetest.OnlyNames(t, dir, "out")
}
