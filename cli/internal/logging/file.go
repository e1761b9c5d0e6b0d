package logging

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// openFile opens a log file for appending, and makes it and its parents where
// they are missing. A file that is not empty must begin with a line of this
// program, so that no other file is ever written to.
func openFile(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	if err := durable.CheckProjectDir(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := durable.OpenRegular(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := checkHead(f); err != nil {
		_ = f.Close() // it was only read; the error that follows says more
		return nil, err
	}
	return f, nil
}

// lineHeads are how lines begin in each format, with 0 for any digit.
var lineHeads = []string{`{"ts":"0000-00-00T00:00:00.000Z","level":"`, `[0000-00-00T00:00:00.000Z] `}

// checkHead reports an error where f has something else than log lines. A file
// that ends within its first line is a log.
func checkHead(f io.ReaderAt) error {
	head := make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	text := strings.Map(zeroForDigit, string(head[:n]))
	for _, want := range lineHeads {
		if strings.HasPrefix(text, want) || strings.HasPrefix(want, text) {
			return nil
		}
	}
	return errors.New("exists and does not begin with a log line; choose another file")
}

func zeroForDigit(r rune) rune {
	if r >= '0' && r <= '9' {
		return '0'
	}
	return r
}
