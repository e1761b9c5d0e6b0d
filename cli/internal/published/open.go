package published

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

// Options say what is taken, and what must hold before anything is unpacked.
type Options struct {
	Backend   string      // whose program is taken; "" for the only one
	SHA256    *sdk.Digest // of the file, of the program in a directory; nil: not known
	Signature *Signature  // of the same; nil: none
}

// Package is a backend's program that was verified and unpacked.
type Package struct {
	Backend string
	Version string // that of the file's name, "" if it says none
	Path    string // of the program
	SHA256  sdk.Digest
	Source  sdk.Digest // of the file that was verified
	Signer  *Signer    // nil without a signature
}

// Open takes the program of a backend out of the file or directory at path, and
// leaves it in dir, which is private and empty. What is verified is a copy there, so
// that nothing can change between the verification and the use.
func Open(ctx context.Context, path, dir string, o Options) (Package, error) {
	var real string
	info, err := durable.Answered(ctx, 0, path, func() (info fs.FileInfo, err error) {
		if real, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		return os.Stat(real)
	})
	if err != nil && unanswered(err) {
		return Package{}, err
	}
	if err != nil {
		return Package{}, output.Errorf(output.NoFile, "%s: %w", path, durable.Cause(err))
	}
	p := opening{options: o, dir: dir, limits: usualLimits()}
	name := filepath.Base(path)
	if info.IsDir() {
		if name, err = p.programIn(ctx, real); err != nil {
			return Package{}, unusable(path, err)
		}
		real = filepath.Join(real, name)
	}
	return p.open(ctx, path, real, name)
}

// opening is the work of one Open.
type opening struct {
	options Options
	dir     string
	limits  limits
}

// unusable is the error about what no program can be taken from. One of this
// machine, which has no room for a copy, is not about it.
func unusable(path string, err error) error {
	var temporary *durable.TempDirError
	switch {
	case unanswered(err):
		return err
	case errors.As(err, &temporary):
		return fmt.Errorf("unpack %s: %w", path, err)
	}
	return output.Errorf(output.NoBackend, "%s: %w", path, err).WithHint("nothing was run or installed")
}

// unanswered reports whether err says nothing of a file: its file system did not
// answer, or was not waited for.
func unanswered(err error) bool {
	var stalled *durable.StalledError
	return errors.As(err, &stalled) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// programIn returns the name of the one program in a directory.
func (p *opening) programIn(ctx context.Context, dir string) (string, error) {
	list, err := durable.Answered(ctx, 0, dir, func() ([]fs.DirEntry, error) { return os.ReadDir(dir) })
	if err != nil {
		return "", durable.Cause(err)
	}
	c := candidates{want: p.options.Backend}
	for _, entry := range list {
		if !entry.IsDir() {
			c.take(entry.Name())
		}
	}
	if err := c.check(); err != nil {
		return "", err
	}
	return c.taken, nil
}

// open opens the file real, which the user knows as path, and which is called name.
func (p *opening) open(ctx context.Context, path, real, name string) (Package, error) {
	copied, sum, err := p.copy(ctx, real)
	if err != nil {
		return Package{}, unusable(path, err)
	}
	defer func() { _ = copied.Close() }() // it was only read since
	signer, err := p.verify(path, copied, sum)
	if err != nil {
		return Package{}, err
	}
	found, err := p.take(copied, name)
	if err != nil {
		return Package{}, unusable(path, err)
	}
	found.Source, found.Signer = sum, signer
	found.SHA256, err = pluginhost.Program{Path: found.Path}.SHA256(ctx)
	return found, err
}

// copy copies the file to dir, hashes what it copies, and returns the copy.
func (p *opening) copy(ctx context.Context, path string) (f *os.File, sum sdk.Digest, err error) {
	in, err := durable.Answered(ctx, 0, path, func() (*os.File, error) { return durable.OpenRegular(path, os.O_RDONLY, 0) })
	if err != nil {
		return nil, sum, durable.Cause(err)
	}
	defer func() { _ = in.Close() }() // it was only read
	if info, err := in.Stat(); err != nil || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return nil, sum, errors.Join(err, errors.New("it has a setuid or setgid bit"))
	}
	f, err = os.OpenFile(filepath.Join(p.dir, "source"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, sum, durable.InTempDir(err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(durable.TempWriter{File: f}, h), &limited{r: durable.AnsweringReader(ctx, 0, path, in), what: "it", most: p.limits.archive})
	if err != nil {
		return nil, sum, errors.Join(err, f.Close())
	}
	h.Sum(sum[:0])
	return f, sum, nil
}

// verify holds the copy against the sum and the signature that it must have.
func (p *opening) verify(path string, f *os.File, sum sdk.Digest) (*Signer, error) {
	corrupt := func(format string, args ...any) error {
		return output.Errorf(output.KindOf(sdk.Corrupt), "%s: %w", path, fmt.Errorf(format, args...)).
			WithHint("nothing was unpacked or run: get the file, and what it is compared with, again from its vendor")
	}
	if want := p.options.SHA256; want != nil && *want != sum {
		return nil, corrupt("its SHA-256 is %s, wanted is %s", sum, *want)
	}
	if p.options.Signature == nil {
		return nil, nil
	}
	signer, err := p.options.Signature.Verify(io.NewSectionReader(f, 0, p.limits.archive))
	if err != nil {
		return nil, corrupt("%w", err)
	}
	return &signer, nil
}

// take takes the program out of the copy of a file that was called name.
func (p *opening) take(f *os.File, name string) (Package, error) {
	info, err := f.Stat()
	if err != nil {
		return Package{}, err
	}
	named, _, ok := ParseName(name)
	if ok && named.Platform != "" && named.Platform != pluginhost.Platform {
		return Package{}, fmt.Errorf("it is for %s, and this system is %s", named.Platform, pluginhost.Platform)
	}
	form, err := formOf(f)
	if err != nil {
		return Package{}, err
	}
	if form == formProgram {
		return p.program(f, named, ok)
	}
	u := newUnpacker(p.dir, p.options.Backend, p.limits)
	whole := io.NewSectionReader(f, 0, info.Size())
	switch form {
	case formTar:
		err = u.tar(whole)
	case formTarGzip:
		err = u.gzip(whole)
	case formZip:
		err = u.zip(f, info.Size())
	}
	if err == nil {
		err = u.candidates.check()
	}
	return Package{Backend: u.backend, Version: named.Version, Path: programPath(p.dir, u.backend)}, err
}

// program is take for a program that is published alone.
func (p *opening) program(f *os.File, named Name, ok bool) (Package, error) {
	switch {
	case !ok:
		return Package{}, fmt.Errorf("it is no archive, and a program of a backend is called codex-archive-NAME%s", exe())
	case p.options.Backend != "" && p.options.Backend != named.Backend:
		return Package{}, fmt.Errorf("it is the program of backend %q", named.Backend)
	}
	path := programPath(p.dir, named.Backend)
	return Package{Backend: named.Backend, Version: named.Version, Path: path}, writeProgram(path, &limited{r: io.NewSectionReader(f, 0, p.limits.archive), what: "the program", most: p.limits.program})
}
