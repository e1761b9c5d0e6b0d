package restorer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// store archives the file at path.
func store(t testing.TB, path, level string) stored {
	t.Helper()
	c, err := archiver.NewCompressor(sdk.Zstd, level, nil)
	if err != nil {
		t.Fatal(err)
	}
	return storeWith(t, path, c)
}

func storeWith(t testing.TB, path string, c *archiver.Compressor) stored {
	t.Helper()
	s, err := archiver.Open(t.Context(), archiver.Request{Path: path, Compressor: c})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	body, err := s.Body()
	if err != nil {
		t.Fatal(err)
	}
	got := stored{record: sdk.Record{Tombstone: sdk.Tombstone{7}}}
	if got.body, err = io.ReadAll(body); err != nil {
		t.Fatal(err)
	}
	s.Fill(&got.record)
	return got
}

func TestRoundTrip(t *testing.T) {
	contents := map[string][]byte{
		"empty": {}, "one byte": {0}, "NULs": make([]byte, 100_000), "text": filetest.Prose(100_000),
		"invalid UTF-8": []byte("caf\xe9\xff\xfe"), "CRLF": []byte("a\r\nb\r\n"), "noise": filetest.Noise(100_000),
		"one chunk": filetest.Prose(extractChunk), "chunk and one": filetest.Prose(extractChunk + 1), "verified in memory": filetest.Prose(verifiedInMemory),
		"streamed": filetest.Prose(verifiedInMemory + 1), "largest in memory": filetest.Noise(sdk.StagedBody), "smallest staged": filetest.Noise(sdk.StagedBody + 1),
		"window and more": filetest.Prose(3*usualWindow + 5),
	}
	for name, content := range contents {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in, out := filetest.Write(t, filepath.Join(dir, "in"), content), filepath.Join(dir, "out")
			at := time.Unix(1234567890, 123456000)
			if err := errors.Join(os.Chmod(in, 0o751), os.Chtimes(in, at, at)); err != nil {
				t.Fatal(err)
			}
			s := store(t, in, "")
			if s.record.Content.SHA256 != sha256.Sum256(content) || s.record.Content.Size != int64(len(content)) {
				t.Fatalf("content: %+v", s.record.Content)
			}
			done, err := s.restore(t, Destination{Path: out})
			if err != nil || done.Path != out || done.Unchanged || len(done.Warnings) > 0 {
				t.Fatalf("%+v, %v", done, err)
			}
			if !bytes.Equal(filetest.Read(t, out), content) {
				t.Error("other bytes came back")
			}
			a, _ := os.Stat(in)
			b, _ := os.Stat(out)
			if a.Mode() != b.Mode() || !a.ModTime().Equal(b.ModTime()) {
				t.Errorf("%v %v became %v %v", a.Mode(), a.ModTime(), b.Mode(), b.ModTime())
			}
			filetest.OnlyNames(t, dir, "in", "out")
		})
	}
}

func TestCodecs(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    sdk.Codec
	}{
		"prose": {filetest.Prose(10_000), sdk.Zstd}, "noise": {filetest.Noise(10_000), sdk.Zstd}, "empty": {nil, sdk.Zstd},
		"large noise": {filetest.Noise(sdk.StagedBody + 1), sdk.Zstd},
	} {
		s := store(t, filetest.Write(t, filepath.Join(t.TempDir(), "f"), c.content), "")
		if s.record.Content.Codec != c.want {
			t.Errorf("%s: codec %s, want %s", name, s.record.Content.Codec, c.want)
		}
		if over := len(s.body) - len(c.content); over > 4096 {
			t.Errorf("%s: the body is %d bytes larger than the content", name, over)
		}
	}
	for level, size := range map[string]int{"fastest": sdk.StagedBody + 100, "default": 100_000, "better": 100_000, "best": 100_000, "": 1} {
		got := store(t, filetest.Write(t, filepath.Join(t.TempDir(), "f"), filetest.Prose(size)), level)
		var b bytes.Buffer
		if _, err := New(Opener{}).Print(t.Context(), &got.record, bytes.NewReader(got.body), &b); err != nil || !bytes.Equal(b.Bytes(), filetest.Prose(size)) {
			t.Errorf("level %s: %v", level, err)
		}
	}
	none, err := archiver.NewCompressor(sdk.None, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1000, sdk.StagedBody + 1} {
		path := filetest.Write(t, filepath.Join(t.TempDir(), "f"), filetest.Prose(n))
		if got := storeWith(t, path, none); got.record.Content.Codec != sdk.None || !bytes.Equal(got.body, filetest.Prose(n)) {
			t.Errorf("codec none of %d bytes: %s, %d", n, got.record.Content.Codec, len(got.body))
		}
	}
	_, err = archiver.NewCompressor("gzip", "", nil)
	filetest.WantKind(t, err, sdk.Invalid, "gzip", "zstd")
	_, err = archiver.NewCompressor("", "11", nil)
	filetest.WantKind(t, err, sdk.Invalid, "11", "best")
}

// The bodies can be read without this project.
func TestStockZstd(t *testing.T) {
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("the zstd program is not installed")
	}
	for _, content := range [][]byte{filetest.Prose(10_000), filetest.Prose(sdk.StagedBody + 1)} {
		s := store(t, filetest.Write(t, filepath.Join(t.TempDir(), "f"), content), "")
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
		s := store(t, in, "")
		if s.record.Path != filepath.ToSlash(in) {
			t.Errorf("recorded %q, want %q", s.record.Path, in)
		}
		out := filepath.Join(dir, "out")
		done, err := s.restore(t, Destination{Path: out + "/"})
		if err != nil || done.Path != out+"/"+name || string(filetest.Read(t, filepath.Join(out, name))) != name {
			t.Errorf("%q: %+v, %v", name, done, err)
		}
	}
}
