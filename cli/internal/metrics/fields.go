package metrics

import (
	"github.com/tidwall/gjson"
)

// fields is what of a line is measured.
type fields struct {
	ts, action, backend, status             string
	duration, decompression, write          float64 // milliseconds
	hasDuration, hasDecompression, hasWrite bool
}

// read fills the fields from a line and reports whether it is one JSON object
// whose times are numbers of milliseconds. Other values are skipped. Of a key that
// comes twice the last value counts.
func (f *fields) read(line []byte) (ok bool) {
	if !gjson.ValidBytes(line) {
		return false
	}
	object := gjson.ParseBytes(line)
	ok = object.IsObject()
	object.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "ts":
			f.ts = value.Str
		case "action":
			f.action = value.Str
		case "backend":
			f.backend = value.Str
		case "status":
			f.status = value.Str
		case "duration_ms":
			f.duration, f.hasDuration = milliseconds(value)
			ok = ok && f.hasDuration
		case "decompression_ms":
			f.decompression, f.hasDecompression = milliseconds(value)
			ok = ok && f.hasDecompression
		case "write_ms":
			f.write, f.hasWrite = milliseconds(value)
			ok = ok && f.hasWrite
		}
		return ok
	})
	return ok
}

func milliseconds(value gjson.Result) (ms float64, ok bool) {
	return value.Num, value.Type == gjson.Number && value.Num >= 0 && value.Num <= 1e15
}
