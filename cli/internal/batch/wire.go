package batch

import (
	"bytes"
	"encoding/json"
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

func (r Result) wire() resultWire {
	w := resultWire{Item: r.Item, Status: r.Status, Duration: output.Millis(r.Duration), Code: int(r.Code)}
	if r.Error != "" {
		w.Error = &r.Error
	}
	return w
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
