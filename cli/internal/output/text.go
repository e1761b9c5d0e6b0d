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
)

// Millis is a duration as results show it: milliseconds with one decimal.
type Millis time.Duration

func (m Millis) value() float64 {
	return float64(time.Duration(m).Round(100*time.Microsecond)) / float64(time.Millisecond)
}

// String returns "12.3ms".
func (m Millis) String() string { return fmt.Sprintf("%.1fms", m.value()) }

// MarshalJSON writes a number.
func (m Millis) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.1f", m.value()), nil }

// UnmarshalJSON reads a number.
func (m *Millis) UnmarshalJSON(text []byte) error {
	var n float64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if n < 0 || n > float64(math.MaxInt64/int64(time.Millisecond)) {
		return fmt.Errorf("%v is no duration", n)
	}
	*m = Millis(n * float64(time.Millisecond))
	return nil
}

// PathText returns path as text, and its bytes in base64 if they are not UTF-8.
func PathText(path string) (text, b64 string) {
	if utf8.ValidString(path) {
		return path, ""
	}
	return strings.ToValidUTF8(path, "\uFFFD"), base64.StdEncoding.EncodeToString([]byte(path))
}

// Printable returns s without control characters, for terminals.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
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

// ShellWord quotes s where a shell would split or expand it. Control characters
// become escapes, in a form that bash, zsh and ksh read.
func ShellWord(s string) string {
	switch {
	case s != Printable(s):
		quoted := strconv.Quote(s)
		return "$'" + strings.ReplaceAll(quoted[1:len(quoted)-1], "'", `\'`) + "'"
	case s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+/=:@%", r))
	}):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// Nearest returns the candidate that is at most two edits away from typed, or
// "".
func Nearest(typed string, candidates []string) string {
	best, distance := "", 3
	for _, c := range candidates {
		if d := smetrics.WagnerFischer(typed, c, 1, 1, 1); d < distance {
			best, distance = c, d
		}
	}
	return best
}
