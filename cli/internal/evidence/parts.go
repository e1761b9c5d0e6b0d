package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
)

const stem = "archive_ops."

// partName returns the name of a closed part of the log, which are numbered from
// 1.
func partName(n int) string { return fmt.Sprintf("%s%06d.jsonl", stem, n) }

// checkpointName returns the name of the checkpoint that closed a part.
func checkpointName(n int) string { return fmt.Sprintf("%s%06d.checkpoint", stem, n) }

// partNumber returns the number of a closed part, 0 for any other name.
func partNumber(name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, stem), ".jsonl"))
	if err != nil || n < 1 || partName(n) != name {
		return 0
	}
	return n
}

// MissingPartError says that a part of the log is not in its directory.
type MissingPartError struct{ Name string }

func (e *MissingPartError) Error() string { return e.Name + " is missing" }

// closedParts returns how many closed parts are in dir. current is the part that
// grows, nil where it is missing. A closed part that is the same file as current
// is left of a rotation that was not finished, and does not count.
func closedParts(dir string, current *os.File) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var numbers []int
	for _, e := range entries {
		if n := partNumber(e.Name()); n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			return 0, &MissingPartError{partName(i + 1)}
		}
	}
	if n := len(numbers); n > 0 && current != nil && durable.StillNamed(current, filepath.Join(dir, partName(n))) {
		return n - 1, nil
	}
	return len(numbers), nil
}

// Checkpoints returns the paths of the checkpoints that rotations of the log at path
// have left beside its closed parts, whether or not they are there.
func Checkpoints(path string) []string {
	p, err := openParts(path)
	if err != nil {
		return nil // the chain says so
	}
	defer p.close()
	paths := make([]string, p.closed)
	for i := range paths {
		paths[i] = filepath.Join(p.dir, checkpointName(i+1))
	}
	return paths
}

// parts are the files of a log.
type parts struct {
	dir     string
	closed  int
	current *os.File // nil where it is missing
}

// openParts opens the log at path. Where there is neither a log nor a closed part
// the error is [fs.ErrNotExist]. The part that grows is opened first: one that is
// closed meanwhile is read under its old name.
func openParts(path string) (*parts, error) {
	p := &parts{dir: filepath.Dir(path)}
	var missing error
	if p.current, missing = durable.OpenRegular(path, os.O_RDONLY, 0); missing != nil {
		p.current = nil
		if !errors.Is(missing, fs.ErrNotExist) {
			return nil, missing
		}
	}
	var err error
	if p.closed, err = closedParts(p.dir, p.current); err == nil && p.closed == 0 {
		err = missing
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *parts) close() {
	if p.current != nil {
		_ = p.current.Close() // it was only read
	}
}

// open returns part n, from 1; the last is the one that grows.
func (p *parts) open(n int) (*os.File, error) {
	switch {
	case n <= p.closed:
		return durable.OpenRegular(filepath.Join(p.dir, partName(n)), os.O_RDONLY, 0)
	case p.current == nil:
		return nil, &MissingPartError{FileName}
	}
	return p.current, nil
}

// closedSize returns how long the closed parts are together, in bytes.
func (p *parts) closedSize() (size int64, err error) {
	for n := 1; n <= p.closed; n++ {
		info, err := os.Lstat(filepath.Join(p.dir, partName(n)))
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}
