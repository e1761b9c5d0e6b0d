package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// TestMain lets the test binary be the other process: one that is killed, or
// measured, or has a small disk.
func TestMain(m *testing.M) {
	if role := os.Getenv("ARCHIVE_TEST_ROLE"); role != "" {
		if err := roles[role](os.Getenv("ARCHIVE_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var roles = map[string]func(dir string) error{
	"half":   halfRole,
	"named":  namedRole,
	"memory": memoryRole,
	"full":   fullRole,
}

func child(t testing.TB, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "ARCHIVE_TEST_ROLE="+role, "ARCHIVE_TEST_DIR="+dir)
	return cmd
}

func compressor(t testing.TB) *Compressor {
	t.Helper()
	c, err := NewCompressor("", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// noise is n bytes that do not compress, the same at every call.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// prose is n bytes that compress.
func prose(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d: return nil, fmt.Errorf(\"open %%s\", path)\n", i*i)
	}
	return b.Bytes()[:n]
}

func write(t testing.TB, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
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

// record is a record of content, and its body, without a file.
func inMemory(t testing.TB, content []byte) stored {
	t.Helper()
	s := &Source{Path: "a/b.txt", Mode: 0o640, ModTime: time.Unix(1e9, 123000).UTC(), compressor: compressor(t)}
	s.small(content)
	return drainSource(t, s)
}

func (s stored) restore(t testing.TB, d Destination) (Restored, error) {
	t.Helper()
	var rs Restorer
	return rs.Restore(t.Context(), &s.record, bytes.NewReader(s.body), d)
}

// onlyNames fails unless dir holds these names and no others.
func onlyNames(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func wantKind(t testing.TB, err error, k sdk.Kind, words ...string) {
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

func TestRoundTrip(t *testing.T) {
	contents := map[string][]byte{
		"empty": {}, "one byte": {0}, "NULs": make([]byte, 100_000), "text": prose(100_000),
		"invalid UTF-8": []byte("caf\xe9\xff\xfe"), "CRLF": []byte("a\r\nb\r\n"), "noise": noise(100_000),
		"one chunk": prose(extractChunk), "chunk and one": prose(extractChunk + 1), "verified in memory": prose(verifiedInMemory),
		"streamed": prose(verifiedInMemory + 1), "largest in memory": noise(sdk.StagedBody), "smallest staged": noise(sdk.StagedBody + 1),
		"window and more": prose(3*encodeWindow + 5),
	}
	for name, content := range contents {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in, out := write(t, filepath.Join(dir, "in"), content), filepath.Join(dir, "out")
			at := time.Unix(1234567890, 123456000)
			if err := errors.Join(os.Chmod(in, 0o751), os.Chtimes(in, at, at)); err != nil {
				t.Fatal(err)
			}
			s := store(t, in)
			if s.record.Content.SHA256 != sha256.Sum256(content) || s.record.Content.Size != int64(len(content)) {
				t.Fatalf("content: %+v", s.record.Content)
			}
			done, err := s.restore(t, Destination{Path: out})
			if err != nil || done.Path != out || done.Unchanged || len(done.Warnings) > 0 {
				t.Fatalf("%+v, %v", done, err)
			}
			if !bytes.Equal(mustRead(t, out), content) {
				t.Error("other bytes came back")
			}
			a, _ := os.Stat(in)
			b, _ := os.Stat(out)
			if a.Mode() != b.Mode() || !a.ModTime().Equal(b.ModTime()) {
				t.Errorf("%v %v became %v %v", a.Mode(), a.ModTime(), b.Mode(), b.ModTime())
			}
			onlyNames(t, dir, "in", "out")
		})
	}
}

func TestCodecs(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    sdk.Codec
	}{
		"prose": {prose(10_000), sdk.Zstd}, "noise": {noise(10_000), sdk.Zstd}, "empty": {nil, sdk.Zstd},
		"large noise": {noise(sdk.StagedBody + 1), sdk.Zstd},
	} {
		s := store(t, write(t, filepath.Join(t.TempDir(), "f"), c.content))
		if s.record.Content.Codec != c.want {
			t.Errorf("%s: codec %s, want %s", name, s.record.Content.Codec, c.want)
		}
		if over := len(s.body) - len(c.content); over > 4096 {
			t.Errorf("%s: the body is %d bytes larger than the content", name, over)
		}
	}
	for level, size := range map[string]int{"fastest": sdk.StagedBody + 100, "default": 100_000, "better": 100_000, "best": 100_000, "": 1} {
		comp, err := NewCompressor(sdk.Zstd, level)
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, filepath.Join(t.TempDir(), "f"), prose(size))
		s, err := Open(t.Context(), Request{Path: path, Compressor: comp})
		if err != nil {
			t.Fatal(err)
		}
		got := drainSource(t, s)
		s.Close()
		var b bytes.Buffer
		if _, err := Print(t.Context(), &got.record, bytes.NewReader(got.body), &b); err != nil || !bytes.Equal(b.Bytes(), prose(size)) {
			t.Errorf("level %s: %v", level, err)
		}
	}
	none, err := NewCompressor(sdk.None, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1000, sdk.StagedBody + 1} {
		s, err := Open(t.Context(), Request{Path: write(t, filepath.Join(t.TempDir(), "f"), prose(n)), Compressor: none})
		if err != nil {
			t.Fatal(err)
		}
		if got := drainSource(t, s); got.record.Content.Codec != sdk.None || !bytes.Equal(got.body, prose(n)) {
			t.Errorf("codec none of %d bytes: %s, %d", n, got.record.Content.Codec, len(got.body))
		}
		s.Close()
	}
	_, err = NewCompressor("gzip", "")
	wantKind(t, err, sdk.Invalid, "gzip", "zstd")
	_, err = NewCompressor("", "11")
	wantKind(t, err, sdk.Invalid, "11", "best")
}

// The bodies can be read without this project.
func TestStockZstd(t *testing.T) {
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("the zstd program is not installed")
	}
	for _, content := range [][]byte{prose(10_000), prose(sdk.StagedBody + 1)} {
		s := store(t, write(t, filepath.Join(t.TempDir(), "f"), content))
		cmd := exec.Command(zstd, "-dc", "--memory=8MB")
		cmd.Stdin = bytes.NewReader(s.body)
		if out, err := cmd.Output(); err != nil || !bytes.Equal(out, content) {
			t.Errorf("%d bytes: %v, %d bytes came back", len(content), err, len(out))
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"with space", `quo"te'd`, "naïve-日本", "caf\xe9", "-dash", "new\nline"} {
		dir := t.TempDir()
		in := filepath.Join(dir, name)
		if err := os.WriteFile(in, []byte(name), 0o600); err != nil {
			t.Logf("%q cannot be made here: %v", name, err)
			continue
		}
		s := store(t, in)
		if s.record.Path != filepath.ToSlash(in) {
			t.Errorf("recorded %q, want %q", s.record.Path, in)
		}
		out := filepath.Join(dir, "out")
		done, err := s.restore(t, Destination{Path: out + "/"})
		if err != nil || done.Path != out+"/"+name || string(mustRead(t, filepath.Join(out, name))) != name {
			t.Errorf("%q: %+v, %v", name, done, err)
		}
	}
}

func TestRecordedPathIsCleaned(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "old_module.py", []byte("x"))
	for given, want := range map[string]string{"./old_module.py": "old_module.py", ".//x/../old_module.py": "old_module.py"} {
		os.Mkdir("x", 0o700)
		if s := store(t, given); s.record.Path != want {
			t.Errorf("%s is recorded as %s", given, s.record.Path)
		}
	}
}

func TestOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "file"), []byte("x"))
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	paths := map[string]string{link: "a symbolic link", dir: "a directory", os.DevNull: "a device"}
	for path, what := range specialFiles(t, dir) {
		paths[path] = what
	}
	for path, what := range paths {
		_, err := Open(t.Context(), Request{Path: path, Compressor: compressor(t)})
		wantKind(t, err, sdk.Invalid, path, what)
	}
	if _, err := Open(t.Context(), Request{Path: filepath.Join(dir, "missing"), Compressor: compressor(t)}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestChangedWhileRead(t *testing.T) {
	content := prose(sdk.StagedBody + 1000)
	at := time.Unix(1e9, 0)
	for name, change := range map[string]func(path string) error{
		"grown":   func(p string) error { return os.WriteFile(p, append(content, 'x'), 0o600) },
		"shrunk":  func(p string) error { return os.Truncate(p, sdk.StagedBody) },
		"touched": func(p string) error { return os.Chtimes(p, at, at.Add(time.Second)) },
		"same size": func(p string) error {
			return errors.Join(os.WriteFile(p, noise(len(content)), 0), os.Chtimes(p, at, at))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "f"), content)
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
	for _, content := range [][]byte{{}, prose(1000), noise(sdk.StagedBody + 1)} {
		s, err := Open(t.Context(), Request{Path: "-", As: "./a/../from/pipe", Stdin: io.MultiReader(bytes.NewReader(content)), Compressor: compressor(t)})
		if err != nil {
			t.Fatal(err)
		}
		got := drainSource(t, s)
		if got.record.Path != "from/pipe" || got.record.Mode != 0o644 || !got.record.ModTime.IsZero() {
			t.Errorf("%+v", got.record)
		}
		var b bytes.Buffer
		if _, err := Print(t.Context(), &got.record, bytes.NewReader(got.body), &b); err != nil || !bytes.Equal(b.Bytes(), content) {
			t.Errorf("%d bytes: %v", len(content), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := Open(t.Context(), Request{Path: "-", Stdin: strings.NewReader(""), Compressor: compressor(t)})
	wantKind(t, err, sdk.Invalid, "path")
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
	wantKind(t, err, sdk.Canceled)
}

func TestOpenCanBeCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, Request{Path: write(t, filepath.Join(t.TempDir(), "f"), []byte("x")), Compressor: compressor(t)})
	wantKind(t, err, sdk.Canceled)
}
