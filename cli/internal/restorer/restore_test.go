package restorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// tempName is the name of a temporary file.
const tempName = ".codex-temp-0123456789abcdef"

// sizes are a content that is verified in memory and one that is streamed.
var sizes = map[string]int{"small": 5000, "large": 3*verifiedInMemory + 17}

func TestParentsAreMade(t *testing.T) {
	dir := t.TempDir()
	s := inMemory(t, filetest.Prose(100))
	out := filepath.Join(dir, "a", "b", "c", "out")
	if _, err := s.restore(t, Destination{Path: out}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(filetest.Read(t, out), filetest.Prose(100)) {
		t.Error("other bytes")
	}
	t.Chdir(dir)
	for _, path := range []string{"x/y", "./z", "a/../w"} {
		if done, err := s.restore(t, Destination{Path: path}); err != nil || done.Path != path {
			t.Errorf("%s: %+v, %v", path, done, err)
		}
		filetest.Read(t, path)
	}
	_, err := s.restore(t, Destination{Path: "z/under a file"})
	if err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestIntoDirectory(t *testing.T) {
	dir := t.TempDir()
	s := inMemory(t, filetest.Prose(100))
	s.record.Path = "some/where/f.txt"
	target, link := filepath.Join(dir, "dir"), filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(target, 0o700), os.Symlink(target, link)); err != nil {
		t.Skip(err)
	}
	for given, want := range map[string]string{
		target:                          filepath.Join(target, "f.txt"),
		target + "/":                    filepath.Join(target, "f.txt"),
		link:                            filepath.Join(link, "f.txt"),
		filepath.Join(dir, "new") + "/": filepath.Join(dir, "new", "f.txt"),
	} {
		if done, err := s.restore(t, Destination{Path: given}); err != nil || done.Path != want {
			t.Errorf("%s: %+v, %v; want %s", given, done, err, want)
		}
		filetest.Read(t, want)
	}
	// A directory has the name of the file.
	s.record.Path = "dir"
	_, err := s.restore(t, Destination{Path: dir, Force: true})
	wantExists(t, err, "is a directory")
	for _, path := range []string{"..", "/", "x/..", tempName} {
		s.record.Path = path
		_, err := s.restore(t, Destination{Path: dir})
		filetest.WantKind(t, err, sdk.Invalid)
	}
}

// unreadable is a body that must not be read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestOutputWithTheSameBytes(t *testing.T) {
	for name, size := range sizes {
		for _, force := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s force %v", name, force), func(t *testing.T) {
				s := inMemory(t, filetest.Prose(size))
				out := filetest.Write(t, filepath.Join(t.TempDir(), "out"), filetest.Prose(size))
				var rs Restorer
				done, err := rs.Restore(t.Context(), &s.record, unreadable{t}, Destination{Path: out, Force: force})
				if err != nil || !done.Unchanged {
					t.Fatalf("%+v, %v", done, err)
				}
				if info, _ := os.Stat(out); runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
					t.Errorf("mode %v", info.Mode())
				}
			})
		}
	}
}

func TestOutputWithOtherBytes(t *testing.T) {
	for name, size := range sizes {
		for other, there := range map[string][]byte{"other size": []byte("mine"), "same size": filetest.Noise(size)} {
			t.Run(name+" "+other, func(t *testing.T) {
				dir := t.TempDir()
				s := inMemory(t, filetest.Prose(size))
				out := filetest.Write(t, filepath.Join(dir, "out"), there)
				_, err := s.restore(t, Destination{Path: out})
				wantExists(t, err, out, "--force")
				if !bytes.Equal(filetest.Read(t, out), there) {
					t.Error("it was changed")
				}
				if _, err := s.restore(t, Destination{Path: out, Force: true}); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(filetest.Read(t, out), filetest.Prose(size)) {
					t.Error("it was not replaced")
				}
				filetest.OnlyNames(t, dir, "out")
			})
		}
	}
}

func TestOutputThatIsALink(t *testing.T) {
	for name, target := range map[string]string{"to a file": "target", "to nothing": "nothing"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			filetest.Write(t, filepath.Join(dir, "target"), []byte("precious"))
			out := filepath.Join(dir, "out")
			if err := os.Symlink(target, out); err != nil {
				t.Skip(err)
			}
			s := inMemory(t, filetest.Prose(100))
			_, err := s.restore(t, Destination{Path: out})
			wantExists(t, err, "symbolic link", "--force")
			d := Destination{Path: out, Force: true}
			if err := d.Check(); err != nil {
				t.Error(err)
			}
			if _, err := s.restore(t, d); err != nil {
				t.Fatal(err)
			}
			if info, _ := os.Lstat(out); !info.Mode().IsRegular() {
				t.Errorf("out is %v", info.Mode())
			}
			if string(filetest.Read(t, filepath.Join(dir, "target"))) != "precious" {
				t.Error("the link was followed")
			}
			filetest.OnlyNames(t, dir, "out", "target")
		})
	}
}

func TestSpecialFilesAreNeverReplaced(t *testing.T) {
	dir := t.TempDir()
	s := inMemory(t, filetest.Prose(100))
	for path, what := range filetest.Special(t, dir) {
		d := Destination{Path: path, Force: true}
		wantExists(t, d.Check(), what)
		_, err := s.restore(t, d)
		wantExists(t, err, what)
	}
}

func TestDamage(t *testing.T) {
	for name, size := range sizes {
		s := inMemory(t, filetest.Prose(size))
		raw := newStored(filetest.Noise(size), filetest.Noise(size), sdk.None)
		flip := func(b []byte, at int) []byte {
			b = bytes.Clone(b)
			b[at] ^= 0x40
			return b
		}
		other := inMemory(t, filetest.Prose(size-1))
		for damage, c := range map[string]stored{
			"flipped":          {s.record, flip(s.body, len(s.body)/2)},
			"flipped at first": {s.record, flip(s.body, 0)},
			"flipped raw":      {raw.record, flip(raw.body, size/2)},
			"cut":              {s.record, s.body[:len(s.body)-5]},
			"cut to nothing":   {s.record, nil},
			"cut raw":          {raw.record, raw.body[:size-1]},
			"longer":           {s.record, append(bytes.Clone(s.body), "garbage"...)},
			"longer raw":       {raw.record, append(bytes.Clone(raw.body), 'x')},
			"two frames":       {s.record, append(bytes.Clone(s.body), s.body...)},
			"other content":    {s.record, other.body},
		} {
			t.Run(name+" "+damage, func(t *testing.T) {
				dir := t.TempDir()
				_, err := c.restore(t, Destination{Path: filepath.Join(dir, "out")})
				filetest.WantKind(t, err, sdk.Corrupt, c.record.Content.SHA256.String(), "found", c.record.Tombstone.String())
				filetest.OnlyNames(t, dir)
				old := filetest.Write(t, filepath.Join(dir, "old"), []byte("old"))
				_, err = c.restore(t, Destination{Path: old, Force: true})
				filetest.WantKind(t, err, sdk.Corrupt)
				if string(filetest.Read(t, old)) != "old" {
					t.Error("the old file went")
				}
				filetest.OnlyNames(t, dir, "old")
				var b bytes.Buffer
				_, err = New(Opener{}).Print(t.Context(), &c.record, bytes.NewReader(c.body), &b)
				filetest.WantKind(t, err, sdk.Corrupt)
				if b.Len() > 0 {
					t.Error("unverified bytes were printed")
				}
			})
		}
	}
}

// Damage that can be seen at once leaves no directories.
func TestSmallDamageLeavesNoDirectories(t *testing.T) {
	dir := t.TempDir()
	s := inMemory(t, filetest.Prose(100))
	s.record.Content.SHA256[0]++
	_, err := s.restore(t, Destination{Path: filepath.Join(dir, "a", "b")})
	filetest.WantKind(t, err, sdk.Corrupt)
	filetest.OnlyNames(t, dir)
}

func TestWrongSizeIsDamage(t *testing.T) {
	for _, size := range sizes {
		for _, off := range []int64{-1, 1} {
			s := inMemory(t, filetest.Prose(size))
			s.record.Content.Size += off
			_, err := s.restore(t, Destination{Path: filepath.Join(t.TempDir(), "out")})
			filetest.WantKind(t, err, sdk.Corrupt, fmt.Sprintf("(%d bytes)", size))
		}
	}
}

// A window of 128 MiB is asked for by a few bytes.
func TestHugeWindowIsRefused(t *testing.T) {
	s := inMemory(t, filetest.Prose(100))
	s.record.Content.Codec = sdk.Zstd
	s.body = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0}
	_, err := s.restore(t, Destination{Path: filepath.Join(t.TempDir(), "out")})
	filetest.WantKind(t, err, sdk.Corrupt)
}

func TestUnknownCodec(t *testing.T) {
	s := inMemory(t, filetest.Prose(100))
	s.record.Content.Codec = "lzma"
	_, err := s.restore(t, Destination{Path: filepath.Join(t.TempDir(), "out")})
	filetest.WantKind(t, err, sdk.Corrupt, "lzma")
}

// failing is a body that ends in an error of the backend.
func failing(body []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(body[:len(body)/2]), readerFunc(func([]byte) (int, error) { return 0, err }))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestErrorOfTheBody(t *testing.T) {
	for name, size := range sizes {
		for _, kind := range []sdk.Kind{sdk.Unavailable, sdk.Crashed, sdk.Corrupt} {
			t.Run(fmt.Sprint(name, " ", kind), func(t *testing.T) {
				dir := t.TempDir()
				s := inMemory(t, filetest.Prose(size))
				cause := sdk.Errorf(kind, "the other side said so")
				var rs Restorer
				_, err := rs.Restore(t.Context(), &s.record, failing(s.body, cause), Destination{Path: filepath.Join(dir, "out")})
				filetest.WantKind(t, err, kind, "the other side said so")
				if kind == sdk.Corrupt {
					filetest.WantKind(t, err, kind, s.record.Content.SHA256.String(), "found")
				} else if err != error(cause) {
					t.Errorf("the error was changed: %v", err)
				}
				filetest.OnlyNames(t, dir)
			})
		}
	}
}

func TestRestoreCanBeCanceled(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := inMemory(t, filetest.Prose(size))
			ctx, cancel := context.WithCancel(t.Context())
			body := failing(s.body, context.Canceled)
			var rs Restorer
			_, err := rs.Restore(ctx, &s.record, readerFunc(func(p []byte) (int, error) {
				cancel()
				return body.Read(p)
			}), Destination{Path: filepath.Join(dir, "out")})
			filetest.WantKind(t, err, sdk.Canceled)
			filetest.OnlyNames(t, dir)
		})
	}
}

func TestPrint(t *testing.T) {
	for _, size := range []int{0, 1, 5000, spool.Memory + 1} {
		s := inMemory(t, filetest.Noise(size))
		var b bytes.Buffer
		if _, err := New(Opener{}).Print(t.Context(), &s.record, bytes.NewReader(s.body), &b); err != nil || !bytes.Equal(b.Bytes(), filetest.Noise(size)) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestBase(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "way-out")), os.Mkdir(filepath.Join(dir, "in"), 0o700), os.Symlink("in", filepath.Join(dir, "way-in"))); err != nil {
		t.Skip(err)
	}
	base, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	s := inMemory(t, filetest.Prose(100))
	for _, path := range []string{"f", "a/b/f", "./in/f", "in", "new/"} {
		if _, err := s.restore(t, Destination{Path: path, Base: base}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"in/f", "in/b.txt", "new/b.txt", "a/b/f", "f"} {
		filetest.Read(t, filepath.Join(dir, path))
	}
	for _, path := range []string{"../f", "a/../../f", filepath.Join(outside, "f"), "way-out/f", "way-out/new/f", "way-out/", "way-in/f", "way-in/", "in/../f"} {
		_, err := s.restore(t, Destination{Path: path, Base: base, Force: true})
		filetest.WantKind(t, err, sdk.Refused)
	}
	filetest.OnlyNames(t, outside)
	for _, path := range []string{"way-out", "way-in"} {
		_, err := s.restore(t, Destination{Path: path, Base: base})
		wantExists(t, err, "is a symbolic link")
		if _, err := s.restore(t, Destination{Path: path, Base: base, Force: true}); err != nil {
			t.Errorf("%s was not replaced: %v", path, err)
		}
	}
	filetest.OnlyNames(t, outside)
	filetest.OnlyNames(t, filepath.Join(dir, "in"), "b.txt", "f")
}

// A directory that another process replaces by a link while files are restored
// below it never leads them out.
func TestBaseThatChanges(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Mkdir(in("sub"), 0o700), os.Symlink(outside, in("link"))); err != nil {
		t.Skip(err)
	}
	base, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			select {
			case <-stop:
				return
			default: // errors: the restore makes the directory anew in between
				os.Rename(in("sub"), in("was"))
				os.Rename(in("link"), in("sub"))
				os.Rename(in("sub"), in("link"))
				os.Rename(in("was"), in("sub"))
			}
		}
	})
	s := inMemory(t, filetest.Prose(100))
	for range 300 {
		s.restore(t, Destination{Path: "sub/f", Base: base, Force: true})
	}
	close(stop)
	swapping.Wait()
	filetest.OnlyNames(t, outside)
}

// Where a file system takes two names for one, a run does not lose a file to
// another. A second link to the file takes the part of its other
// name.
func TestTwoNamesForOneFile(t *testing.T) {
	for name, content := range map[string][]byte{"other content": filetest.Noise(100), "the same content": filetest.Prose(100)} {
		for _, force := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", force ", force), func(t *testing.T) {
				dir := t.TempDir()
				first, second := filepath.Join(dir, "README"), filepath.Join(dir, "readme")
				a, b := inMemory(t, filetest.Prose(100)), inMemory(t, content)
				var rs Restorer
				if _, err := rs.Restore(t.Context(), &a.record, bytes.NewReader(a.body), Destination{Path: first}); err != nil {
					t.Fatal(err)
				}
				if err := os.Link(first, second); err != nil {
					t.Skip(err)
				}
				_, err := rs.Restore(t.Context(), &b.record, bytes.NewReader(b.body), Destination{Path: second, Force: force})
				filetest.WantKind(t, err, sdk.Refused, first)
				if _, err := rs.Restore(t.Context(), &a.record, bytes.NewReader(a.body), Destination{Path: first, Force: force}); err != nil {
					t.Errorf("again: %v", err)
				}
			})
		}
	}
}

// Two restores of one name: the content that comes second meets the first.
func TestRestoresAtOnce(t *testing.T) {
	for round := range 20 {
		out := filepath.Join(t.TempDir(), "sub", "out")
		a, b := inMemory(t, filetest.Prose(1000)), inMemory(t, filetest.Noise(1000))
		var rs Restorer
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			s := []stored{a, b}[i%2]
			wg.Go(func() {
				_, errs[i] = rs.Restore(t.Context(), &s.record, bytes.NewReader(s.body), Destination{Path: out})
			})
		}
		wg.Wait()
		winner := 0
		if bytes.Equal(filetest.Read(t, out), filetest.Noise(1000)) {
			winner = 1
		}
		for i, err := range errs {
			if i%2 == winner && err != nil {
				t.Errorf("round %d: the same content: %v", round, err)
			}
			if i%2 != winner {
				wantExists(t, err, "other content")
			}
		}
		filetest.OnlyNames(t, filepath.Dir(out), "out")
	}
}

// halfRole reads half of a body and says so, then hangs, with the output under
// way.
func halfRole(dir string) error {
	content := filetest.Noise(3 * verifiedInMemory)
	s := newStored(content, content, sdk.None)
	body := io.MultiReader(bytes.NewReader(s.body[:len(s.body)/2]), readerFunc(func([]byte) (int, error) {
		fmt.Println("half")
		select {}
	}))
	var rs Restorer
	_, err := rs.Restore(context.Background(), &s.record, body, Destination{Path: filepath.Join(dir, "out"), Force: true})
	return err
}

// namedRole holds a named temporary file.
func namedRole(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	t, err := durable.NewNamedTemp(root, 0o600)
	if err != nil {
		return err
	}
	io.WriteString(t.File, "half a file")
	fmt.Println("named")
	select {}
}

// killed starts a role, waits for its line, runs check while it lives, and
// kills it.
func killed(t *testing.T, role, dir string, check func()) {
	t.Helper()
	cmd := filetest.Child(t, role, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAtLeast(out, make([]byte, 100), 4); err != nil {
		t.Fatal(err)
	}
	check()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

func TestKilledRestoreLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	out := filetest.Write(t, filepath.Join(dir, "out"), []byte("old"))
	killed(t, "half", dir, func() {
		if string(filetest.Read(t, out)) != "old" {
			t.Error("the old file went before the new one was whole")
		}
	})
	if string(filetest.Read(t, out)) != "old" {
		t.Error("the old file went")
	}
	s := inMemory(t, filetest.Prose(10))
	if _, err := s.restore(t, Destination{Path: filepath.Join(dir, "next")}); err != nil {
		t.Fatal(err)
	}
	filetest.OnlyNames(t, dir, "next", "out")
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s := inMemory(t, filetest.Prose(10))
	lookalike := ".codex-temp-not-ours"
	filetest.Write(t, filepath.Join(dir, lookalike), nil)
	killed(t, "named", dir, func() {
		if _, err := s.restore(t, Destination{Path: filepath.Join(dir, "one")}); err != nil {
			t.Fatal(err)
		}
		if names, _ := filepath.Glob(filepath.Join(dir, ".codex-temp-*")); len(names) != 2 {
			t.Errorf("a file that is in use was swept: %v", names)
		}
	})
	if _, err := s.restore(t, Destination{Path: filepath.Join(dir, "two")}); err != nil {
		t.Fatal(err)
	}
	filetest.OnlyNames(t, dir, lookalike, "one", "two")
}

// FuzzExtract takes any bytes as a body: they are refused unless they are the
// recorded content.
func FuzzExtract(f *testing.F) {
	s := inMemory(f, filetest.Prose(3000))
	f.Add(s.body, true)
	f.Add(filetest.Prose(3000), false)
	f.Add(append(bytes.Clone(s.body), s.body...), true)
	f.Fuzz(func(t *testing.T, body []byte, zstd bool) {
		r := s.record
		r.Content.Codec = sdk.None
		if zstd {
			r.Content.Codec = sdk.Zstd
		}
		var b bytes.Buffer
		_, err := New(Opener{}).Print(t.Context(), &r, bytes.NewReader(body), &b)
		if err == nil != bytes.Equal(b.Bytes(), filetest.Prose(3000)) {
			t.Fatalf("%v with %d bytes", err, b.Len())
		}
	})
}

// TestMain lets the test binary be the other process: one that is killed, or
// measured, or has a small disk.
func TestMain(m *testing.M) {
	filetest.Main(m, map[string]func(dir string) error{
		"half":   halfRole,
		"named":  namedRole,
		"memory": memoryRole,
	})
}

// stored is a record and its body, as a backend would keep them.
type stored struct {
	record sdk.Record
	body   []byte
}

// inMemory is the record of content, and its body.
func inMemory(t testing.TB, content []byte) stored {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return newStored(content, enc.EncodeAll(content, nil), sdk.Zstd)
}

func newStored(plain, body []byte, codec sdk.Codec) stored {
	return stored{body: body, record: sdk.Record{
		Tombstone: sdk.Tombstone{7}, Path: "a/b.txt", Mode: 0o640, ModTime: time.Unix(1e9, 123000).UTC(),
		Content: sdk.Content{
			SHA256: sha256.Sum256(plain), Size: int64(len(plain)), Codec: codec, StoredSize: int64(len(body)),
			CRC32C: crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)),
		},
	}}
}

func (s stored) restore(t testing.TB, d Destination) (Restored, error) {
	t.Helper()
	var rs Restorer
	return rs.Restore(t.Context(), &s.record, bytes.NewReader(s.body), d)
}

// wantExists wants the failure about an output that exists, with these words.
func wantExists(t *testing.T, err error, words ...string) {
	t.Helper()
	var f *output.Failure
	if !errors.As(err, &f) || f.Kind != output.OutputExists {
		t.Fatalf("got %v, want that the output exists", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %q in it", err, word)
		}
	}
}
