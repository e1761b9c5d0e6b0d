package published

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
)

// form is what a file is, by its first bytes.
type form int

const (
	formProgram form = iota
	formTar
	formTarGzip
	formZip
)

// formOf reads the first bytes of f. What is packed in another way is an error.
func formOf(f io.ReaderAt) (form, error) {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	head = head[:n]
	for magic, name := range map[string]string{"\xfd7zXZ\x00": "xz", "\x28\xb5\x2f\xfd": "zstd", "BZh": "bzip2", "7z\xbc\xaf\x27\x1c": "7z"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return 0, fmt.Errorf("it is packed with %s; allowed are .tar.gz, .tar, .zip, and the program itself", name)
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return formTarGzip, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return formZip, nil
	case len(head) == 512 && string(head[257:262]) == "ustar":
		return formTar, nil
	}
	return formProgram, nil
}

// unpacker takes the program out of one archive, and nothing else.
type unpacker struct {
	entries    entries
	candidates candidates
	dir        string // private, and ours
	backend    string
}

func newUnpacker(dir, want string, l limits) *unpacker {
	return &unpacker{entries: entries{limits: l, seen: map[string]bool{}}, candidates: candidates{want: want}, dir: dir}
}

// tar reads all of a tar, also behind its end, where there must be nothing: other
// programs might see there what this one did not.
func (u *unpacker) tar(r io.Reader) error {
	in := &limited{r: r, what: "what it unpacks to", most: u.entries.limits.total}
	archive := tar.NewReader(in)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return onlyZeros(in)
		}
		if err != nil {
			return fmt.Errorf("read the tar: %w", err)
		}
		mode := tarMode(h)
		if h.Typeflag == tar.TypeXGlobalHeader {
			h.Name, mode = "pax_global_header", fs.ModeDir // there may be several, and they are no files
		}
		if err := u.entry(h.Name, mode, func() (io.ReadCloser, error) { return io.NopCloser(archive), nil }); err != nil {
			return err
		}
	}
}

// gzip is tar for a compressed one.
func (u *unpacker) gzip(r io.Reader) error {
	in, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("read the gzip: %w", err)
	}
	return u.tar(in)
}

func (u *unpacker) zip(r io.ReaderAt, size int64) error {
	in := &limitedAt{r: r, left: u.entries.limits.directory}
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return fmt.Errorf("read the zip: %w", err)
	}
	in.left = math.MaxInt64 // what is read now is bounded by itself
	for _, f := range archive.File {
		if f.Flags&1 != 0 {
			return fmt.Errorf("%q is encrypted", f.Name)
		}
		if err := u.entry(f.Name, f.Mode(), f.Open); err != nil {
			return err
		}
	}
	return nil
}

// entry judges an entry, and writes it if it is the program.
func (u *unpacker) entry(name string, mode fs.FileMode, open func() (io.ReadCloser, error)) error {
	if err := u.entries.admit(name, mode); err != nil {
		return err
	}
	if mode.IsDir() {
		return nil
	}
	backend, ok := u.candidates.take(name)
	if !ok {
		return nil
	}
	in, err := open()
	if err != nil {
		return fmt.Errorf("unpack %q: %w", name, err)
	}
	defer func() { _ = in.Close() }() // it was only read
	u.backend = backend
	if err := writeProgram(programPath(u.dir, backend), &limited{r: in, what: "the program", most: u.entries.limits.program}); err != nil {
		return fmt.Errorf("unpack %q: %w", name, err)
	}
	return nil
}

// programPath is where the program of a backend is in dir.
func programPath(dir, backend string) string {
	return filepath.Join(dir, pluginhost.Prefix+backend+exe())
}

// exe ends the names of programs on this system.
func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func writeProgram(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return durable.InTempDir(err)
	}
	_, err = io.Copy(durable.TempWriter{File: f}, r)
	return errors.Join(err, durable.InTempDir(f.Close()))
}

// limited fails where r has more than most bytes.
type limited struct {
	r    io.Reader
	what string
	most int64
	read int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.read += int64(n); l.read > l.most {
		return 0, fmt.Errorf("%s has more than %d bytes", l.what, l.most)
	}
	return n, err
}

// limitedAt fails after left bytes were read, wherever they are.
type limitedAt struct {
	r    io.ReaderAt
	left int64
}

func (l *limitedAt) ReadAt(p []byte, at int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New("its directory is too large")
	}
	return l.r.ReadAt(p, at)
}

// onlyZeros reads r to its end.
func onlyZeros(r io.Reader) error {
	b := make([]byte, 32<<10)
	for {
		n, err := r.Read(b)
		if len(bytes.Trim(b[:n], "\x00")) > 0 {
			return errors.New("something follows the end of the tar")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the tar: %w", err)
		}
	}
}
