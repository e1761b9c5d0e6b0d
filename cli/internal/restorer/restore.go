package restorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// verifiedInMemory is up to which plain size, in bytes, content is verified
// before a directory or a file is made for it.
const verifiedInMemory = 1 << 20

// maxSwept bounds how many directories a Restorer remembers to have swept.
const maxSwept = 4096

// Restorer writes files. It may be used from several goroutines; one for each run
// sweeps each directory once.
type Restorer struct {
	opener Opener

	mu    sync.Mutex
	swept map[string]bool
	made  map[durable.FileID]string // the files that were published, and under which path
}

// New returns a Restorer that reads bodies with o.
func New(o Opener) *Restorer { return &Restorer{opener: o} }

// Restored is what became of one restore.
type Restored struct {
	Path          string        // where the file is: as the destination was given, or the path of the file in it
	Unchanged     bool          // it was there before, with the same bytes
	Decompression time.Duration // waiting for the body not counted
	Write         time.Duration // writing, syncing, publishing
	Warnings      []string      // what the file system did not keep of mode and time
}

// Restore makes the file or symbolic link that r is a record of, whose stored
// bytes body yields, at d. body is not read where the file already has the bytes.
func (rs *Restorer) Restore(ctx context.Context, r *sdk.Record, body io.Reader, d Destination) (Restored, error) {
	p, err := d.place(r)
	if err != nil {
		return Restored{}, err
	}
	defer p.close()
	done := Restored{Path: p.shown}
	if err := rs.checkTwin(p); err != nil {
		return done, err
	}
	if r.Type == sdk.Symlink {
		err := rs.restoreLink(ctx, body, linkRestore{r, p, d, rs.opener}, &done)
		return done, err
	}
	if same, err := p.examine(ctx, r, d.Force); same || err != nil {
		done.Unchanged = same
		return done, err
	}
	if err := rs.opener.Identities.Check(r); err != nil {
		return done, err
	}
	if r.Content.Size <= verifiedInMemory {
		if body, err = rs.verifyFirst(ctx, r, body, &done); err != nil {
			return done, err
		}
	}
	start := time.Now()
	if err := p.makeDirs(); err != nil {
		return done, err
	}
	rs.sweep(p)
	err = rs.write(ctx, r, body, restoring{place: p, force: d.Force, done: &done, start: start})
	return done, err
}

// sweep removes what killed restores left in the directory of p, once for each
// Restorer.
func (rs *Restorer) sweep(p *place) {
	if rs.first(p.dir) {
		durable.Sweep(p.root)
	}
}

// first reports whether dir was not swept yet.
func (rs *Restorer) first(dir string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.swept[dir] {
		return false
	}
	if rs.swept == nil || len(rs.swept) == maxSwept {
		rs.swept = map[string]bool{}
	}
	rs.swept[dir] = true
	return true
}

// plain is the body of content that was verified already.
type plain struct{ io.Reader }

// verifyFirst reads body into memory and verifies it.
func (rs *Restorer) verifyFirst(ctx context.Context, r *sdk.Record, body io.Reader, done *Restored) (io.Reader, error) {
	var b bytes.Buffer
	b.Grow(int(max(r.Content.Size, 0)))
	x, err := rs.opener.extract(ctx, r, body, &b)
	done.Decompression = x.decompression
	return plain{&b}, err
}

// restoring is one file on its way.
type restoring struct {
	place *place
	force bool
	done  *Restored
	start time.Time
}

// write fills a temporary file and publishes it.
func (rs *Restorer) write(ctx context.Context, r *sdk.Record, body io.Reader, w restoring) (err error) {
	t, err := durable.NewTemp(w.place.root, 0o600)
	if err != nil {
		return w.place.failed(err)
	}
	defer t.Discard()
	if verified, ok := body.(plain); ok {
		if _, err = io.Copy(t.File, verified); err != nil {
			return w.place.failed(err)
		}
	} else {
		x, err := rs.opener.extract(ctx, r, body, t.File)
		if w.done.Decompression = x.decompression; err != nil {
			return w.place.failed(err)
		}
		// What was spent before the end of the body is not writing but x.write of it.
		w.start = time.Now().Add(-x.write)
	}
	if err := finish(t, r); err != nil {
		return w.place.failed(err)
	}
	if err := ctx.Err(); err != nil {
		return sdk.AsError(err)
	}
	err = rs.publish(ctx, w, t, r)
	w.done.Write = time.Since(w.start)
	return err
}

// finish sets the mode and time of r and syncs the file.
func finish(t *durable.Temp, r *sdk.Record) error {
	if err := keep(t, r); err != nil {
		return err
	}
	return t.File.Sync()
}

// keep sets the mode and time of r. What the file system cannot keep is
// said by [restoring.checkKept].
func keep(t *durable.Temp, r *sdk.Record) error {
	if err := t.File.Chmod(fs.FileMode(r.Mode).Perm()); err != nil && !durable.Unsupported(err) {
		return err
	}
	if !r.ModTime.IsZero() {
		if err := t.SetTime(r.ModTime); err != nil && !durable.Unsupported(err) {
			return err
		}
	}
	return nil
}

// timeGrain is the coarsest that file systems keep times to.
const timeGrain = 2 * time.Second

// checkKept warns where the published file has another mode or time than r: some
// file systems refuse them, others take and lose them.
func (w restoring) checkKept(r *sdk.Record) error {
	info, err := w.place.root.Lstat(w.place.name)
	if err != nil {
		return w.place.failed(err)
	}
	if mode := fs.FileMode(r.Mode).Perm(); info.Mode().Perm() != mode && runtime.GOOS != "windows" {
		w.warn("mode %04o was not kept by the file system, it is %04o", mode, info.Mode().Perm())
	}
	if off := info.ModTime().Sub(r.ModTime).Abs(); !r.ModTime.IsZero() && off >= timeGrain {
		w.warn("the modification time %s was not kept by the file system, it is %s",
			r.ModTime.UTC().Format(time.RFC3339), info.ModTime().UTC().Format(time.RFC3339))
	}
	return nil
}

func (w restoring) warn(format string, args ...any) {
	w.done.Warnings = append(w.done.Warnings, w.done.Path+": "+fmt.Sprintf(format, args...))
}

// publishTries bounds how often a file that appears and disappears under the
// name is looked at again.
const publishTries = 5

// publish names the file and makes that durable.
func (rs *Restorer) publish(ctx context.Context, w restoring, t *durable.Temp, r *sdk.Record) error {
	if err := rs.named(ctx, w, t, r); err != nil || w.done.Unchanged {
		return err
	}
	return w.place.sync()
}

// named names the file. What appears there meanwhile is treated as if it
// had been there from the start.
func (rs *Restorer) named(ctx context.Context, w restoring, t *durable.Temp, r *sdk.Record) error {
	for range publishTries {
		err := rs.publishOnce(t, w)
		if err == nil {
			return w.checkKept(r)
		}
		if !errors.Is(err, os.ErrExist) {
			return w.place.failed(err)
		}
		w.place.free = false
		if err := rs.checkTwin(w.place); err != nil {
			return err
		}
		if same, err := w.place.examine(ctx, r, w.force); same || err != nil {
			w.done.Unchanged = same
			return err
		}
	}
	return w.place.refuse("exists, and keeps changing", "")
}

// Print writes the content of r to w, nothing of it before all is verified.
func (rs *Restorer) Print(ctx context.Context, r *sdk.Record, body io.Reader, w io.Writer) (Restored, error) {
	done := Restored{Path: "-"}
	var s spool.Spool
	defer s.Close()
	x, err := rs.opener.extract(ctx, r, body, &s)
	done.Decompression, done.Write = x.decompression, x.write
	if err != nil {
		return done, err
	}
	start := time.Now()
	_, err = io.Copy(w, s.Reader())
	done.Write += time.Since(start)
	return done, err
}
