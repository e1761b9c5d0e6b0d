package sdk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// vector is a record as docs/format.md writes it.
type vector struct {
	Tombstone     ID                `json:"tombstone"`
	Event         ID                `json:"event"`
	Set           ID                `json:"set"`
	SHA256        Digest            `json:"sha256"`
	Size          int64             `json:"size"`
	Repo          string            `json:"repo"`
	Path          string            `json:"path"`
	WorkTreePath  string            `json:"work_tree_path"`
	Commit        string            `json:"commit"`
	Reason        string            `json:"reason"`
	ContentKind   string            `json:"content_kind"`
	Note          string            `json:"note"`
	Tags          []string          `json:"tags"`
	Metadata      map[string]string `json:"metadata"`
	Mode          uint32            `json:"mode"`
	ModTime       *int64            `json:"mod_time"`
	ArchivedBy    string            `json:"archived_by"`
	ArchivedAt    *int64            `json:"archived_at"`
	RetainAtStore *int64            `json:"retain_at_store"`
	Type          FileType          `json:"type"`
	GitBlob       string            `json:"git_blob"`
	WorkTreeState WorkTreeState     `json:"work_tree_state"`
	Host          string            `json:"host"`
	Digest        Digest            `json:"digest"`
}

func (v *vector) record(t *testing.T) *Record {
	raw := func(text string) string {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	at := func(us *int64) time.Time {
		if us == nil {
			return time.Time{}
		}
		return time.UnixMicro(*us).UTC()
	}
	return &Record{
		Tombstone: v.Tombstone, Event: v.Event, Set: v.Set,
		Content: Content{SHA256: v.SHA256, Size: v.Size, Codec: Zstd, StoredSize: -1},
		Repo:    v.Repo, Path: raw(v.Path), WorkTreePath: raw(v.WorkTreePath), Commit: v.Commit, Reason: v.Reason,
		ContentKind: v.ContentKind, Note: v.Note, Tags: v.Tags, Metadata: v.Metadata, Mode: v.Mode, ModTime: at(v.ModTime),
		ArchivedBy: v.ArchivedBy, ArchivedAt: at(v.ArchivedAt), RetainAtStore: at(v.RetainAtStore), Type: v.Type,
		GitBlob: v.GitBlob, WorkTreeState: v.WorkTreeState, Host: v.Host, Digest: v.Digest,
	}
}

// block returns the n-th block of a language in docs/format.md.
func block(t *testing.T, begin string) string {
	t.Helper()
	data, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "```"+begin+"\n")
	text, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatalf("docs/format.md has no block of %s", begin)
	}
	return text
}

func TestDigestVectors(t *testing.T) {
	var vectors []vector
	if err := json.Unmarshal([]byte(block(t, "json")), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 2 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for i, v := range vectors {
		r := v.record(t)
		if err := r.Validate(); err != nil {
			t.Errorf("vector %d: %v", i, err)
		}
		if err := r.CheckDigest(); err != nil {
			t.Errorf("vector %d: %v", i, err)
		}
	}
	preimage, err := hex.DecodeString(strings.Join(strings.Fields(block(t, "text")), ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := Digest(sha256.Sum256(preimage)); got != vectors[0].Digest {
		t.Errorf("the bytes shown have digest %v, the first vector %v", got, vectors[0].Digest)
	}
}

// Each field is covered, or is one that may change later.
func TestDigestCovers(t *testing.T) {
	var vectors []vector
	if err := json.Unmarshal([]byte(block(t, "json")), &vectors); err != nil {
		t.Fatal(err)
	}
	covered := map[string]func(*Record){
		"tombstone": func(r *Record) { r.Tombstone[0]++ },
		"event":     func(r *Record) { r.Event[0]++ },
		"content":   func(r *Record) { r.Content.SHA256[0]++ },
		"size":      func(r *Record) { r.Content.Size++ },
		"repo":      func(r *Record) { r.Repo += "x" },
		"path":      func(r *Record) { r.Path += "x" },
		"work tree": func(r *Record) { r.WorkTreePath = "" },
		"commit":    func(r *Record) { r.Commit, r.Reason = "", r.Commit },
		"reason":    func(r *Record) { r.Reason += "x" },
		"kind":      func(r *Record) { r.ContentKind += "x" },
		"note":      func(r *Record) { r.Note = "" },
		"tags":      func(r *Record) { r.Tags = []string{"a", "bé"} },
		"metadata":  func(r *Record) { r.Metadata = map[string]string{"empt": "y", "ticket": "X-1", "é": "☃"} },
		"mode":      func(r *Record) { r.Mode = 0 },
		"mod time":  func(r *Record) { r.ModTime = time.Time{} },
		"actor":     func(r *Record) { r.ArchivedBy += "x" },
		"time":      func(r *Record) { r.ArchivedAt = r.ArchivedAt.Add(time.Microsecond) },
		"retention": func(r *Record) { r.RetainAtStore = time.Time{} },
		"set":       func(r *Record) { r.Set[0]++ },
		"type":      func(r *Record) { r.Type = RegularFile },
		"blob":      func(r *Record) { r.GitBlob = "" },
		"state":     func(r *Record) { r.WorkTreeState = "" },
		"host":      func(r *Record) { r.Host = "" },
	}
	for what, change := range covered {
		r := vectors[1].record(t)
		change(r)
		if err := r.CheckDigest(); KindOf(err) != Corrupt || len(AsError(err).Tombstones) != 1 {
			t.Errorf("%s: %v, want corrupt", what, err)
		}
	}
	r := vectors[1].record(t)
	r.Content.Codec, r.Content.StoredSize, r.Content.CRC32C, r.Content.StoredSHA256 = None, 7, 7, Digest{7}
	r.RetainUntil, r.PurgedAt = r.ArchivedAt, r.ArchivedAt
	if err := r.CheckDigest(); err != nil {
		t.Errorf("what may change later: %v", err)
	}
}
