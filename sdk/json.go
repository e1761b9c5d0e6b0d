package sdk

import (
	"encoding/json"
	"slices"
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
// base64, where it is not UTF-8. Other text that is not UTF-8, which no valid record
// has, is an error of kind [Invalid].
func (r Record) MarshalJSON() ([]byte, error) {
	texts := []string{
		string(r.Content.Codec), r.Repo, r.Commit, r.Reason, r.ContentKind, r.Note, r.ArchivedBy, string(r.Type), r.GitBlob,
		string(r.WorkTreeState), r.Host,
	}
	if err := areTexts(r.Metadata, append(texts, r.Tags...)...); err != nil {
		return nil, err.About(r.Tombstone)
	}
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

// eventFields is an Event without its methods.
type eventFields Event

// MarshalJSON writes e so that nothing is lost. Text that is not UTF-8, which no
// valid event has, is an error of kind [Invalid].
func (e Event) MarshalJSON() ([]byte, error) {
	if err := areTexts(e.Detail, string(e.Action), e.Actor, e.Case, e.Host); err != nil {
		return nil, err.About(e.Tombstone)
	}
	return json.Marshal(eventFields(e))
}

// areTexts reports a text that JSON would change.
func areTexts(pairs map[string]string, texts ...string) *Error {
	for k, v := range pairs {
		texts = append(texts, k, v)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) }) {
		return Errorf(Invalid, "a text is not UTF-8")
	}
	return nil
}

// splitText returns s as a text where it is one, else as bytes.
func splitText(s string) (string, []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return "", []byte(s)
}
