package restorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// maxTarget is the longest text of a symbolic link, in bytes, that systems take.
const maxTarget = 4095

// linkRestore is one symbolic link on its way.
type linkRestore struct {
	record *sdk.Record
	place  *place
	to     Destination
	opener Opener
}

// restoreLink makes the link that r is a record of. It is never followed.
func (rs *Restorer) restoreLink(ctx context.Context, body io.Reader, l linkRestore, done *Restored) error {
	if same, err := l.examine(); same || err != nil {
		done.Unchanged = same
		return err
	}
	target, err := l.target(ctx, body, done)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := l.place.makeDirs(); err != nil {
		return err
	}
	rs.sweep(l.place)
	if done.Unchanged, err = l.make(target); done.Unchanged || err != nil {
		return err
	}
	done.Write = time.Since(start)
	return l.place.sync()
}

// make makes the link. It reports true if it was made meanwhile.
func (l linkRestore) make(target string) (same bool, err error) {
	err = durable.Symlink(l.place.root, target, l.place.name, l.to.Force)
	if errors.Is(err, fs.ErrExist) {
		l.place.free = false
		return l.examine()
	}
	return false, l.place.failedOr(err)
}

// examine looks at what is there already, unless the name was free. It reports
// true if that is the link, and an error if it must not be replaced.
func (l linkRestore) examine() (same bool, err error) {
	p := l.place
	info, err := p.existing()
	if err != nil || info == nil {
		return false, p.failedOr(err)
	}
	mode := info.Mode()
	if mode&fs.ModeSymlink != 0 {
		text, err := p.root.Readlink(p.name)
		if err != nil {
			return false, p.failed(err)
		}
		if sha256.Sum256([]byte(text)) == l.record.Content.SHA256 {
			return true, nil
		}
	}
	switch {
	case !mode.IsRegular() && mode&fs.ModeSymlink == 0:
		return false, p.refuse("is "+durable.FileType(mode), "")
	case l.to.Force:
		return false, nil
	}
	return false, p.refuse("exists and is not the recorded link", forceHint)
}

// target reads and verifies the text of the link, and refuses one that leads out.
func (l linkRestore) target(ctx context.Context, body io.Reader, done *Restored) (string, error) {
	if n := l.record.Content.Size; n < 1 || n > maxTarget {
		return "", sdk.Errorf(sdk.Invalid, "output %s: a symbolic link cannot have a text of length %d", l.place.shown, n)
	}
	var text bytes.Buffer
	x, err := l.opener.extract(ctx, l.record, body, &text)
	done.Decompression = x.decompression
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(text.Bytes(), 0) >= 0 {
		return "", sdk.Errorf(sdk.Invalid, "output %s: the text of a symbolic link cannot hold a zero byte", l.place.shown)
	}
	if err := l.checkTarget(text.String()); err != nil && !l.to.Force {
		return "", err
	}
	return text.String(), nil
}

// checkTarget refuses a target that is absolute or leads out of the base. A ".."
// behind a name counts as leading out, because that name may be a link itself.
func (l linkRestore) checkTarget(target string) error {
	if filepath.IsAbs(target) || filepath.VolumeName(target) != "" || strings.HasPrefix(target, "/") {
		return l.refuseTarget(target, "is absolute")
	}
	if l.to.Base == nil {
		return nil
	}
	depth := 0
	for part := range strings.SplitSeq(filepath.ToSlash(l.place.dir), "/") {
		if part != "" && part != "." {
			depth++
		}
	}
	named := false
	for part := range strings.SplitSeq(filepath.ToSlash(target), "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; named || depth < 0 {
				return l.refuseTarget(target, "leads out of the base directory")
			}
		default:
			named = true
		}
	}
	return nil
}

func (l linkRestore) refuseTarget(target, why string) error {
	return sdk.Errorf(sdk.Refused, "output %s is a link whose target %q %s; --force restores it all the same", l.place.shown, target, why)
}
