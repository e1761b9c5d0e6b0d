package git

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Blob is a blob of a repository.
type Blob struct {
	ID   string
	Size int64
}

// Repository returns the repository that dir is or holds: a work tree, or a bare
// one. It is nil where dir is neither. It starts no program.
func Repository(dir string) (*Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, dotGit)); err == nil {
		return At(dir)
	}
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return nil, nil
		}
	}
	dir, err = filepath.EvalSymlinks(dir)
	return &Tree{Dir: dir, GitDir: dir, Common: dir}, err
}

// process is a git that runs.
type process struct {
	cmd       *exec.Cmd
	ctx       context.Context // of the call, which the process cannot outlive
	cancel    context.CancelFunc
	out       *bufio.Reader
	complaint *bounded
}

func (t *Tree) start(ctx context.Context, in io.Reader, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &process{cmd: t.command(ctx, args...), ctx: ctx, cancel: cancel, complaint: &bounded{room: maxOutput}}
	s.cmd.Stdin, s.cmd.Stderr = in, s.complaint
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, callError(ctx, err, s.complaint)
	}
	s.out = bufio.NewReaderSize(out, 64<<10)
	return s, nil
}

// end ends git, and returns its error if it ended by itself.
func (s *process) end() error {
	err := callError(s.ctx, s.cmd.Wait(), s.complaint)
	s.cancel()
	return err
}

// stop ends git at once.
func (s *process) stop() {
	s.cancel()
	_ = s.cmd.Wait() // it was killed
}

// AllBlobs yields the blobs of the repository, whether or not a commit has them.
func (t *Tree) AllBlobs(ctx context.Context) iter.Seq2[Blob, error] {
	return func(yield func(Blob, error) bool) {
		s, err := t.start(ctx, nil, "cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize)", "--batch-all-objects", "--unordered", "--buffer")
		if err != nil {
			yield(Blob{}, err)
			return
		}
		lines := bufio.NewScanner(s.out)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if len(words) != 3 || words[0] != "blob" {
				continue
			}
			size, err := strconv.ParseInt(words[2], 10, 64)
			if err == nil && isObjectID(words[1]) && !yield(Blob{words[1], size}, nil) {
				s.stop()
				return
			}
		}
		if err := s.end(); err != nil || lines.Err() != nil {
			if err == nil {
				err = lines.Err()
			}
			yield(Blob{}, err)
		}
	}
}

// isObjectID reports whether s is a hash in full: SHA-1 or SHA-256.
func isObjectID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// Blobs reads blobs, with one git for all of them.
type Blobs struct {
	process *process
	ask     *io.PipeWriter
}

// OpenBlobs starts git. The caller closes the Blobs.
func (t *Tree) OpenBlobs(ctx context.Context) (*Blobs, error) {
	in, ask := io.Pipe()
	s, err := t.start(ctx, in, "cat-file", "--batch=%(objecttype) %(objectname) %(objectsize)")
	if err != nil {
		return nil, err
	}
	return &Blobs{s, ask}, nil
}

// Close ends git.
func (b *Blobs) Close() {
	_ = b.ask.Close() // a pipe of this process
	b.process.stop()
}

// Read calls read with the content of a blob, and reports false where there is no
// such blob, or one of another size. What read leaves is passed over.
func (b *Blobs) Read(blob Blob, read func(io.Reader) error) (there bool, err error) {
	if !isObjectID(blob.ID) {
		return false, nil
	}
	if _, err := io.WriteString(b.ask, blob.ID+"\n"); err != nil {
		return false, b.broken(err)
	}
	head, err := b.process.out.ReadString('\n')
	if err != nil {
		return false, b.broken(err)
	}
	words := strings.Fields(head)
	if len(words) != 3 {
		return false, nil // "ID missing"
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || size < 0 {
		return false, b.broken(fmt.Errorf("git answered %q", head))
	}
	content := &io.LimitedReader{R: b.process.out, N: size}
	there = words[0] == "blob" && size == blob.Size
	if there {
		if err := read(content); err != nil {
			return false, err
		}
	}
	if _, err := io.CopyN(io.Discard, b.process.out, content.N+1); err != nil { // and a newline
		return false, b.broken(err)
	}
	return there, nil
}

// broken is the error of a git that does not answer.
func (b *Blobs) broken(err error) error {
	_ = b.ask.Close() // git ends by itself then, or by the timer
	last := time.AfterFunc(time.Second, b.process.cancel)
	defer last.Stop()
	if said := b.process.end(); said != nil {
		return said
	}
	return fmt.Errorf("git gave no answer: %w", err)
}
