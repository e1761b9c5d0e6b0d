package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/codex-archive/codex/cli/internal/durable"
)

const (
	maxFile = 1 << 20 // bytes of a configuration file; a real one has 2 KiB
	maxKeys = 5_000   // keys and brackets in one: the parser's search for repeated keys is quadratic, 0.03 s here and 13 s for 100,000
)

// entry is one setting in a file, before anything is known about it.
type entry struct {
	path  []string
	value any // as go-toml decodes into any
	line  int // 1-based
}

func (e entry) name() string { return strings.Join(e.path, ".") }

// readFile returns the bytes of a configuration file.
func readFile(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, errors.New("found more than 1 MiB, allowed at most that")
	}
	return data, nil
}

// openRegular opens path for reading and refuses what is no regular file. It
// does not wait for a writer if path is a named pipe, and does not open what an
// open could change.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("found %s, allowed a regular file", durable.FileType(info.Mode()))
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, durable.Cause(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("found %s, allowed a regular file", durable.FileType(info.Mode()))
	}
	if err != nil {
		_ = f.Close() // it was only read; the error that follows says more
		return nil, durable.Cause(err)
	}
	return f, nil
}

// parseFile returns the settings in data in the order of their lines. name is
// the file's name for messages.
func parseFile(name string, data []byte) ([]entry, error) {
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	if marks(data) > maxKeys {
		return nil, &ValueError{where: name, found: fmt.Sprintf("more than %d keys", maxKeys), allowed: "the settings there are"}
	}
	var document map[string]any
	if err := toml.Unmarshal(data, &document); err != nil {
		return nil, brokenTOML(name, err)
	}
	var entries []entry
	flatten(document, nil, func(path []string, value any) {
		entries = append(entries, entry{path: path, value: value})
	})
	lines := keyLines(data)
	for i := range entries {
		entries[i].line = lines[pathID(entries[i].path)]
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.line, b.line), slices.Compare(a.path, b.path))
	})
	return entries, nil
}

// marks counts what introduces keys and tables, outside of comment lines.
func marks(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#")) {
			n += bytes.Count(line, []byte("=")) + bytes.Count(line, []byte("["))
		}
	}
	return n
}

// brokenTOML turns the parser's error into ours. The parser's messages name
// what it expected and quote at most a character or a number.
func brokenTOML(name string, err error) error {
	p := &ValueError{where: name, found: "broken TOML", allowed: "TOML 1.0"}
	var broken *toml.DecodeError
	if !errors.As(err, &broken) {
		return p
	}
	line, _ := broken.Position()
	p.where = fmt.Sprintf("%s:%d", name, line)
	message, _, _ := strings.Cut(strings.TrimPrefix(broken.Error(), "toml: "), ": strconv.")
	p.found += " (" + showName(message) + ")"
	return p
}

// flatten calls add for each value that is no table, one level of sections
// deep: a table inside a section is a value, of the wrong type for any key.
func flatten(table map[string]any, prefix []string, add func(path []string, value any)) {
	for key, value := range table {
		path := append(slices.Clone(prefix), key)
		if inner, ok := value.(map[string]any); ok && len(prefix) == 0 {
			flatten(inner, path, add)
			continue
		}
		add(path, value)
	}
}

// keyLines returns the line on which each section and each key in a section
// first appears. data has been parsed before, so errors cannot come.
func keyLines(data []byte) map[string]int {
	l := lines{first: map[string]int{}}
	l.parser.Reset(data)
	for i, c := range data {
		if c == '\n' {
			l.ends = append(l.ends, i)
		}
	}
	var table []string
	for l.parser.NextExpression() {
		switch node := l.parser.Expression(); node.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = l.noteKey(nil, node.Key())
		case unstable.KeyValue:
			l.noteValue(table, node)
		}
	}
	return l.first
}

// sectionDepth is how deep settings lie: section and key. Nothing below is
// noted, which bounds the work a hostile file can cause.
const sectionDepth = 2

type lines struct {
	parser unstable.Parser
	ends   []int          // offsets of the newlines
	first  map[string]int // pathID -> line
}

// noteValue notes the key of node, and the keys in its value if that is an
// inline table.
func (l *lines) noteValue(prefix []string, node *unstable.Node) {
	path := l.noteKey(prefix, node.Key())
	value := node.Value()
	if value.Kind != unstable.InlineTable || len(path) >= sectionDepth {
		return
	}
	for it := value.Children(); it.Next(); {
		l.noteValue(path, it.Node())
	}
}

// noteKey notes the line of each prefix of a key and returns its whole path.
func (l *lines) noteKey(prefix []string, key unstable.Iterator) []string {
	path := slices.Clone(prefix)
	for key.Next() && len(path) < sectionDepth {
		node := key.Node()
		path = append(path, string(node.Data))
		id := pathID(path)
		if _, known := l.first[id]; !known {
			newlines, _ := slices.BinarySearch(l.ends, int(node.Raw.Offset))
			l.first[id] = newlines + 1
		}
	}
	return path
}

// pathID is path as the key of a map. A key may hold NUL, written as an
// escape; what it is then confused with is no setting either.
func pathID(path []string) string { return strings.Join(path, "\x00") }
