package sdk

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fullRecord has another value in every field.
func fullRecord() Record {
	r := Record{
		Tombstone: NewID(), Event: NewID(), Set: NewID(),
		Content: Content{SHA256: Digest{1}, Size: MaxSize, Codec: Zstd, StoredSize: MaxSize - 1, CRC32C: 1<<32 - 1, StoredSHA256: Digest{2, 255}},
		Repo:    "repo <&> \u2028", Path: "a/\xff\xfe<é>", WorkTreePath: "\x80", Commit: "c0ffee", Reason: "dead", ContentKind: "code",
		Note: "line\nbreak \"quoted\" \\ \U0001f600", Tags: []string{"a", "b"}, Metadata: map[string]string{"k": "v", "empty": ""},
		Mode: 0o777, ModTime: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), ArchivedBy: "anna",
		ArchivedAt:  time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		RetainUntil: time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		PurgedAt:    time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC), RetainAtStore: time.Unix(0, 0).UTC(),
		Type: Symlink, GitBlob: strings.Repeat("0a", 20), WorkTreeState: WorkTreeModified, Host: "host",
	}
	r.Digest = r.ComputeDigest()
	return r
}

func TestRecordJSON(t *testing.T) {
	full := fullRecord()
	for i := range reflect.TypeFor[Record]().NumField() {
		if reflect.ValueOf(full).Field(i).IsZero() {
			t.Errorf("the test says nothing of %s", reflect.TypeFor[Record]().Field(i).Name)
		}
	}
	text := fullRecord()
	text.Path, text.WorkTreePath, text.Tags = "a/b é", "", []string{}
	text.Digest = text.ComputeDigest()
	for _, r := range []Record{full, text, {}} {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Record
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r, back) {
			t.Errorf("%s\nwas    %+v\nbecame %+v", data, r, back)
		}
		if r.Digest != (Digest{}) && back.CheckDigest() != nil {
			t.Error(back.CheckDigest())
		}
		// A record among others, behind a pointer, is the same text.
		if list, err := json.Marshal([]*Record{&r}); err != nil || string(list) != "["+string(data)+"]" {
			t.Errorf("%s, %v", list, err)
		}
	}
	// An event has paths in no field, and all its text is UTF-8.
	event := Event{ID: NewID(), Tombstone: NewID(), Action: ActionRetain, Actor: "anna", At: full.ArchivedAt, Case: "c",
		RetainUntil: full.RetainUntil, Detail: map[string]string{"k": "<v>"}, Host: "h"}
	data, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var back Event
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(event, back) {
		t.Errorf("%s\nwas    %+v\nbecame %+v, %v", data, event, back, err)
	}
}
