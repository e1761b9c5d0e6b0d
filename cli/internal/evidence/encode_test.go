package evidence

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// TestEncode fills the fields of a line at random, and reads it with
// encoding/json. A field of a type that encode does not know fails it.
func TestEncode(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		r := &Record{Batch: &Batch{}, Transfer: &Transfer{}, Tree: &Tree{}}
		for _, k := range keys() {
			setRandomly(random, reflect.ValueOf(r).Elem().FieldByIndex(k.index))
		}
		r.V, r.Seq, r.PathB64, r.OutputB64, r.Error, r.URL, r.Reason, r.Source = Version, random.Int64N(maxSeq), nil, nil, "", "", "dead", ""
		r.ID, r.Prev, r.Time = sdk.NewID(), sdk.Digest{byte(random.Uint32())}, time.UnixMilli(random.Int64N(1<<42)).UTC()
		var back Record
		line := r.encode()
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if !reflect.DeepEqual(&back, r) {
			t.Fatalf("%s is read as\n%+v, written as\n%+v", line, back, r)
		}
	}
}

// TestEveryFieldIsWritten: a field of an embedded struct that has the name of
// another would be left out, as from_archive of COPY once was.
func TestEveryFieldIsWritten(t *testing.T) {
	written := map[string]bool{}
	for _, k := range keys() {
		written[k.text] = true
	}
	var check func(reflect.Type)
	check = func(of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			if f.Anonymous {
				check(f.Type.Elem())
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !written[`,"`+name+`":`] {
				t.Errorf("%s of %s is not written", f.Name, of)
			}
		}
	}
	check(reflect.TypeFor[Record]())
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
	case reflect.Int:
		field.SetInt(random.Int64N(math.MaxInt64) >> random.IntN(63))
	case reflect.Int64:
		n := random.Int64N(1<<50) >> random.IntN(50)
		if field.Type() == reflect.TypeFor[output.Millis]() {
			n = n / 1e5 * 1e5
		}
		field.SetInt(n)
	case reflect.Bool:
		field.SetBool(true)
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

// TestEncodeIntent: an intent is written as encoding/json does.
func TestEncodeIntent(t *testing.T) {
	for n := range 3 {
		file := intentFile{V: Version, Op: sdk.NewID(), Backend: "sqlite", Place: sdk.NewID(), TS: time.UnixMilli(1e12).UTC(), From: 7, Records: []*Record{}}
		for range n {
			file.Records = append(file.Records, &Record{ID: sdk.NewID(), Action: Archive, Status: Success, Actor: "a", Path: "x\n\xff", Time: time.UnixMilli(1e12)})
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
		ID: sdk.NewID(), Action: Archive, Status: Success, Actor: "me", Backend: "sqlite", Tombstone: sdk.NewID().String(), Repo: "repo", Reason: "dead",
		Path: "src/cmd/compile/internal/ssa/rewrite.go", SHA256: strings.Repeat("0a", 32), Codec: "zstd", Time: time.Now(),
	}
	for b.Loop() {
		r.encode()
	}
}
