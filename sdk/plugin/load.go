package plugin

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
)

// load prepares the start of the program, until ctx ends: it checks it, and reads
// of its file what the start reads. While Linux makes a process (vfork) the thread
// that asks cannot be stopped, and with it waits every goroutine of this host as
// soon as garbage is collected. So a file system that does not answer must be met
// before, by calls that cost a goroutine and no more.
func (c *Command) load(ctx context.Context) (*image, error) {
	type result struct {
		image *image
		err   error
	}
	results := make(chan result, 1)
	go func() { // ends when the file system answers
		i, err := c.image()
		results <- result{i, err}
	}()
	select {
	case r := <-results:
		return r.image, r.err
	case <-ctx.Done():
		go func() {
			if r := <-results; r.err == nil {
				r.image.close()
			}
		}()
		return nil, ctx.Err()
	}
}

// image checks the program, and reads its beginning.
func (c *Command) image() (*image, error) {
	info, err := os.Stat(c.Path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a FIFO waits for its writer
		return nil, errors.New("it is not a regular file")
	}
	i, err := c.verified()
	if err == nil && i.copy == nil {
		readStart(c.Path, maxInterpreters)
	}
	return i, err
}

// maxInterpreters is how many scripts may be each other's interpreters in Linux.
const maxInterpreters = 5

// readStart reads the beginning of the program, and that of its interpreter. What
// fails here fails in the start, too, which says why.
func readStart(path string, depth int) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	line, err := bufio.NewReader(f).ReadSlice('\n')
	if err != nil {
		return
	}
	rest, script := strings.CutPrefix(string(line), "#!")
	if words := strings.Fields(rest); script && len(words) > 0 && depth > 0 {
		if info, err := os.Stat(words[0]); err == nil && info.Mode().IsRegular() {
			readStart(words[0], depth-1)
		}
	}
}
