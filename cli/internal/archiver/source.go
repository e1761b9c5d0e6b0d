package archiver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// pipeMode is what content from a pipe is taken to have.
const pipeMode = 0o644

// Request says what to read.
type Request struct {
	Path       string      // of a regular file; "-": Stdin
	Stdin      io.Reader   // what "-" reads
	As         string      // path to record in place of Path; needed with "-"
	Commit     string      // a full hash or any ref; "": HEAD where there is one
	Compressor *Compressor // makes the body
}

// Source is a file that is about to be stored. Its fields are those of the
// record.
type Source struct {
	Path         string // as recorded: cleaned, forward slashes
	WorkTreePath string // relative to the git work tree, "" outside one
	Commit       string // full hash, "" where none is known
	State        sdk.WorkTreeState
	Mode         uint32
	ModTime      time.Time   // zero for a pipe
	Content      sdk.Content // StoredSize is -1 where the body is made while it is read
	Warnings     []string    // what of the file's mode and time is not archived

	gitBlob    string              // "" from a pipe that is not small
	format     func() ObjectFormat // of gitBlob; it may wait for git
	compressor *Compressor
	body       []byte // the body of small content
	large      large  // where large content comes from
}

// Open reads and hashes what r names, and compresses it if it is small. git is
// asked for the commit at the same time. The caller closes the Source.
func Open(ctx context.Context, r Request) (*Source, error) {
	path := r.As
	if path == "" {
		path = r.Path
	}
	if path == "" || path == "-" {
		return nil, sdk.Errorf(sdk.Invalid, "standard input needs a path to be recorded under")
	}
	gitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := sync.OnceValue(func() origin { return locate(gitCtx, r) })
	go found()

	s := &Source{Path: filepath.ToSlash(filepath.Clean(path)), compressor: r.Compressor}
	s.format = func() ObjectFormat { o := found(); return o.format() }
	if err := s.read(ctx, r); err != nil {
		return nil, err
	}
	o := found()
	if o.err != nil {
		s.Close()
		return nil, o.err
	}
	s.WorkTreePath, s.Commit = o.workTreePath, o.commit
	if r.Path != "-" { // what a pipe brings is no file of the work tree
		s.State = State(o.snapshot, o.workTreePath, s.gitBlob)
	}
	return s, nil
}

// Fill writes what is known of the file into r.
func (s *Source) Fill(r *sdk.Record) {
	r.Path, r.WorkTreePath, r.Commit = s.Path, s.WorkTreePath, s.Commit
	r.Mode, r.ModTime, r.Content = s.Mode, s.ModTime, s.Content
	r.Type, r.GitBlob, r.WorkTreeState = sdk.RegularFile, s.gitBlob, s.State
	r.Digest = r.ComputeDigest()
}

// Body returns a fresh reader of the stored bytes, one for each attempt. It
// makes the one returned before useless.
func (s *Source) Body() (io.Reader, error) {
	if s.large.content == nil {
		return bytes.NewReader(s.body), nil
	}
	return s.large.body(s)
}

// Close closes the file. Bodies cannot be read afterwards.
func (s *Source) Close() error {
	s.body = nil
	if s.large.content == nil {
		return nil
	}
	return s.large.close()
}

func (s *Source) read(ctx context.Context, r Request) error {
	if r.Path == "-" {
		return s.readPipe(ctx, r.Stdin)
	}
	f, info, err := openRegular(r.Path)
	if err != nil {
		return err
	}
	s.describe(r.Path, info)
	if info.Size() <= sdk.StagedBody {
		defer func() { _ = f.Close() }() // it was only read
		return s.readSmall(ctx, f, info)
	}
	return s.readLarge(ctx, f, info)
}

// readLarge takes f, which it closes after an error.
func (s *Source) readLarge(ctx context.Context, f *os.File, info fs.FileInfo) error {
	s.large = large{content: f, file: f, size: info.Size(), path: f.Name(), before: info, close: f.Close}
	if err := s.hashLarge(ctx); err != nil {
		_ = f.Close() // it was only read; the error that follows says more
		return err
	}
	return nil
}

// OpenLarge returns the source of f, a regular file above [sdk.StagedBody], and
// writes into r what the content says. The source closes f, also after an error.
func OpenLarge(ctx context.Context, f *os.File, info fs.FileInfo, c *Compressor, r *sdk.Record, format ObjectFormat) (*Source, error) {
	s := &Source{compressor: c, format: func() ObjectFormat { return format }}
	if err := s.readLarge(ctx, f, info); err != nil {
		return nil, err
	}
	r.Content, r.GitBlob = s.Content, s.gitBlob
	return s, nil
}

// readSmall reads f into memory.
func (s *Source) readSmall(ctx context.Context, f *os.File, before fs.FileInfo) error {
	plain, err := new(Reader).Append(ctx, nil, f, before)
	if err == nil {
		err = s.small(plain)
	}
	return err
}

// small takes content that is in memory.
func (s *Source) small(plain []byte) (err error) {
	s.Content.SHA256, s.Content.Size = sha256.Sum256(plain), int64(len(plain))
	s.body, s.Content.Codec, err = s.compressor.Compress(nil, plain)
	s.Content = s.Content.WithBody(s.body)
	s.gitBlob = GitBlob(plain, s.format())
	return err
}

// hashLarge names the content of s.large, whose body is made later. It reads
// twice, because a body that the archive has is never read.
func (s *Source) hashLarge(ctx context.Context) error {
	blob := newBlob(s.large.size, s.format())
	want, err := s.large.hash(ctx, blob)
	if err != nil {
		return err
	}
	s.gitBlob = hex.EncodeToString(blob.Sum(nil))
	s.promise(want, s.large.size)
	return settled(ctx, s.large.file, s.large.before, func() error {
		sum, err := s.large.hash(ctx, io.Discard)
		if err == nil && sum != want {
			err = changed(s.large.path)
		}
		return err
	})
}

// promise says what the body of large content will hold.
func (s *Source) promise(sum sdk.Digest, size int64) {
	s.Content = sdk.Content{SHA256: sum, Size: size, Codec: s.compressor.choose(s.large.content, size), StoredSize: -1}
}

// readPipe spools in until it ends. A read that blocks ends with the process,
// and the spool is then freed by the goroutine that reads.
func (s *Source) readPipe(ctx context.Context, in io.Reader) error {
	s.Mode = pipeMode
	type result struct {
		sp  *spool.Spool
		sum sdk.Digest
		err error
	}
	results := make(chan result, 1)
	go func() {
		sp, sum := &spool.Spool{}, sha256.New()
		_, err := spool.Copy(ctx, io.MultiWriter(sp, sum), in)
		if err != nil {
			sp.Close()
		}
		results <- result{sp, sdk.Digest(sum.Sum(nil)), err}
	}()
	var got result
	select {
	case <-ctx.Done():
		return sdk.AsError(ctx.Err())
	case got = <-results:
	}
	if got.err != nil {
		return fmt.Errorf("read standard input: %w", got.err)
	}
	return s.spooled(got.sp, got.sum, "standard input")
}

// openRegular opens a regular file and nothing else, without following a
// symbolic link.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := durable.OpenRegular(path, os.O_RDONLY, 0)
	if special := (*durable.NotRegularError)(nil); errors.As(err, &special) {
		return nil, nil, sdk.Errorf(sdk.Invalid, "%s; only regular files can be archived", special)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // it was only read; the error that follows says more
		return nil, nil, err
	}
	return f, info, nil
}
