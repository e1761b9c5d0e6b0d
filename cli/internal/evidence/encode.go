package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// line is JSON that is being written: what encoding/json writes of a [wire], in
// an eighth of the time, which counts where a thousand records are stored
// together.
type line []byte

// encode returns w as JSON.
func (w *wire) encode() []byte {
	l := make(line, 0, 768)
	l = append(l, `{"v":`...)
	l = strconv.AppendInt(l, int64(w.V), 10)
	l.text("id", w.ID.String())
	l.number("seq", w.Seq)
	l.text("ts", time.Time(w.TS).UTC().Format(TimeForm))
	l.text("action", string(w.Action))
	l.text("actor", w.Actor)
	l.text("backend", w.Backend)
	l.millis("duration_ms", &w.Duration)
	l.text("status", string(w.Status))
	l.text("prev", hex.EncodeToString(w.Prev[:]))

	l.given("tombstone", w.Tombstone)
	l.given("repo", w.Repo)
	l.given("path", w.Path)
	l.binary("path_b64", w.PathB64)
	l.given("commit", w.Commit)

	l.given("output", w.Output)
	l.binary("output_b64", w.OutputB64)
	l.counted("attempt", int64(w.Attempt))
	l.given("reason", w.Reason)

	l.given("sha256", w.SHA256)
	l.given64("size", w.Size)
	l.given64("compressed_size", w.CompressedSize)
	l.given("codec", w.Codec)

	l.millis("decompression_ms", w.Decompression)
	l.millis("write_ms", w.Write)
	l.givenInt("attempts", w.Attempts)
	l.filled("error", w.Error)
	l.filled("url", w.URL)
	l.filled("db_event", w.DBEvent)
	if w.Repaired {
		l = append(l, `,"repaired":true`...)
	}

	l.givenInt("items_processed", w.Processed)
	l.givenInt("succeeded", w.Succeeded)
	l.givenInt("failed", w.Failed)
	l.givenInt("skipped", w.Skipped)
	l.millis("total_duration_ms", w.Total)
	l.given("results_file", w.ResultsFile)

	l.given("set_aside", w.SetAside)
	l.given64("bytes", w.Bytes)
	return append(l, '}')
}

func (l *line) key(name string) { *l = append(append(append(*l, ',', '"'), name...), '"', ':') }

func (l *line) text(name, value string) {
	l.key(name)
	*l = appendString(*l, value)
}

// filled is text that is left out where it is empty, given what is where there
// is none.
func (l *line) filled(name, value string) {
	if value != "" {
		l.text(name, value)
	}
}

func (l *line) given(name string, value *string) {
	if value != nil {
		l.text(name, *value)
	}
}

func (l *line) number(name string, value int64) {
	l.key(name)
	*l = strconv.AppendInt(*l, value, 10)
}

func (l *line) counted(name string, value int64) {
	if value != 0 {
		l.number(name, value)
	}
}

func (l *line) given64(name string, value *int64) {
	if value != nil {
		l.number(name, *value)
	}
}

func (l *line) givenInt(name string, value *int) {
	if value != nil {
		l.number(name, int64(*value))
	}
}

func (l *line) millis(name string, value *millis) {
	if value != nil {
		l.key(name)
		*l = value.append(*l)
	}
}

func (l *line) binary(name string, value []byte) {
	if len(value) > 0 {
		l.key(name)
		*l = append(base64.StdEncoding.AppendEncode(append(*l, '"'), value), '"')
	}
}

// appendString appends s in quotes, with escapes where JSON or [escape] want
// them.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(dst, quoted(s)...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a string has no error
	}
	return escape.JSON(strings.TrimSuffix(b.String(), "\n"))
}

// encode returns an intent as JSON.
func (n *intentFile) encode() ([]byte, error) {
	head := *n
	head.Records = nil
	text, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	text = append(bytes.TrimSuffix(text, []byte("null}")), '[')
	for i, r := range n.Records {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, r.wire().encode()...)
	}
	return append(text, ']', '}'), nil
}
