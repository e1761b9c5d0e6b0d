package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// key is a field of [Record] in JSON.
type key struct {
	index    []int  // of the field, or of an embedded pointer and the field behind it
	text     string // as it is written, with the comma before it and the colon
	omitZero bool
	always   []Action // those that it is written for though it is zero
}

// keys returns the fields in their order.
var keys = sync.OnceValue(func() (all []key) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Record]()) {
		if f.Anonymous {
			continue // its own fields follow
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		k := key{index: f.Index, text: `,"` + name + `":`, omitZero: option == "omitzero"}
		for a := range strings.FieldsSeq(f.Tag.Get("always")) {
			k.always = append(k.always, Action(a))
		}
		all = append(all, k)
	}
	return all
})

// encode returns r as JSON: what encoding/json writes, in a part of the time,
// which counts where a thousand records are stored together.
func (r *Record) encode() []byte {
	c := r.cut()
	v := reflect.ValueOf(&c).Elem()
	action := c.Action.of()
	line := make([]byte, 0, 768)
	for _, k := range keys() {
		field := v.Field(k.index[0])
		if len(k.index) > 1 {
			if field.IsNil() {
				continue
			}
			field = field.Elem().Field(k.index[1])
		}
		if k.omitZero && field.IsZero() && !slices.Contains(k.always, action) {
			continue
		}
		line = appendValue(append(line, k.text...), field.Addr().Interface())
	}
	line[0] = '{' // instead of the first comma
	return append(line, '}')
}

// of returns the action that a is the failure of, or a.
func (a Action) of() Action { return Action(strings.TrimSuffix(string(a), "_FAIL")) }

// appendValue appends the value of a field, which it is given a pointer to.
func appendValue(dst []byte, field any) []byte {
	switch x := field.(type) {
	case *string:
		return escape.AppendString(dst, text(*x))
	case *int:
		return strconv.AppendInt(dst, int64(*x), 10)
	case *int64:
		return strconv.AppendInt(dst, *x, 10)
	case *bool:
		return strconv.AppendBool(dst, *x)
	case *time.Time:
		form := TimeForm
		if x.Nanosecond()%1e6 != 0 { // an archive keeps microseconds
			form = ExactForm
		}
		return append(x.UTC().AppendFormat(append(dst, '"'), form), '"')
	case *sdk.ID:
		return escape.AppendString(dst, x.String())
	case *sdk.Digest:
		return escape.AppendString(dst, x.String())
	case *Action:
		return escape.AppendString(dst, string(*x))
	case *Effect:
		return escape.AppendString(dst, string(*x))
	case *Status:
		return escape.AppendString(dst, string(*x))
	case *output.Millis:
		return x.Append(dst)
	case **output.Millis:
		return (*x).Append(dst)
	case **Verification:
		text, _ := json.Marshal(*x) // it holds only texts, numbers and a time
		return append(dst, escape.JSON(string(text))...)
	case **Recryption:
		text, _ := json.Marshal(*x) // it holds only texts and numbers
		return append(dst, escape.JSON(string(text))...)
	case *[]byte:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), *x), '"')
	}
	panic("a field of Record has a type that encode does not know") // a test encodes every field
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
		text = append(text, r.encode()...)
	}
	return append(text, ']', '}'), nil
}
