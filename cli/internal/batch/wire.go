package batch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// resultWire is a Result as JSON.
type resultWire struct {
	Item     Item    `json:"item"`
	Status   Status  `json:"status"`
	Duration millis  `json:"duration_ms"`
	Error    *string `json:"error"`
}

func (r Result) wire() resultWire {
	w := resultWire{Item: r.Item, Status: r.Status, Duration: millis(r.Duration)}
	if r.Error != "" {
		w.Error = &r.Error
	}
	return w
}

// summaryWire is a Summary as JSON.
type summaryWire struct {
	Total     int    `json:"total"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Skipped   int    `json:"skipped"`
	Duration  millis `json:"total_duration_ms"`
}

func (s Summary) wire() summaryWire {
	return summaryWire{s.Total, s.Succeeded, s.Failed, s.Skipped, millis(s.Duration)}
}

// documentWire is a results file, as it is read.
type documentWire struct {
	Manifest Source       `json:"manifest"`
	Items    []resultWire `json:"items"`
}

// millis is a duration as a JSON number of milliseconds with one decimal.
type millis time.Duration

func (m millis) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.1f", float64(time.Duration(m).Round(100*time.Microsecond))/float64(time.Millisecond)), nil
}

func (m *millis) UnmarshalJSON(text []byte) error {
	var n float64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if n < 0 || n > float64(math.MaxInt64/int64(time.Millisecond)) {
		return fmt.Errorf("%v is no duration", n)
	}
	*m = millis(n * float64(time.Millisecond))
	return nil
}

// indented is v as JSON that stands behind prefix. The values of this package
// all have a form.
func indented(v any, prefix string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	_ = e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
