package archiver

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

func compressor(t testing.TB) *Compressor {
	t.Helper()
	c, err := NewCompressor("", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stored is a record and its body, as a backend would keep them.
type stored struct {
	record sdk.Record
	body   []byte
}

// store reads path and checks what is said about the body.
func store(t testing.TB, path string) stored {
	t.Helper()
	s, err := Open(t.Context(), Request{Path: path, Compressor: compressor(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return drainSource(t, s)
}

func drainSource(t testing.TB, s *Source) stored {
	t.Helper()
	var bodies [2][]byte
	for i := range bodies { // the second is a second attempt
		body, err := s.Body()
		if err != nil {
			t.Fatal(err)
		}
		if bodies[i], err = io.ReadAll(body); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(bodies[0], bodies[1]) {
		t.Error("the second body is another")
	}
	crc := crc32.Checksum(bodies[0], crc32.MakeTable(crc32.Castagnoli))
	if c := s.Content; c.StoredSize >= 0 && (c.StoredSize != int64(len(bodies[0])) || c.CRC32C != crc) {
		t.Errorf("body of %d bytes and CRC %08x, promised %+v", len(bodies[0]), crc, c)
	}
	got := stored{record: sdk.Record{Tombstone: sdk.Tombstone{7}}, body: bodies[0]}
	s.Fill(&got.record)
	return got
}

// decode returns the plain bytes of a body.
func decode(t testing.TB, body []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := d.DecodeAll(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestRecordedPathIsCleaned(t *testing.T) {
	t.Chdir(t.TempDir())
	filetest.Write(t, "old_module.py", []byte("x"))
	for given, want := range map[string]string{"./old_module.py": "old_module.py", ".//x/../old_module.py": "old_module.py"} {
		os.Mkdir("x", 0o700)
		if s := store(t, given); s.record.Path != want {
			t.Errorf("%s is recorded as %s", given, s.record.Path)
		}
	}
}

func TestOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	file := filetest.Write(t, filepath.Join(dir, "file"), []byte("x"))
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	paths := map[string]string{link: "a symbolic link", dir: "a directory", os.DevNull: "a device"}
	maps.Copy(paths, filetest.Special(t, dir))
	for path, what := range paths {
		_, err := Open(t.Context(), Request{Path: path, Compressor: compressor(t)})
		filetest.WantKind(t, err, sdk.Invalid, path, what)
	}
	if _, err := Open(t.Context(), Request{Path: filepath.Join(dir, "missing"), Compressor: compressor(t)}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestChangedWhileRead(t *testing.T) {
	content := filetest.Prose(sdk.StagedBody + 1000)
	at := time.Unix(1e9, 0)
	for name, change := range map[string]func(path string) error{
		"grown":   func(p string) error { return os.WriteFile(p, append(content, 'x'), 0o600) },
		"shrunk":  func(p string) error { return os.Truncate(p, sdk.StagedBody) },
		"touched": func(p string) error { return os.Chtimes(p, at, at.Add(time.Second)) },
		"same size": func(p string) error {
			return errors.Join(os.WriteFile(p, filetest.Noise(len(content)), 0), os.Chtimes(p, at, at))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filetest.Write(t, filepath.Join(t.TempDir(), "f"), content)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), Request{Path: path, Compressor: compressor(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			body, err := s.Body()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, body); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) {
				t.Errorf("the body ends in %v", err)
			}
		})
	}
}

func TestPipe(t *testing.T) {
	for _, content := range [][]byte{{}, filetest.Prose(1000), filetest.Noise(sdk.StagedBody + 1)} {
		s, err := Open(t.Context(), Request{Path: "-", As: "./a/../from/pipe", Stdin: io.MultiReader(bytes.NewReader(content)), Compressor: compressor(t)})
		if err != nil {
			t.Fatal(err)
		}
		got := drainSource(t, s)
		if got.record.Path != "from/pipe" || got.record.Mode != 0o644 || !got.record.ModTime.IsZero() {
			t.Errorf("%+v", got.record)
		}
		plain := got.body
		if got.record.Content.Codec == sdk.Zstd {
			plain = decode(t, plain)
		}
		if !bytes.Equal(plain, content) {
			t.Errorf("%d bytes: other bytes came back", len(content))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := Open(t.Context(), Request{Path: "-", Stdin: strings.NewReader(""), Compressor: compressor(t)})
	filetest.WantKind(t, err, sdk.Invalid, "path")
}

func TestPipeThatBlocksCanBeCanceled(t *testing.T) {
	in, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		w.Write([]byte("the reader is at work"))
		cancel()
	}()
	_, err := Open(ctx, Request{Path: "-", As: "x", Stdin: in, Compressor: compressor(t)})
	filetest.WantKind(t, err, sdk.Canceled)
}

func TestOpenCanBeCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, Request{Path: filetest.Write(t, filepath.Join(t.TempDir(), "f"), []byte("x")), Compressor: compressor(t)})
	filetest.WantKind(t, err, sdk.Canceled)
}
