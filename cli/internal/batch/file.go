package batch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// File is a results file on disk. A reader sees the results as they were
// when they were last written, never a part of them.
type File struct {
	path  string // as shown to people
	empty bool   // it only holds the name
	saved time.Time
	took  time.Duration // what the last save cost
}

// filePerm is the mode of a results file before the umask.
const filePerm = 0o666

// Form is how results files of a command are called after the time at which the
// run began, in UTC.
type Form string

// The forms.
const (
	RestoreForm Form = "batch_restore_20060102_150405"
	VerifyForm  Form = "verify_20060102_150405"
)

// CreateFile takes a name in dir for a run that begins now, and holds it with an
// empty file: two runs never share one. The path is relative to dir.
func CreateFile(dir string, form Form, now time.Time) (*File, error) {
	durable.SweepPath(dir)
	stem := now.UTC().Format(string(form))
	for n := 1; ; n++ {
		name := stem + ".json"
		if n > 1 {
			name = fmt.Sprintf("%s_%d.json", stem, n)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("results file: %w", err)
		}
		return &File{path: name, empty: true}, f.Close()
	}
}

// IsResults reports whether a file may be one that [CreateFile] made.
func IsResults(name string) bool {
	restore, _ := filepath.Match("batch_restore_????????_??????*.json", name)
	verify, _ := filepath.Match("verify_????????_??????*.json", name)
	return restore || verify
}

// NamedFile is the results file that the user named; what is there is replaced.
func NamedFile(path string) (*File, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, durable.NamedFile("--results", path, errors.New("is not a regular file"), "")
	}
	durable.SweepPath(filepath.Dir(path))
	return &File{path: path}, nil
}

// Discard removes the file if it was never saved.
func (f *File) Discard() {
	if f.empty {
		_ = os.Remove(f.path) // an empty file that stays does no harm
	}
}

// Path is the file's name for people.
func (f *File) Path() string { return f.path }

// Between saves is at least the time that saving may cost 20 times over, so
// that a batch of any size spends at most a twentieth of its time on them.
const (
	saveEvery = 2 * time.Second
	saveShare = 20
)

// Writer is what a results file holds.
type Writer interface {
	Write(io.Writer) error
}

// SaveIfDue writes the results where the last time is long enough ago. A
// run that is killed leaves what it had saved, for --resume.
func (f *File) SaveIfDue(r Writer) error {
	if time.Since(f.saved) < max(saveEvery, saveShare*f.took) {
		return nil
	}
	return f.Save(r)
}

// Save replaces the file with the results as they are.
func (f *File) Save(r Writer) error {
	start := time.Now()
	defer func() { f.saved, f.took = time.Now(), time.Since(start) }()
	if err := durable.WriteFile(f.path, filePerm, r.Write); err != nil {
		return durable.NamedFile("results file", f.path, err, "")
	}
	f.empty = false
	return nil
}
