package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// byReflection is what encoding/json writes of w.
func byReflection(t testing.TB, w *wire) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		t.Fatal(err)
	}
	return escape.JSON(strings.TrimSuffix(b.String(), "\n"))
}

// TestEncode fills the fields of a line at random, and compares with
// encoding/json. A field that is added to wire alone fails it.
func TestEncode(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		w := &wire{}
		v := reflect.ValueOf(w).Elem()
		for i := range v.NumField() {
			setRandomly(random, v.Field(i))
		}
		w.ID, w.Prev, w.TS = newID(), digest{byte(random.Uint32())}, stamp(time.UnixMilli(random.Int64N(1<<42)))
		want := byReflection(t, w)
		if got := string(w.encode()); got != want {
			t.Fatalf("encoded %s\nwant    %s", got, want)
		}
	}
}

// setRandomly sets a field, or leaves it zero.
func setRandomly(random *rand.Rand, field reflect.Value) {
	if random.IntN(3) == 0 {
		return
	}
	switch field.Kind() {
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
		setRandomly(random, field.Elem())
	case reflect.String:
		field.SetString(anyText(random))
	case reflect.Int, reflect.Int64:
		field.SetInt(random.Int64N(math.MaxInt64) >> random.IntN(63))
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Slice:
		field.SetBytes([]byte(anyText(random)))
	}
}

// anyText is mostly plain, as most texts are.
func anyText(random *rand.Rand) string {
	signs := []rune("abc /.-_\"\\<>&\x00\x1f\n\t\x7f\u0085\u009b\u2028\u202eé漢😀\ufffd")
	var b strings.Builder
	for range random.IntN(12) {
		b.WriteRune(signs[random.IntN(len(signs))])
	}
	if random.IntN(2) == 0 {
		return fmt.Sprintf("src/file%d.go", random.IntN(99))
	}
	return b.String()
}

// TestEncodeIntent: an intent is read as it was written.
func TestEncodeIntent(t *testing.T) {
	for n := range 3 {
		file := intentFile{V: Version, Op: newID(), Backend: "sqlite", Place: newID(), TS: stamp(time.UnixMilli(1e12)), From: 7, Records: []*Record{}}
		for range n {
			file.Records = append(file.Records, &Record{ID: newID(), Action: Archive, Status: Success, Actor: "a", Path: "x\n\xff", Time: time.UnixMilli(1e12)})
		}
		text, err := file.encode()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != string(want) {
			t.Errorf("encoded %s\nwant    %s", text, want)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	r := &Record{
		ID: newID(), Action: Archive, Status: Success, Actor: "me", Backend: "sqlite", Tombstone: newID().String(), Repo: "repo", Reason: "dead",
		Path: "src/cmd/compile/internal/ssa/rewrite.go", SHA256: strings.Repeat("0a", 32), Codec: "zstd", Time: time.Now(),
	}
	for b.Loop() {
		r.wire().encode()
	}
}
