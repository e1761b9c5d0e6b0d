package pluginhost

import (
	"bufio"
	"bytes"
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
	Path string // of its file
	sums map[lockKey]sdk.Digest
}

// lockKey names a program. A team's machines differ, so each platform has its
// own line.
type lockKey struct{ name, platform string }

// Platform is that of this program, as the lock names it.
const Platform = runtime.GOOS + "/" + runtime.GOARCH

// maxLock bounds the file, in bytes; a line has about 90.
const maxLock = 64 << 10

const lockHead = `# Written by codex plugin lock. Only the backend programs with these SHA-256 sums
# are run in this project; without this file, any that is found.
`

// LockPath is where the lock of a project lies.
func LockPath(root string) string { return filepath.Join(root, ".codex", "plugins.lock") }

// ReadLock reads the lock of the project at root. It is nil where there is none.
func ReadLock(root string) (*Lock, error) {
	lock, err := readLock(LockPath(root))
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
			return nil, fmt.Errorf("%s:%d: found %.120q, allowed NAME OS/ARCH SHA256, each program once", path, n, line)
		}
	}
	return l, in.Err()
}

// parse takes in a line and reports whether it is one.
func (l *Lock) parse(words []string) bool {
	if len(words) != 3 || !sdk.ValidBackendName(words[0]) || !strings.Contains(words[1], "/") {
		return false
	}
	k := lockKey{words[0], words[1]}
	sum, err := hex.DecodeString(words[2])
	if _, twice := l.sums[k]; twice || err != nil || len(sum) != len(sdk.Digest{}) {
		return false
	}
	l.sums[k] = sdk.Digest(sum)
	return true
}

// relock is the hint about a program that the lock does not allow.
const relock = "if you trust the program that is there now: codex plugin lock"

// NewLock returns a lock that allows nothing, to be written to path.
func NewLock(path string) *Lock { return &Lock{Path: path, sums: map[lockKey]sdk.Digest{}} }

// Sum returns the hash that the program of the backend must have: nil if l is
// nil, and so any may run.
func (l *Lock) Sum(name string) (*sdk.Digest, error) {
	if l == nil {
		return nil, nil
	}
	sum, ok := l.sums[lockKey{name, Platform}]
	if !ok {
		return nil, output.Errorf(output.PluginChanged, "%s does not name backend %q for %s; it was not run", l.Path, name, Platform).
			WithHint("%s %s", relock, name)
	}
	return &sum, nil
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
func (l *Lock) State(p Program) (State, error) {
	if l == nil {
		return Unlocked, nil
	}
	want, err := l.Sum(p.Name)
	if err != nil {
		return Unnamed, nil
	}
	sum, err := p.SHA256()
	if err != nil {
		return Differs, err
	}
	if sum != *want {
		return Differs, nil
	}
	return Locked, nil
}

// Set makes sum the hash of the backend's program on this platform.
func (l *Lock) Set(name string, sum sdk.Digest) { l.sums[lockKey{name, Platform}] = sum }

// Write replaces the file, whole or not at all.
func (l *Lock) Write() error {
	return durable.WriteFile(l.Path, 0o666, func(w io.Writer) error {
		_, err := io.WriteString(w, l.String())
		return err
	})
}

// String is the lock as its file holds it.
func (l *Lock) String() string {
	var b strings.Builder
	b.WriteString(lockHead)
	keys := slices.SortedFunc(maps.Keys(l.sums), func(a, b lockKey) int {
		return strings.Compare(a.name+" "+a.platform, b.name+" "+b.platform)
	})
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %s %s\n", k.name, k.platform, l.sums[k])
	}
	return b.String()
}
