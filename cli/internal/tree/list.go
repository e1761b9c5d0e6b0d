package tree

import (
	"bufio"
	"bytes"
	"io"
	"iter"
)

// maxLine is the longest line of a list, in bytes: no system takes so long a
// path.
const maxLine = 1 << 20

// List holds paths, one a line or each ended by a NUL. Empty ones do not count.
type List struct {
	// Reader returns a reader of the whole list, as often as it is called.
	Reader func() io.Reader
	Null   bool
}

func (l *List) lines() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		lines := bufio.NewScanner(l.Reader())
		lines.Buffer(nil, maxLine)
		if l.Null {
			lines.Split(splitNul)
		}
		for lines.Scan() {
			if lines.Text() != "" && !yield(lines.Text(), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield("", err)
		}
	}
}

// splitNul is a [bufio.SplitFunc] for what ends in a NUL.
func splitNul(data []byte, end bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if end && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
