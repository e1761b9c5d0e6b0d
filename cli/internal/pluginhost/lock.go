package pluginhost

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Lock says which programs may be run: those whose SHA-256 it holds, and no
// others. It comes with the project, so a stranger may have written it: it can
// forbid, and never allow what would be forbidden without it.
type Lock struct {
	Path  string // of its file
	lines map[lockKey]Locking
}

// lockKey names a program. A team's machines differ, so each platform has its
// own line.
type lockKey struct{ name, platform string }

// Locking is a line of a lock: the only program that may run for a backend on a
// platform.
type Locking struct {
	Name     string
	Platform string // as [Platform]
	SHA256   sdk.Digest
	Version  string // for people; "" where it was not known
}

// Platform is that of this program, as the lock names it.
const Platform = runtime.GOOS + "/" + runtime.GOARCH

// maxLock bounds the file, in bytes; a line has about 90.
const maxLock = 64 << 10

const lockHead = `# Written by codex plugin lock. Only the backend programs with these SHA-256 sums
# are run in this project; without this file, any that is found.
# NAME OS/ARCH SHA256 [VERSION]
`

// LockPath is where the lock of a project lies.
func LockPath(root string) string { return filepath.Join(root, ".codex", "plugins.lock") }

// ReadLock reads the lock of the project at root. It is nil where there is none, or
// no project. It does not wait without end for a file system.
func ReadLock(ctx context.Context, root string) (*Lock, error) {
	if root == "" {
		return nil, nil
	}
	path := LockPath(root)
	lock, err := durable.Answered(ctx, 0, path, func() (*Lock, error) { return readLock(path) })
	var stalled *durable.StalledError
	if errors.As(err, &stalled) || ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, output.Errorf(output.Config, "%w", err).WithHint("correct or delete it, then: codex plugin lock")
	}
	return lock, nil
}

func readLock(path string) (*Lock, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: found no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxLock+1))
	if err != nil {
		return nil, err
	}
	return parseLock(path, data)
}

func parseLock(path string, data []byte) (*Lock, error) {
	if len(data) > maxLock {
		return nil, fmt.Errorf("%s: found more than %d bytes, allowed at most that", path, maxLock)
	}
	l := NewLock(path)
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Buffer(nil, maxLock+1)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !l.parse(strings.Fields(line)) {
			return nil, fmt.Errorf("%s:%d: found %.120q, allowed NAME OS/ARCH SHA256 [VERSION], each program once", path, n, line)
		}
	}
	return l, in.Err()
}

// parse takes in a line and reports whether it is one.
func (l *Lock) parse(words []string) bool {
	if len(words) < 3 || len(words) > 4 || !sdk.ValidBackendName(words[0]) || !strings.Contains(words[1], "/") {
		return false
	}
	sum, err := hex.DecodeString(words[2])
	if _, twice := l.lines[lockKey{words[0], words[1]}]; twice || err != nil || len(sum) != len(sdk.Digest{}) {
		return false
	}
	line := Locking{Name: words[0], Platform: words[1], SHA256: sdk.Digest(sum)}
	if len(words) == 4 {
		if line.Version = words[3]; !ValidVersion(line.Version) {
			return false
		}
	}
	l.Set(line)
	return true
}

// ValidVersion reports whether a version can be in a lock, and in the names of
// published files: a digit, with or without "v" before it, and up to 62 characters
// that need no quotes anywhere.
func ValidVersion(v string) bool {
	number := strings.TrimPrefix(v, "v")
	return number != "" && number[0] >= '0' && number[0] <= '9' && len(number) <= 63 &&
		strings.Trim(number, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+~-") == ""
}

// relock is the hint about a program that the lock does not allow.
const relock = "if you trust the program that is there now: codex plugin lock"

// NewLock returns a lock that allows nothing, to be written to path.
func NewLock(path string) *Lock { return &Lock{Path: path, lines: map[lockKey]Locking{}} }

// Sum returns the hash that the program of the backend must have: nil if l is
// nil, and so any may run.
func (l *Lock) Sum(name string) (*sdk.Digest, error) {
	if l == nil {
		return nil, nil
	}
	line, ok := l.lines[lockKey{name, Platform}]
	if !ok {
		return nil, output.Errorf(output.PluginChanged, "%s does not name backend %q for %s; it was not run", l.Path, name, Platform).
			WithHint("%s %s", relock, name)
	}
	return &line.SHA256, nil
}

// State is what the lock says of a program.
type State string

// The states.
const (
	Unlocked State = ""          // there is no lock
	Locked   State = "locked"    // the lock names this very program
	Differs  State = "differs"   // the lock names another: it is refused
	Unnamed  State = "not named" // the lock names none for this backend: it is refused
)

// State compares the program with the lock. l may be nil.
func (l *Lock) State(ctx context.Context, p Program) (State, error) {
	if l == nil {
		return Unlocked, nil
	}
	want, err := l.Sum(p.Name)
	if err != nil {
		return Unnamed, nil
	}
	sum, err := p.SHA256(ctx)
	if err != nil {
		return Differs, err
	}
	if sum != *want {
		return Differs, nil
	}
	return Locked, nil
}

// Set adds a line, or replaces that of the same backend and platform. A version
// that is not known stays what it was for the same program.
func (l *Lock) Set(line Locking) {
	k := lockKey{line.Name, line.Platform}
	if before := l.lines[k]; line.Version == "" && before.SHA256 == line.SHA256 {
		line.Version = before.Version
	}
	l.lines[k] = line
}

// Version returns that of the program that may run for a backend here, "" if it is
// not known.
func (l *Lock) Version(name string) string { return l.lines[lockKey{name, Platform}].Version }

// Remove takes out the line of a backend on this platform, and reports whether
// there was one.
func (l *Lock) Remove(name string) bool {
	k := lockKey{name, Platform}
	_, ok := l.lines[k]
	delete(l.lines, k)
	return ok
}

// Write replaces the file, whole or not at all. A project that has no .codex gets
// one; a symbolic link in its place, which a clone can bring, is not followed.
func (l *Lock) Write() error {
	dir := filepath.Dir(l.Path)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := durable.CheckDir(dir); err != nil {
		return err
	}
	return durable.WriteFile(l.Path, 0o666, func(w io.Writer) error {
		_, err := io.WriteString(w, l.String())
		return err
	})
}

// String is the lock as its file holds it.
func (l *Lock) String() string {
	var b strings.Builder
	b.WriteString(lockHead)
	keys := slices.SortedFunc(maps.Keys(l.lines), func(a, b lockKey) int {
		return strings.Compare(a.name+" "+a.platform, b.name+" "+b.platform)
	})
	for _, k := range keys {
		line := l.lines[k]
		fmt.Fprintln(&b, strings.TrimRight(strings.Join([]string{k.name, k.platform, line.SHA256.String(), line.Version}, " "), " "))
	}
	return b.String()
}
