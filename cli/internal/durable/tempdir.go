package durable

import (
	"os"
	"runtime"
)

// TempDirError says that a temporary file cannot be made or written in the
// directory for such files, which a variable of the environment names.
type TempDirError struct {
	Dir string
	Err error
}

// InTempDir returns err, of a call on a temporary file, as a [TempDirError], and
// nil for nil.
func InTempDir(err error) error {
	if err == nil {
		return nil
	}
	return &TempDirError{Dir: os.TempDir(), Err: Cause(err)}
}

func (e *TempDirError) Error() string {
	return "the directory for temporary files, " + e.Dir + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *TempDirError) Unwrap() error { return e.Err }

// Advice says what to do.
func (e *TempDirError) Advice() string {
	variable := "TMPDIR"
	if runtime.GOOS == "windows" {
		variable = "TMP"
	}
	if Full(e.Err) {
		return "make room there, or set " + variable + " to a directory with room"
	}
	return "set " + variable + " to a directory that exists and can be written to"
}

// TempWriter is a temporary file whose errors are [TempDirError]s.
type TempWriter struct{ File *os.File }

// Write implements [io.Writer].
func (w TempWriter) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	return n, InTempDir(err)
}
