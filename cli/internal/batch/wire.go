package batch

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
)

// resultWire is a Result as JSON.
type resultWire struct {
	Item     Item          `json:"item"`
	Status   Status        `json:"status"`
	Duration output.Millis `json:"duration_ms"`
	Error    *string       `json:"error"`
	Code     int           `json:"code,omitempty"`
}

// summaryWire is a Summary as JSON.
type summaryWire struct {
	Total     int           `json:"total"`
	Succeeded int           `json:"succeeded"`
	Failed    int           `json:"failed"`
	Skipped   int           `json:"skipped"`
	Duration  output.Millis `json:"total_duration_ms"`
}

func (s Summary) wire() summaryWire {
	return summaryWire{s.Total, s.Succeeded, s.Failed, s.Skipped, output.Millis(s.Duration)}
}

// documentWire is a results file, as it is read.
type documentWire struct {
	Manifest Source       `json:"manifest"`
	Items    []resultWire `json:"items"`
}

// append appends r as JSON, as encoding/json writes a resultWire with an indent, in a
// part of the time: there may be a million of them.
func (r *Result) append(dst []byte) []byte {
	dst = append(dst, "\n    {\n      \"item\": {\n        \"tombstone\": "...)
	dst = escape.AppendString(dst, r.Item.Tombstone)
	dst = append(dst, ",\n        \"output\": "...)
	dst = escape.AppendString(dst, r.Item.Output)
	if r.Item.SHA256 != "" {
		dst = append(dst, ",\n        \"sha256\": "...)
		dst = escape.AppendString(dst, r.Item.SHA256)
	}
	dst = append(dst, "\n      },\n      \"status\": "...)
	dst = escape.AppendString(dst, string(r.Status))
	dst = append(dst, ",\n      \"duration_ms\": "...)
	dst = output.Millis(r.Duration).Append(dst)
	dst = append(dst, ",\n      \"error\": "...)
	if r.Error == "" {
		dst = append(dst, "null"...)
	} else {
		dst = escape.AppendString(dst, r.Error)
	}
	if r.Code != 0 {
		dst = strconv.AppendInt(append(dst, ",\n      \"code\": "...), int64(r.Code), 10)
	}
	return append(dst, "\n    }"...)
}

// append appends an item of a manifest as JSON, on one line.
func (i Item) append(dst []byte) []byte {
	dst = escape.AppendString(append(dst, `{"tombstone":`...), i.Tombstone)
	dst = escape.AppendString(append(dst, `,"output":`...), i.Output)
	if i.SHA256 != "" {
		dst = escape.AppendString(append(dst, `,"sha256":`...), i.SHA256)
	}
	return append(dst, '}')
}

// indented is v as JSON after prefix. The values of this package can all be
// encoded.
func indented(v any, prefix string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	_ = e.Encode(v)
	return []byte(escape.JSON(strings.TrimSuffix(b.String(), "\n")))
}
