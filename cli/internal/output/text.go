package output

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xrash/smetrics"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// Millis is a duration as results show it: milliseconds with one decimal.
type Millis time.Duration

func (m Millis) value() float64 {
	return float64(time.Duration(max(m, 0)).Round(100*time.Microsecond)) / float64(time.Millisecond)
}

// String returns "12.3ms".
func (m Millis) String() string { return fmt.Sprintf("%.1fms", m.value()) }

// MarshalJSON writes a number.
func (m Millis) MarshalJSON() ([]byte, error) { return m.Append(nil), nil }

// Append appends the number that MarshalJSON writes.
func (m Millis) Append(dst []byte) []byte { return strconv.AppendFloat(dst, m.value(), 'f', 1, 64) }

// UnmarshalJSON reads a number.
func (m *Millis) UnmarshalJSON(text []byte) error {
	var n float64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if n < 0 || n > float64(math.MaxInt64/int64(time.Millisecond)) {
		return fmt.Errorf("%v is no duration", n)
	}
	*m = Millis(math.Round(n * float64(time.Millisecond)))
	return nil
}

// Count returns "1 record" or "3 records" for the noun "record".
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "cy"); ok {
		return fmt.Sprintf("%d %scies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// PathText returns path as text, and its bytes in base64 if they are not UTF-8.
func PathText(path string) (text, b64 string) {
	if utf8.ValidString(path) {
		return path, ""
	}
	return strings.ToValidUTF8(path, "\uFFFD"), base64.StdEncoding.EncodeToString([]byte(path))
}

// Stamp is a time as results for people show it: UTC, seconds.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// OptionalTime returns nil for the zero time, for fields that JSON leaves out.
func OptionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ShellWord quotes s where a shell would split or expand it. Bytes that are not
// safe to print become octal escapes, in a form that bash, zsh and ksh read.
func ShellWord(s string) string {
	switch {
	case s != escape.Text(s):
		var b strings.Builder
		for _, c := range []byte(s) {
			switch {
			case c == '\'' || c == '\\':
				b.WriteString(`\` + string(c))
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03o`, c)
			default:
				b.WriteByte(c)
			}
		}
		return "$'" + b.String() + "'"
	case s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+/=:@%", r))
	}):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// ShellPath is ShellWord for a path, which no program may take for a flag.
func ShellPath(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return ShellWord(path)
}

// Nearest returns the candidate that is at most two edits away from typed, or
// "".
func Nearest(typed string, candidates []string) string {
	best, distance := "", min(2, len(typed)/2)+1 // of a short word, half may be wrong
	for _, c := range candidates {
		if d := smetrics.WagnerFischer(typed, c, 1, 1, 1); d < distance {
			best, distance = c, d
		}
	}
	return best
}
