package sdk

import (
	"encoding/json"
	"math/rand/v2"
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

// FuzzRecordJSON: whatever is in a record, JSON returns it as it was, or refuses it.
// It never refuses one that a backend may get.
func FuzzRecordJSON(f *testing.F) {
	f.Add("a/\xff", "note", "key", "value", int64(0), int64(999), uint64(1))
	f.Add("\ufffd\u2028", "\x00\x01\x7f\"\\", "", "\xed\xa0\x80", int64(253402300799), int64(999999999), uint64(2))
	f.Add("é", "\ufeff", "a\nb", "<&>", int64(-62135596800), int64(1), uint64(3))
	f.Add("p", "n", "k", "v", int64(1)<<60, int64(7), uint64(4))
	f.Fuzz(func(t *testing.T, path, text, key, value string, seconds, nanos int64, seed uint64) {
		r := fullRecord()
		random := rand.New(rand.NewPCG(seed, 0))
		for _, id := range []*ID{&r.Tombstone, &r.Event, &r.Set} {
			for i := range id {
				id[i] = byte(random.Uint32())
			}
		}
		r.Path, r.WorkTreePath, r.Note, r.Host, r.Tags = path, path+text, text, value, []string{key, value}
		r.Metadata = map[string]string{key: value, text: path}
		r.ArchivedAt, r.ModTime = time.Unix(seconds, nanos).UTC(), time.Unix(-seconds, nanos).UTC()
		if seed%2 == 0 {
			r.Type = RegularFile
		}
		data, err := json.Marshal(r)
		if err != nil {
			if r.Validate() == nil {
				t.Errorf("a valid record is refused: %v", err)
			}
			return
		}
		var back Record
		if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(r, back) {
			t.Errorf("%s\nwas    %+v\nbecame %+v, %v", data, r, back, err)
		}
	})
}

// TestEventJSON: text that JSON would change is refused.
func TestEventJSON(t *testing.T) {
	for _, e := range []Event{{Actor: "\xff"}, {Detail: map[string]string{"k": "\xff"}}, {Detail: map[string]string{"\xff": ""}}} {
		if _, err := json.Marshal(&e); err == nil {
			t.Errorf("%+v", e)
		}
	}
}
