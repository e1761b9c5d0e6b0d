package sdk

import (
	"encoding/json"
	"unicode/utf8"
)

// recordFields is a Record without its methods.
type recordFields Record

// recordJSON is a Record as JSON has it. JSON is UTF-8 and a path need not be: such
// a path is written in base64 under a name of its own.
type recordJSON struct {
	recordFields
	PathBytes         []byte `json:",omitempty"`
	WorkTreePathBytes []byte `json:",omitempty"`
}

// MarshalJSON writes r so that UnmarshalJSON loses nothing. The names are those of
// the fields; Path or WorkTreePath becomes PathBytes or WorkTreePathBytes, in
// base64, where it is not UTF-8.
func (r Record) MarshalJSON() ([]byte, error) {
	j := recordJSON{recordFields: recordFields(r)}
	j.Path, j.PathBytes = splitText(r.Path)
	j.WorkTreePath, j.WorkTreePathBytes = splitText(r.WorkTreePath)
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(text []byte) error {
	var j recordJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*r = Record(j.recordFields)
	r.Path += string(j.PathBytes)
	r.WorkTreePath += string(j.WorkTreePathBytes)
	return nil
}

// splitText returns s as a text where it is one, else as bytes.
func splitText(s string) (string, []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return "", []byte(s)
}
